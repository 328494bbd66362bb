public import Checkpoints

extension PEFTAdapter {
    /// A trained adapter in the form that PEFT saves.
    public init(_ adapter: LowRankAdapter, baseModel: String? = nil) {
        var pairs: [Key: Pair] = [:]
        for (layer, modules) in adapter.layers.enumerated() {
            for (module, pair) in modules {
                pairs[Key(layer: layer, module: module.rawValue)] = Pair(a: pair.a, b: pair.b)
            }
        }
        self.init(rank: adapter.rank, alpha: adapter.alpha, baseModel: baseModel, pairs: pairs)
    }
}
