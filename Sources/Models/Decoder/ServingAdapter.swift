public import Tensors

/// A linear layer of the serving decoder: layers with the same input are fused into one product.
enum FusedModule: CaseIterable {
    case queryKeyValue
    case output
    case gateUp
    case down

    /// The layers of the Hugging Face implementation, in the order of the fused layer's output rows.
    var modules: [AdapterModule] {
        switch self {
        case .queryKeyValue: [.query, .key, .value]
        case .output: [.output]
        case .gateUp: [.gate, .up]
        case .down: [.down]
        }
    }
}

/// A low-rank adapter in the layout for serving: the pairs of fused layers are fused too.
///
/// With A₁, A₂ stacked and B₁, B₂ as blocks of one diagonal matrix, one pair of products serves a fused layer. If the
/// processor multiplies bfloat16, factors are stored as bfloat16, like adapters on disk, because every decoded token
/// reads all of them.
public final class ServingAdapter: Sendable {
    /// A: `[modules * rank, inputs]`. B: `[outputs, modules * rank]`, scaled by α/r, nonzero in its diagonal blocks
    /// only.
    private let layers: [[FusedModule: LowRankUpdate.Factors]]

    /// Lays out an adapter, whose shapes must fit a decoder of the given sizes.
    public init(
        _ adapter: LowRankAdapter, configuration: DecoderConfiguration, precision: Precision = .bfloat16,
        compute: Compute
    ) {
        precondition(adapter.layers.count == configuration.layers)
        layers = adapter.layers.map { layer in
            var pairs: [FusedModule: LowRankUpdate.Factors] = [:]
            for fused in FusedModule.allCases where fused.modules.contains(where: { layer[$0] != nil }) {
                pairs[fused] = Self.fuse(
                    fused.modules, of: layer, scale: adapter.scale, rank: adapter.rank, configuration, precision,
                    compute)
            }
            return pairs
        }
    }

    func factors(layer: Int, _ module: FusedModule) -> LowRankUpdate.Factors? {
        layers[layer][module]
    }

    private static func fuse(
        _ modules: [AdapterModule], of layer: [AdapterModule: LowRankAdapter.Pair], scale: Float, rank: Int,
        _ configuration: DecoderConfiguration, _ precision: Precision, _ compute: Compute
    ) -> LowRankUpdate.Factors {
        var a = Tensor(zeros: [modules.count * rank, modules[0].shape(in: configuration).inputs])
        let b = modules.enumerated().map { index, module in
            guard let pair = layer[module] else {
                return Tensor(zeros: [module.shape(in: configuration).outputs, rank])
            }
            a.replaceRows(from: index * rank, with: pair.a)
            return Tensor(pair.b.elements.map { scale * $0 }, shape: pair.b.shape)
        }
        return LowRankUpdate.Factors(
            a: PackedMatrix(a, precision: precision, compute: compute),
            b: PackedMatrix(diagonal: b, precision: precision, compute: compute))
    }
}
