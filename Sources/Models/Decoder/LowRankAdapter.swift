public import Checkpoints
public import Tensors

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

// The adapter as an ordered set of named tensors for training, `adapter.LAYER.MODULE.a` and `….b`.
extension LowRankAdapter {
    /// The initial adapter of training. The elements of A are drawn from a normal distribution with deviation
    /// 1/√inputs. B is zero, so that the adapter changes nothing yet.
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

extension LowRankAdapter {
    /// A PEFT adapter for a decoder of the given sizes.
    ///
    /// - Throws: `ModelError` for a module or layer that the decoder lacks, or a factor of another shape.
    public init(_ adapter: PEFTAdapter, configuration: DecoderConfiguration) throws(ModelError) {
        var layers = [[AdapterModule: Pair]](repeating: [:], count: configuration.layers)
        for (key, pair) in adapter.pairs {
            let name = "layers.\(key.layer).\(key.module)"
            guard let module = AdapterModule(rawValue: key.module), layers.indices.contains(key.layer) else {
                throw .unknownTensor(name)
            }
            let shape = module.shape(in: configuration)
            guard pair.a.shape == [adapter.rank, shape.inputs] else {
                throw .shape(tensor: "\(name).lora_A", expected: [adapter.rank, shape.inputs], found: pair.a.shape)
            }
            guard pair.b.shape == [shape.outputs, adapter.rank] else {
                throw .shape(tensor: "\(name).lora_B", expected: [shape.outputs, adapter.rank], found: pair.b.shape)
            }
            layers[key.layer][module] = Pair(a: pair.a, b: pair.b)
        }
        self.init(rank: adapter.rank, alpha: adapter.alpha, layers: layers)
    }
}

extension PEFTAdapter {
    /// A trained adapter in the form that PEFT saves.
    public init(_ adapter: LowRankAdapter, baseModel: String? = nil, decoder: DecoderName = .text) {
        var pairs: [Key: Pair] = [:]
        for (layer, modules) in adapter.layers.enumerated() {
            for (module, pair) in modules {
                pairs[Key(layer: layer, module: module.rawValue)] = Pair(a: pair.a, b: pair.b)
            }
        }
        self.init(rank: adapter.rank, alpha: adapter.alpha, baseModel: baseModel, pairs: pairs, decoder: decoder)
    }
}
