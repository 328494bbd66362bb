public import Tensors

/// A decoder's sizes and options: pre-norm blocks of grouped-query attention and SwiGLU.
///
/// One decoder serves many families; the options say where they differ. SmolLM2-135M has none: 30 layers, width 576,
/// FFN 1,536, 9 query heads and 3 key/value heads of 64, vocabulary 49,152.
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
    /// How the file scales the rotary frequencies.
    public var ropeScaling: RotaryScaling = .none
    /// The layers without rotary positions (SmolLM3: every fourth).
    public var unrotatedLayers: Set<Int> = []
    /// Whether the output projection has weights of its own instead of the embedding's.
    public var hasOwnOutput = false
    /// The linear layers of a block that have biases (Qwen2: queries, keys and values).
    public var biases: Set<AdapterModule> = []
    /// Whether an RMS norm is applied to each query and key head before the rotation (Qwen3).
    public var normalizesHeads = false
    /// The factor of embeddings (Granite).
    public var embeddingScale: Float = 1
    /// The factor of attention's scores; nil for 1/√headSize (Granite).
    public var attentionScale: Float?
    /// The factor of what attention and the feed-forward layer add to the residual stream (Granite).
    public var residualScale: Float = 1
    /// The divisor of logits (Granite).
    public var logitsScale: Float = 1

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
        let scaling =
            contextStretch == 1
            ? ropeScaling : .yarn(RotaryScaling.YaRN(factor: contextStretch, trained: contextLength))
        let frequencies = RotaryFrequencies(headSize: headSize, theta: ropeTheta, scaling: scaling)
        guard let attentionScale else { return frequencies }
        return frequencies.scalingScores(by: attentionScale * Float(headSize).squareRoot())
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
    /// Stretches the context to `positions` positions.
    mutating func stretch(to positions: Int) throws {
        guard positions <= contextLength || ropeScaling == .none else {
            throw ModelError.unsupported(
                key: "context length",
                expected: "at most \(contextLength), since the model scales its positions itself",
                found: "\(positions)")
        }
        guard positions <= contextLength * Self.maximumStretch else {
            throw ModelError.unsupported(
                key: "context length", expected: "at most \(contextLength * Self.maximumStretch)", found: "\(positions)"
            )
        }
        contextStretch = max(1, Float(positions) / Float(contextLength))
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
