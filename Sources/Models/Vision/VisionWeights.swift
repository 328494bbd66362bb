public import Checkpoints
import Tensors

/// The weights of a vision encoder and its connector, under the names of the reference implementation (transformers,
/// `Idefics3Model`); linear layers are `[outputs, inputs]`, the patch embedding is `[hidden, 3, patch, patch]`.
public struct VisionWeights: Sendable {
    /// The sizes of the encoder.
    public let configuration: VisionConfiguration
    /// The weights, in the order of `shapes(for:)`.
    public var parameters: ParameterSet

    /// The encoder's weights in `parameters`, which may also contain training heads.
    public init(configuration: VisionConfiguration, parameters: ParameterSet) {
        self.configuration = configuration
        self.parameters = ParameterSet(Self.shapes(for: configuration).map { ($0.name, parameters[$0.name]) })
    }

    /// Initial weights for training. Linear layers have PyTorch's variance, 1/(3 inputs), and no bias.
    public init(configuration: VisionConfiguration, using generator: inout some RandomNumberGenerator) {
        self.configuration = configuration
        self.parameters = ParameterSet(
            Self.shapes(for: configuration).map { name, shape in
                if name.hasSuffix("bias") { return (name, Tensor(zeros: shape)) }
                if name.contains("norm") { return (name, Tensor(repeating: 1, shape)) }
                let inputs = shape.dropFirst().reduce(1, *)
                let deviation = name == Self.positions ? 0.02 : (1 / Float(3 * inputs)).squareRoot()
                return (name, Tensor(normal: deviation, shape, using: &generator))
            })
    }

    /// The SHA-256 of the sizes and of every weight as loaded.
    public var digest: String {
        let sizes = configuration.metadata.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let weights = zip(parameters.names, parameters.tensors).map { "\($0) \(TensorDigest($1).hexadecimal)" }
        return FileDigest.sha256(of: (sizes + weights).joined(separator: "\n"))
    }

    static let patchEmbedding = "model.vision_model.embeddings.patch_embedding"
    static let positions = "model.vision_model.embeddings.position_embedding.weight"
    static let postNorm = "model.vision_model.post_layernorm"
    /// The connector's weight, `[textHidden, shuffledWidth]`.
    package static let connector = "model.connector.modality_projection.proj.weight"

    static func block(_ layer: Int) -> String { "model.vision_model.encoder.layers.\(layer)." }

    /// Names and shapes of all weights, in the order of the forward pass.
    public static func shapes(for configuration: VisionConfiguration) -> [(name: String, shape: [Int])] {
        let (hidden, feedForward) = (configuration.hidden, configuration.feedForward)
        func layer(_ name: String, _ shape: [Int]) -> [(name: String, shape: [Int])] {
            [(name + ".weight", shape), (name + ".bias", [shape[0]])]
        }
        var shapes = layer(patchEmbedding, [hidden, 3, configuration.patchSize, configuration.patchSize])
        shapes.append((positions, [configuration.patches, hidden]))
        for index in 0..<configuration.layers {
            let block = block(index)
            shapes += layer(block + "layer_norm1", [hidden])
            for projection in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                shapes += layer(block + "self_attn." + projection, [hidden, hidden])
            }
            shapes += layer(block + "layer_norm2", [hidden])
            shapes += layer(block + "mlp.fc1", [feedForward, hidden])
            shapes += layer(block + "mlp.fc2", [hidden, feedForward])
        }
        shapes += layer(postNorm, [hidden])
        shapes.append((connector, [configuration.textHidden, configuration.shuffledWidth]))
        return shapes
    }
}

extension VisionWeights {
    /// Reads a file of `write`: the weights, and their sizes in its metadata.
    ///
    /// - Throws: `SafetensorsError`, or `VisionError` with the name of the wrong size or tensor. No memory is allocated
    ///   for tensors with unexpected names or shapes.
    public init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        try self.init(file, configuration: VisionConfiguration(metadata: file.metadata))
    }

    /// The weights in `file`, which must contain the tensors of `configuration`, and no others with names for which
    /// `ours` is true.
    ///
    /// - Throws: `SafetensorsError`, or `VisionError` with the name of a missing, unknown or wrongly shaped tensor.
    init(
        _ file: SafetensorsFile, configuration: VisionConfiguration, ours: (String) -> Bool = { _ in true }
    ) throws {
        let shapes = Self.shapes(for: configuration)
        var known: Set<String> = []
        for (name, shape) in shapes {
            guard let found = file.entries[name]?.shape else { throw VisionError.missingTensor(name) }
            guard found == shape else { throw VisionError.shape(name, expected: shape, found: found) }
            known.insert(name)
        }
        if let unknown = file.entries.keys.filter({ ours($0) && !known.contains($0) }).min() {
            throw VisionError.unknownTensor(unknown)
        }
        self.configuration = configuration
        self.parameters = ParameterSet(try shapes.map { name, _ in (name, try file.tensor(name)) })
    }

    /// Writes the weights to `path` in `format`, with their sizes in the metadata.
    public func write(to path: String, as format: FloatFormat = .float32) throws(SafetensorsError) {
        let tensors = Dictionary(uniqueKeysWithValues: zip(parameters.names, parameters.tensors))
        try SafetensorsFile.write(tensors, as: format, metadata: configuration.metadata, to: path)
    }
}

extension VisionConfiguration {
    /// The sizes as a safetensors file's metadata, under the names in Idefics3's configuration.
    var metadata: [String: String] {
        [
            "image_size": "\(imageSize)", "patch_size": "\(patchSize)", "hidden_size": "\(hidden)",
            "num_hidden_layers": "\(layers)", "num_attention_heads": "\(heads)",
            "intermediate_size": "\(feedForward)", "scale_factor": "\(scale)", "text_hidden_size": "\(textHidden)",
            "layer_norm_eps": "\(normEpsilon)",
        ]
    }

    fileprivate init(metadata: [String: String]) throws(VisionError) {
        func number<N: LosslessStringConvertible>(_ name: String) throws(VisionError) -> N {
            guard let value = metadata[name].flatMap(N.init) else { throw .metadata(name) }
            return value
        }
        try self.init(
            imageSize: number("image_size"), patchSize: number("patch_size"), hidden: number("hidden_size"),
            layers: number("num_hidden_layers"), heads: number("num_attention_heads"),
            feedForward: number("intermediate_size"), scale: number("scale_factor"),
            textHidden: number("text_hidden_size"), normEpsilon: number("layer_norm_eps"))
    }
}

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
