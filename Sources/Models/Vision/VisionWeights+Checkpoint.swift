import Checkpoints
import Tensors

extension VisionWeights {
    /// The vision encoder and connector of a checkpoint in the form in which transformers saves Idefics3 and SmolVLM: a
    /// folder with `config.json` and `model.safetensors`. The language model in it is not read.
    ///
    /// - Throws: `FileError` for a configuration that cannot be read, `ModelError.unsupported` for a value in it that
    ///   is not supported, `VisionError` with the name of the wrong size or tensor, or `SafetensorsError`.
    public init(checkpoint folder: String) throws {
        let path = folder + "/config.json"
        let configuration = try VisionConfiguration(decodeSmallFile(CheckpointFields.self, path: path), path: path)
        let file = try SafetensorsFile(path: folder + "/model.safetensors")
        try self.init(file, configuration: configuration) { name in
            ["model.vision_model.", "model.connector."].contains { name.hasPrefix($0) }
        }
    }
}

extension VisionConfiguration {
    fileprivate init(_ fields: CheckpointFields, path: String) throws {
        let vision = fields.visionConfig
        let rules: [(field: String, expected: [String], found: String)] = [
            ("model_type", ["idefics3", "smolvlm"], fields.modelType),
            ("vision_config.hidden_act", ["gelu_pytorch_tanh"], vision.hiddenAct ?? "gelu_pytorch_tanh"),
            ("vision_config.num_channels", ["3"], "\(vision.numChannels ?? 3)"),
        ]
        for rule in rules where !rule.expected.contains(rule.found) {
            throw ModelError.unsupported(
                key: "\(path): \(rule.field)", expected: rule.expected.joined(separator: " or "), found: rule.found)
        }
        try self.init(
            imageSize: vision.imageSize ?? 224, patchSize: vision.patchSize ?? 32,
            hidden: vision.hiddenSize ?? 1152, layers: vision.numHiddenLayers ?? 12,
            heads: vision.numAttentionHeads ?? 16, feedForward: vision.intermediateSize ?? 3072,
            scale: fields.scaleFactor ?? 2, textHidden: fields.textConfig.hiddenSize,
            normEpsilon: vision.layerNormEps ?? 1e-6)
    }
}

/// The fields of `config.json` for the vision encoder and connector. Checkpoints omit fields with transformers'
/// default.
private struct CheckpointFields: Decodable {
    struct Vision: Decodable {
        var imageSize: Int?
        var patchSize: Int?
        var hiddenSize: Int?
        var numHiddenLayers: Int?
        var numAttentionHeads: Int?
        var intermediateSize: Int?
        var hiddenAct: String?
        var layerNormEps: Float?
        var numChannels: Int?

        enum CodingKeys: String, CodingKey {
            case imageSize = "image_size"
            case patchSize = "patch_size"
            case hiddenSize = "hidden_size"
            case numHiddenLayers = "num_hidden_layers"
            case numAttentionHeads = "num_attention_heads"
            case intermediateSize = "intermediate_size"
            case hiddenAct = "hidden_act"
            case layerNormEps = "layer_norm_eps"
            case numChannels = "num_channels"
        }
    }

    struct Text: Decodable {
        var hiddenSize: Int

        enum CodingKeys: String, CodingKey {
            case hiddenSize = "hidden_size"
        }
    }

    var modelType: String
    var scaleFactor: Int?
    var visionConfig: Vision
    var textConfig: Text

    enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case scaleFactor = "scale_factor"
        case visionConfig = "vision_config"
        case textConfig = "text_config"
    }
}
