public import Checkpoints
import Tensors

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
