public import Checkpoints
public import Grammars
public import Images
public import Policies
public import Tensors

/// An input of a vision encoder: one tile or more, whose positions in a prompt are adjacent.
public struct ImageTiles: Sendable {
    /// The encoder's input, `[tiles, 3, side, side]`.
    public let pixels: Tensor
    /// The digest of the pixels, which is the image's key in caches.
    public let content: TensorDigest

    /// The given input.
    public init(_ pixels: Tensor) {
        self.pixels = pixels
        content = TensorDigest(pixels)
    }
}

/// One image inside a prompt.
public struct PromptImage: Sendable {
    /// The prompt positions that its embeddings fill.
    public var range: Range<Int>
    /// The vision encoder's input.
    public let tiles: ImageTiles
    /// The encoder's output, if the caller already has it; with nil, the engine encodes the image.
    public var embeddings: Tensor?

    /// An image at the given positions.
    public init(range: Range<Int>, tiles: ImageTiles) {
        self.range = range
        self.tiles = tiles
    }

    /// The vision encoder's input, `[tiles, 3, side, side]`.
    public var pixels: Tensor { tiles.pixels }

    /// The digest of the pixels, which is the image's key in caches.
    public var content: TensorDigest { tiles.content }
}

/// An image of a dialogue: its size as received, and what it takes.
public struct ImageSize: Sendable, Equatable {
    /// Pixels per row.
    public var width: Int
    /// The number of rows.
    public var height: Int
    /// The number of encoder inputs.
    public var tiles: Int
    /// The prompt positions of its tiles.
    public var positions: [Range<Int>]
    /// The header of its file; nil for an image that comes from no file.
    public var header: ImageHeader?

    /// An image of the given sizes.
    public init(width: Int, height: Int, tiles: Int, positions: [Range<Int>], header: ImageHeader? = nil) {
        self.width = width
        self.height = height
        self.tiles = tiles
        self.positions = positions
        self.header = header
    }
}

/// A prompt and the engine's task, as pure value data.
public struct EngineRequest: Sendable {
    /// The engine's task for a prompt.
    public enum Task: Sendable {
        /// Generate one answer.
        case generate
        /// Score given answers.
        case score(Scoring)
        /// Compute the mean of the last hidden states of all prompt positions, scaled to length 1.
        case embed
    }

    /// The task. `sampling`, `stop`, `grammar`, `topLogprobs` and `echoesPrompt` apply to `generate` only.
    public var task = Task.generate
    /// Token ids; positions of an image may hold any id.
    public var prompt: [Int32]
    /// The tiles of all images, in order of position.
    public var images: [PromptImage]
    /// What the images of the dialogue became, in order.
    public var imageSizes: [ImageSize] = []
    /// How long decoding and reading the images took before the request came to the engine.
    public var imagePreparation: Duration = .zero
    /// The policy that answers: one immutable generation.
    public var policy: Policy
    /// How tokens are drawn.
    public var sampling: SamplingParameters
    /// When the answer ends.
    public var stop: StopConditions
    /// What the text must be; nil: any text. The answer ends where the grammar ends. Near its
    /// maximum length the text is brought to an end that the grammar allows, unless the grammar has calls of functions.
    public var grammar: TokenGrammar?
    /// The number of alternatives reported with each token's log-probability; nil reports no log-probabilities.
    public var topLogprobs: Int?
    /// Whether the prompt precedes the answer as one piece of text. Its tokens have log-probabilities if `topLogprobs`
    /// is set.
    public var echoesPrompt = false
    /// When the engine gives up the request.
    public var deadline: ContinuousClock.Instant?

    /// A request with neutral sampling, no stop conditions and no deadline.
    public init(prompt: [Int32], images: [PromptImage] = [], policy: Policy) {
        self.prompt = prompt
        self.images = images
        self.policy = policy
        self.sampling = SamplingParameters()
        self.stop = StopConditions()
    }

    /// Positions that images occupy.
    public var imageTokens: Int { images.reduce(0) { $0 + $1.range.count } }

    /// Given tokens, image positions included: the tokens of the prompt, and of answers to be scored.
    public var givenTokens: Int {
        switch task {
        case .generate, .embed: prompt.count
        case .score(let scoring): prompt.count + scoring.answers.reduce(0) { $0 + $1.count }
        }
    }

    /// Throws if the request does not fit in a context of `limit` positions.
    func checkLength(limit: Int) throws(AdmissionError) {
        switch task {
        case .generate:
            // One position is for the answer's first token.
            guard prompt.count < limit else { throw .contextLengthExceeded(limit: limit, count: prompt.count) }
        case .score(let scoring):
            precondition(!prompt.isEmpty && !scoring.answers.isEmpty, "there is nothing to score")
            let count = prompt.count + scoring.longest
            guard count <= limit else { throw .contextLengthExceeded(limit: limit, count: count) }
        case .embed:
            precondition(!prompt.isEmpty, "there is nothing to embed")
            guard prompt.count <= limit else { throw .contextLengthExceeded(limit: limit, count: prompt.count) }
        }
    }
}

/// Why a request was refused.
public enum AdmissionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The queue has reached its limit.
    case queueFull(limit: Int)
    /// The prompt leaves no position for an answer.
    case contextLengthExceeded(limit: Int, count: Int)
    /// The engine is stopping.
    case stopping

    /// The reason, with the limit.
    public var description: String {
        switch self {
        case .queueFull(let limit): "\(limit) requests wait already"
        case .contextLengthExceeded(let limit, let count):
            "This model's maximum context length is \(limit) tokens; the request has \(count), pictures included"
        case .stopping: "the engine is stopping"
        }
    }
}

/// When an answer ends, apart from the model's own end tokens.
public struct StopConditions: Sendable, Equatable {
    /// Strings that end the answer; the first one to occur is not part of the shown text.
    public var strings: [String] = []
    /// Whether the stop string that ended the answer is shown.
    public var includesString = false
    /// Tokens that end the answer, like the end token.
    public var tokenIDs: Set<Int32> = []
    /// Whether generation continues after an end token; benchmarks need exact lengths.
    public var ignoresEndToken = false
    /// The minimum length: no end or stop token is drawn before the answer has this many tokens.
    public var minimumTokens = 0
    /// The maximum length; 0 computes only the prompt, nil fills the context.
    public var maximumTokens: Int?
    /// Whether an answer ends when it repeats one line or phrase again and again.
    public var endsRepetition = false

    /// No conditions.
    public init() {}
}
