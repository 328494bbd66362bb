import Checkpoints
import Models

extension LowRankAdapter {
    /// The adapter in a folder. It must change every linear layer, because training reads and writes all of them.
    init(completeIn folder: String, configuration: DecoderConfiguration) throws {
        self = try LowRankAdapter(PEFTAdapter(folder: folder), configuration: configuration)
        for (layer, pairs) in layers.enumerated() {
            for module in AdapterModule.allCases where pairs[module] == nil {
                throw ModelError.missingTensor("layers.\(layer).\(module.rawValue).lora_A in \(folder)")
            }
        }
    }
}
