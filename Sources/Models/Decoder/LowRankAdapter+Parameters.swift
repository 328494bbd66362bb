public import Tensors

// The adapter as an ordered set of named tensors for training, `adapter.LAYER.MODULE.a` and `….b`.
extension LowRankAdapter {
    /// The initial adapter of training: A normal with deviation 1/√inputs, B zero, so that it changes nothing.
    public init(
        starting configuration: DecoderConfiguration, rank: Int, alpha: Float,
        using generator: inout some RandomNumberGenerator
    ) {
        var layers: [[AdapterModule: Pair]] = []
        for _ in 0..<configuration.layers {
            var pairs: [AdapterModule: Pair] = [:]
            for module in AdapterModule.allCases {
                let (outputs, inputs) = module.shape(in: configuration)
                let deviation = 1 / Float(inputs).squareRoot()
                pairs[module] = Pair(
                    a: Tensor(normal: deviation, [rank, inputs], using: &generator), b: Tensor(zeros: [outputs, rank]))
            }
            layers.append(pairs)
        }
        self.init(rank: rank, alpha: alpha, layers: layers)
    }

    /// The factors of all modules, blocks in order.
    public var parameters: [(name: String, tensor: Tensor)] {
        layers.enumerated().flatMap { layer, pairs in
            AdapterModule.allCases.flatMap { module in
                pairs[module].map { pair in
                    [(Self.name(layer, module, "a"), pair.a), (Self.name(layer, module, "b"), pair.b)]
                } ?? []
            }
        }
    }

    /// The adapter with the factors in `parameters`, which must contain the factors of all modules and blocks.
    public init(_ parameters: ParameterSet, like configuration: DecoderConfiguration, rank: Int, alpha: Float) {
        let layers = (0..<configuration.layers).map { layer in
            Dictionary(
                uniqueKeysWithValues: AdapterModule.allCases.map { module in
                    (
                        module,
                        Pair(
                            a: parameters[Self.name(layer, module, "a")], b: parameters[Self.name(layer, module, "b")])
                    )
                })
        }
        self.init(rank: rank, alpha: alpha, layers: layers)
    }

    private static func name(_ layer: Int, _ module: AdapterModule, _ factor: String) -> String {
        "adapter.\(layer).\(module.rawValue).\(factor)"
    }
}
