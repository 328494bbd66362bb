public import Checkpoints
public import Policies
public import Tensors

/// The input of a vision encoder for one image.
public struct ImageTiles: Sendable {
    /// The encoder's input, `[views, 3, side, side]`.
    public let pixels: Tensor
    /// The digest of the pixels, by which caches find the image.
    public let content: TensorDigest

    /// The given input.
    public init(_ pixels: Tensor) {
        self.pixels = pixels
        content = TensorDigest(pixels)
    }
}

/// One image inside a prompt.
public struct PromptImage: Sendable {
    /// The prompt positions that its embeddings fill: `tokensPerTile` for each tile.
    public var range: Range<Int>
    /// The vision encoder's input.
    public let tiles: ImageTiles
    /// The encoder's output, if the caller has it already; nil lets the engine encode.
    public var embeddings: Tensor?

    /// An image at the given positions.
    public init(range: Range<Int>, tiles: ImageTiles) {
        self.range = range
        self.tiles = tiles
    }

    /// The vision encoder's input, `[views, 3, side, side]`.
    public var pixels: Tensor { tiles.pixels }

    /// The digest of the pixels, by which caches find the image.
    public var content: TensorDigest { tiles.content }
}

/// A prompt and what the engine does with it, as pure value data.
public struct EngineRequest: Sendable {
    /// What the engine does with a prompt.
    public enum Task: Sendable {
        /// It draws one answer.
        case generate
        /// It scores given answers.
        case score(Scoring)
    }

    /// What the engine does with the prompt. `sampling`, `stop`, `topLogprobs` and `echoesPrompt` are for `generate`.
    public var task = Task.generate
    /// Token ids; positions of an image hold any id.
    public var prompt: [Int32]
    /// The images, in order of position.
    public var images: [PromptImage]
    /// The policy that answers: one immutable generation of it.
    public var policy: Policy
    /// How tokens are drawn.
    public var sampling: SamplingParameters
    /// When the answer ends.
    public var stop: StopConditions
    /// How many alternatives are reported with each token's log-probability; nil reports none at all.
    public var topLogprobs: Int?
    /// Whether the prompt comes before the answer as one piece of text, its tokens with log-probabilities where
    /// `topLogprobs` asks for them.
    public var echoesPrompt = false
    /// When the engine gives up.
    public var deadline: ContinuousClock.Instant?

    /// A request with neutral sampling, no stop conditions and no deadline.
    public init(prompt: [Int32], images: [PromptImage] = [], policy: Policy) {
        self.prompt = prompt
        self.images = images
        self.policy = policy
        self.sampling = SamplingParameters()
        self.stop = StopConditions()
    }

    /// Positions that images take.
    public var imageTokens: Int { images.reduce(0) { $0 + $1.range.count } }

    /// Tokens that are given, positions of images included: those of the prompt, and of answers to be scored.
    public var givenTokens: Int {
        switch task {
        case .generate: prompt.count
        case .score(let scoring): prompt.count + scoring.answers.reduce(0) { $0 + $1.count }
        }
    }

    /// Refuses a request that does not fit in a context of `limit` positions.
    func checkLength(limit: Int) throws(AdmissionError) {
        switch task {
        case .generate:
            // One position is for the answer's first token.
            guard prompt.count < limit else { throw .contextLengthExceeded(limit: limit, count: prompt.count) }
        case .score(let scoring):
            precondition(!prompt.isEmpty && !scoring.answers.isEmpty, "there is nothing to score")
            let count = prompt.count + scoring.longest
            guard count <= limit else { throw .contextLengthExceeded(limit: limit, count: count) }
        }
    }
}

/// Why a request was not accepted.
public enum AdmissionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// As many requests wait as may.
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

/// When an answer ends, apart from the model's own end token.
public struct StopConditions: Sendable, Equatable {
    /// The answer ends before the first of these; none of it is shown.
    public var strings: [String] = []
    /// Whether the string that ended the answer is shown after all.
    public var includesString = false
    /// Tokens that end the answer like the end token does.
    public var tokenIDs: Set<Int32> = []
    /// Goes on after the end token: benchmarks need exact lengths.
    public var ignoresEndToken = false
    /// Tokens before which no end or stop token is drawn.
    public var minimumTokens = 0
    /// Tokens after which the answer ends; 0 computes the prompt only, nil means when the context is full.
    public var maximumTokens: Int?
    /// Whether an answer ends that repeats one line or phrase again and again.
    public var endsRepetition = false

    /// No conditions.
    public init() {}
}
