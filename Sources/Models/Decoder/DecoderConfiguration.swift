public import Checkpoints
public import Tensors

/// The sizes of a Llama-shaped decoder: pre-norm blocks of grouped-query attention and SwiGLU, tied embeddings.
///
/// SmolLM2-135M: 30 layers, width 576, FFN 1,536, 9 query heads and 3 key/value heads of 64, vocabulary 49,152.
public struct DecoderConfiguration: Sendable, Equatable {
    /// Transformer blocks.
    public var layers: Int
    /// Width of the residual stream.
    public var hidden: Int
    /// Width of the feed-forward layer.
    public var feedForward: Int
    /// Query heads.
    public var heads: Int
    /// Key and value heads; each serves `heads / kvHeads` query heads.
    public var kvHeads: Int
    /// Elements per head.
    public var headSize: Int
    /// Token ids: `0..<vocabulary`.
    public var vocabulary: Int
    /// Positions that the model was trained for.
    public var contextLength: Int
    /// The factor by which YaRN stretches the context, 1 to `maximumStretch`; 1 leaves it as trained.
    public var contextStretch: Float = 1
    /// Base θ of the rotary frequencies (Su et al. 2021).
    public var ropeTheta: Float
    /// ε of the RMS norms.
    public var normEpsilon: Float

    /// YaRN is reported to work up to about this factor.
    public static let maximumStretch = 4

    /// A configuration of the given sizes.
    public init(
        layers: Int, hidden: Int, feedForward: Int, heads: Int, kvHeads: Int, headSize: Int, vocabulary: Int,
        contextLength: Int, ropeTheta: Float, normEpsilon: Float
    ) {
        self.layers = layers
        self.hidden = hidden
        self.feedForward = feedForward
        self.heads = heads
        self.kvHeads = kvHeads
        self.headSize = headSize
        self.vocabulary = vocabulary
        self.contextLength = contextLength
        self.ropeTheta = ropeTheta
        self.normEpsilon = normEpsilon
    }

    /// The rotary frequencies, stretched by YaRN if `contextStretch` is above 1.
    public var rotaryFrequencies: RotaryFrequencies {
        contextStretch == 1
            ? RotaryFrequencies(headSize: headSize, theta: ropeTheta)
            : RotaryFrequencies(
                headSize: headSize, theta: ropeTheta, stretchedBy: contextStretch, trained: contextLength)
    }

    /// The number of positions within reach of the rotary frequencies.
    public var stretchedLength: Int { Int((Float(contextLength) * contextStretch).rounded()) }

    /// Multiplications in all layers' matrices per position.
    public var positionProducts: Int {
        layers * hidden * (2 * queryWidth + 2 * kvWidth + 3 * feedForward)
    }

    /// The depth at which a position's attention takes about as long as its matrix products. Attention multiplies
    /// 16-bit integers, of which a processor multiplies half as many at a time as of 8-bit ones.
    public var evenDepth: Int { max(1, positionProducts / (2 * 2 * queryWidth * layers)) }

    /// Multiplications and additions for these positions of a sequence, and for the logits of `outputs` of them. A
    /// position's attention reads the keys and values of all positions up to it.
    public func operations(for positions: Range<Int>, outputs: Int) -> Int {
        let seen = (positions.lowerBound + positions.upperBound + 1) * positions.count / 2
        return 2 * (positions.count * positionProducts + 2 * seen * queryWidth * layers + outputs * vocabulary * hidden)
    }

    /// Width of all query heads together.
    public var queryWidth: Int { heads * headSize }

    /// Width of all key heads, or all value heads, together.
    public var kvWidth: Int { kvHeads * headSize }
}

extension DecoderConfiguration {
    /// The sizes in a GGUF file of architecture `llama`, checked against each other.
    ///
    /// - Throws: `GGUFError` for a key that is missing or of the wrong type, `ModelError` for an unsupported value.
    public init(_ file: GGUFFile) throws {
        try Self.require(file, "general.architecture", "llama")
        if file.metadata["llama.rope.scaling.type"] != nil { try Self.require(file, "llama.rope.scaling.type", "none") }
        let heads = try Self.size(file, "llama.attention.head_count", in: 1...1024)
        let hidden = try Self.size(file, "llama.embedding_length", in: 1...65_536)
        let kvKey = "llama.attention.head_count_kv"
        let kvHeads = file.metadata[kvKey] == nil ? heads : try Self.size(file, kvKey, in: 1...heads)
        guard heads % kvHeads == 0 else {
            throw ModelError.unsupported(key: kvKey, expected: "a divisor of \(heads)", found: "\(kvHeads)")
        }
        guard hidden % heads == 0, hidden / heads % 16 == 0, hidden / heads <= 256 else {
            throw ModelError.unsupported(
                key: "llama.embedding_length", expected: "\(heads) heads of a multiple of 16 elements, at most 256",
                found: "\(hidden)")
        }
        let embedding = try file.tensor(DecoderWeight.embedding.ggufName)
        let thetaKey = "llama.rope.freq_base"
        self.init(
            layers: try Self.size(file, "llama.block_count", in: 1...1024),
            hidden: hidden,
            feedForward: try Self.size(file, "llama.feed_forward_length", in: 1...1_048_576),
            heads: heads, kvHeads: kvHeads, headSize: hidden / heads,
            vocabulary: try Self.vocabulary(file, rows: embedding.shape.first ?? 0),
            contextLength: try Self.size(file, "llama.context_length", in: 1...1_048_576),
            ropeTheta: file.metadata[thetaKey] == nil ? 10_000 : Float(try file.number(thetaKey)),
            normEpsilon: Float(try file.number("llama.attention.layer_norm_rms_epsilon")))
        let ropeKey = "llama.rope.dimension_count"
        if file.metadata[ropeKey] != nil { _ = try Self.size(file, ropeKey, in: headSize...headSize) }
    }

    /// The number of embedding rows that belong to tokens. Some files pad the embedding to a round number of rows. The
    /// padding is not loaded, so its ids are never read or drawn.
    private static func vocabulary(_ file: GGUFFile, rows: Int) throws -> Int {
        let key = "tokenizer.ggml.tokens"
        guard file.metadata[key] != nil else { return rows }
        let tokens = try file.strings(key).count
        guard (1...max(1, rows)).contains(tokens) else {
            throw ModelError.unsupported(
                key: key, expected: "1 to \(rows) tokens, the rows of \(DecoderWeight.embedding.ggufName)",
                found: "\(tokens)")
        }
        return tokens
    }

    /// Stretches the context to `positions` positions.
    mutating func stretch(to positions: Int) throws {
        guard positions <= contextLength * Self.maximumStretch else {
            throw ModelError.unsupported(
                key: "context length", expected: "at most \(contextLength * Self.maximumStretch)", found: "\(positions)"
            )
        }
        contextStretch = max(1, Float(positions) / Float(contextLength))
    }

    private static func size(_ file: GGUFFile, _ key: String, in range: ClosedRange<Int>) throws -> Int {
        let value = try file.integer(key)
        guard range.contains(value) else {
            let expected = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            throw ModelError.unsupported(key: key, expected: expected, found: "\(value)")
        }
        return value
    }

    private static func require(_ file: GGUFFile, _ key: String, _ expected: String) throws {
        let value = try file.string(key)
        guard value == expected else {
            throw ModelError.unsupported(key: key, expected: expected, found: value)
        }
    }
}

extension GGUFFile {
    /// A tensor of a decoder of the given sizes; of the embedding, only the rows of tokens.
    func tensor(_ weight: DecoderWeight, of configuration: DecoderConfiguration) throws -> GGUFTensor {
        let expected = weight.shape(in: configuration)
        var tensor = try tensor(weight.ggufName)
        if weight == .embedding, tensor.shape.count == 2, tensor.shape[0] > expected[0] {
            tensor = tensor.firstRows(expected[0])
        }
        guard tensor.shape == expected else {
            throw ModelError.shape(tensor: tensor.name, expected: expected, found: tensor.shape)
        }
        return tensor
    }
}

/// A linear layer of a decoder block that an adapter may change, under its name in the Hugging Face implementation.
public enum AdapterModule: String, CaseIterable, Sendable {
    /// Attention's query projection.
    case query = "q_proj"
    /// Attention's key projection.
    case key = "k_proj"
    /// Attention's value projection.
    case value = "v_proj"
    /// Attention's output projection.
    case output = "o_proj"
    /// The feed-forward layer's gate projection.
    case gate = "gate_proj"
    /// The feed-forward layer's up projection.
    case up = "up_proj"
    /// The feed-forward layer's down projection.
    case down = "down_proj"

    /// The layer's output and input widths.
    public func shape(in configuration: DecoderConfiguration) -> (outputs: Int, inputs: Int) {
        switch self {
        case .query: (configuration.queryWidth, configuration.hidden)
        case .key, .value: (configuration.kvWidth, configuration.hidden)
        case .output: (configuration.hidden, configuration.queryWidth)
        case .gate, .up: (configuration.feedForward, configuration.hidden)
        case .down: (configuration.hidden, configuration.feedForward)
        }
    }
}
