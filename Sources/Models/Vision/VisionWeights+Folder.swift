public import Checkpoints
import Support
import Tensors

extension VisionWeights {
    /// The vision encoder and connector of a checkpoint in the form in which transformers saves Idefics3 and SmolVLM.
    /// The language model in it is not read.
    ///
    /// - Throws: `CheckpointError`, `FileError` or `SafetensorsError` for files that cannot be read or a field that is
    ///   not supported, `VisionError` with the name of the wrong size or tensor.
    public init(checkpoint path: String) throws {
        try self.init(CheckpointFolder(path: path))
    }

    /// The same from an open folder.
    public init(_ folder: CheckpointFolder) throws {
        let configuration = try VisionConfiguration(folder.fields("config.json"))
        let ours = folder.tensors.filter { name, _ in Self.prefixes.contains { name.hasPrefix($0) } }
        try self.init(ours, configuration: configuration)
    }
}

extension VisionConfiguration {
    /// The sizes in a `config.json` of Idefics3 or SmolVLM. Absent fields have transformers' defaults.
    init(_ fields: CheckpointFields) throws {
        try fields.require("model_type", oneOf: Self.modelTypes)
        let vision = try fields.object("vision_config")
        try vision.require("hidden_act", oneOf: ["gelu_pytorch_tanh"], or: "gelu_pytorch_tanh")
        guard try vision.integer("num_channels", in: 1...16, or: 3) == 3 else {
            throw vision.fault("num_channels", "3", vision["num_channels"]?.text ?? "")
        }
        let sizes = 1...(1 << 20)
        do {
            try self.init(
                imageSize: try vision.integer("image_size", in: sizes, or: 224),
                patchSize: try vision.integer("patch_size", in: sizes, or: 32),
                hidden: try vision.integer("hidden_size", in: sizes, or: 1152),
                layers: try vision.integer("num_hidden_layers", in: sizes, or: 12),
                heads: try vision.integer("num_attention_heads", in: sizes, or: 16),
                feedForward: try vision.integer("intermediate_size", in: sizes, or: 3072),
                scale: try fields.integer("scale_factor", in: sizes, or: 2),
                textHidden: try fields.object("text_config").integer("hidden_size", in: sizes),
                normEpsilon: try vision.number("layer_norm_eps", or: 1e-6))
        } catch let error as VisionError {
            throw CheckpointError(fields.path, error.description)
        }
    }
}
