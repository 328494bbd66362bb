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
