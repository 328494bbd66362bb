public import Tensors

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

/// Low-rank updates of a decoder's linear layers: y = W x + (α/r) B (A x) (Hu et al. 2021, arXiv 2106.09685).
///
/// Rows of `b` for queries and keys are in Hugging Face order: rotary halves, not interleaved pairs.
public struct LowRankAdapter: Sendable {
    /// The two factors of one layer's update.
    public struct Pair: Sendable {
        /// `[rank, inputs]`.
        public var a: Tensor
        /// `[outputs, rank]`.
        public var b: Tensor

        /// The pair of the given factors.
        public init(a: Tensor, b: Tensor) {
            self.a = a
            self.b = b
        }
    }

    /// r, the inner width of every pair.
    public let rank: Int
    /// α; updates are scaled by α/r.
    public let alpha: Float
    /// The pairs of each block.
    public var layers: [[AdapterModule: Pair]]

    /// An adapter of the given pairs, one dictionary per block.
    public init(rank: Int, alpha: Float, layers: [[AdapterModule: Pair]]) {
        self.rank = rank
        self.alpha = alpha
        self.layers = layers
    }

    /// α/r.
    public var scale: Float { alpha / Float(rank) }
}
