public import Checkpoints
import Support
import Tensors

/// The vision encoder, the connector and the preparation of images in a model's files.
///
/// Two forms are read: a Hugging Face folder of Idefics3 or SmolVLM, and the `mmproj` GGUF file that llama.cpp's
/// converter makes of one.
public struct VisionFiles: Sendable {
    /// The sizes of the encoder and connector.
    public let configuration: VisionConfiguration
    /// How images become tiles.
    public let processor: ImageProcessor
    private let path: String
    /// The weights as the files store them, under Hugging Face's names: all of `configuration`, and no others.
    let tensors: [String: StoredTensor]

    /// The vision of a Hugging Face folder.
    ///
    /// - Throws: `CheckpointError` with the file and the field.
    public init(_ folder: CheckpointFolder) throws {
        path = folder.path
        configuration = try VisionConfiguration(folder.fields("config.json"))
        tensors = folder.tensors.filter { name, _ in VisionWeights.prefixes.contains { name.hasPrefix($0) } }
        processor = ImageProcessor(try Idefics3Tiling(folder, configuration: configuration))
        try check(skipped: folder.skipped)
    }

    /// The vision of an `mmproj` file.
    ///
    /// - Throws: `GGUFError` or `ModelError` with the file and the key.
    public init(mmproj file: GGUFFile) throws {
        path = file.path
        configuration = try VisionConfiguration(mmproj: file)
        tensors = VisionNames.huggingFace(file.tensors)
        // Older files lack the key. The published models of this kind cut images of four tiles a side.
        let key = "clip.vision.preproc_image_size"
        let edge = file.metadata[key] == nil ? 4 * configuration.imageSize : try file.integer(key)
        guard (1...1 << 14).contains(edge) else {
            throw ModelError.unsupported(key: "\(path): \(key)", expected: "1 to \(1 << 14)", found: "\(edge)")
        }
        processor = ImageProcessor(Idefics3Tiling(tileSize: configuration.imageSize, longestEdge: edge))
        try check()
    }

    /// Refuses tensors that are missing, of other shapes or types, or not known.
    ///
    /// - Parameter skipped: the types of the tensors whose numbers are not floats, by name.
    private func check(skipped: [String: String] = [:]) throws(CheckpointError) {
        do { _ = try VisionWeights.check(tensors, configuration: configuration) } catch {
            if case .missingTensor(let name) = error, let type = skipped[name] {
                throw CheckpointError(path, "tensor \(name) is of type \(type), expected F32, F16 or BF16")
            }
            throw CheckpointError(path, error.description)
        }
    }

    /// Reads the weights as floats.
    ///
    /// - Throws: `CheckpointError` with the file and the size or tensor that is wrong.
    public func weights() throws(CheckpointError) -> VisionWeights {
        do { return try VisionWeights(tensors, configuration: configuration) } catch {
            throw CheckpointError(path, error.description)
        }
    }
}

extension Idefics3Tiling {
    /// The tiling in a folder's `processor_config.json` (today's form) or `preprocessor_config.json`. Absent fields
    /// have transformers' defaults.
    fileprivate init(_ folder: CheckpointFolder, configuration: VisionConfiguration) throws {
        let processor = folder.has("processor_config.json") ? try folder.fields("processor_config.json") : nil
        let inner = try processor?.optionalObject("image_processor")
        guard
            let fields = try inner
                ?? (folder.has("preprocessor_config.json") ? folder.fields("preprocessor_config.json") : nil)
        else {
            throw CheckpointError(folder.path, "there is no preprocessor_config.json, which says how images are cut")
        }
        try fields.requireIdefics3()
        let size = try fields.optionalObject("size")
        let tile = try fields.optionalObject("max_image_size")
        let tileSize = try tile?.integer("longest_edge", in: 1...1 << 14) ?? 364
        guard tileSize == configuration.imageSize else {
            throw fields.fault("max_image_size.longest_edge", "the encoder's \(configuration.imageSize)", "\(tileSize)")
        }
        if let processor, processor["image_seq_len"] != nil {
            let tokens = configuration.tokensPerTile
            _ = try processor.integer("image_seq_len", in: tokens...tokens)
        }
        self.init(
            tileSize: tileSize, longestEdge: try size?.integer("longest_edge", in: 1...1 << 14) ?? 4 * 364,
            splits: try fields.flag("do_image_splitting", or: true))
    }
}

extension CheckpointFields {
    /// Refuses a preparation of images that differs from Idefics3's in more than its sizes.
    fileprivate func requireIdefics3() throws {
        let processors = ["Idefics3ImageProcessor", "SmolVLMImageProcessor"]
        try require(
            "image_processor_type", oneOf: processors.flatMap { [$0, $0 + "Fast", $0 + "Pil"] },
            or: "Idefics3ImageProcessor")
        for flag in ["do_convert_rgb", "do_normalize", "do_pad", "do_rescale", "do_resize"] {
            guard try self.flag(flag, or: true) else { throw fault(flag, "true", "false") }
        }
        _ = try integer("resample", in: 1...1, or: 1)
        for name in ["image_mean", "image_std"] {
            let values = try array(name)?.map(\.doubleValue) ?? [0.5, 0.5, 0.5]
            guard values == [0.5, 0.5, 0.5] else {
                throw fault(name, "0.5 for each channel", self[name]?.text ?? "")
            }
        }
        guard abs(try number("rescale_factor", or: 1 / 255) - 1 / 255) < 1e-9 else {
            throw fault("rescale_factor", "1/255", self["rescale_factor"]?.text ?? "")
        }
    }
}

extension VisionConfiguration {
    /// The sizes in an `mmproj` file's metadata (llama.cpp, `clip.vision.*`).
    fileprivate init(mmproj file: GGUFFile) throws {
        let rules: [(key: String, expected: String)] = [
            ("general.architecture", "clip"), ("clip.projector_type", "idefics3"),
        ]
        for rule in rules {
            let found = try file.string(rule.key)
            guard found == rule.expected else {
                throw ModelError.unsupported(key: "\(file.path): \(rule.key)", expected: rule.expected, found: found)
            }
        }
        guard try file.bool("clip.use_gelu") else {
            throw ModelError.unsupported(key: "\(file.path): clip.use_gelu", expected: "true", found: "false")
        }
        for key in ["clip.vision.image_mean", "clip.vision.image_std"] {
            let found = try file.numbers(key)
            guard found == [0.5, 0.5, 0.5] else {
                throw ModelError.unsupported(
                    key: "\(file.path): \(key)", expected: "0.5 for each channel", found: "\(found)")
            }
        }
        func size(_ name: String) throws -> Int { try file.integer("clip.vision." + name) }
        do {
            try self.init(
                imageSize: size("image_size"), patchSize: size("patch_size"), hidden: size("embedding_length"),
                layers: size("block_count"), heads: size("attention.head_count"),
                feedForward: size("feed_forward_length"), scale: size("projector.scale_factor"),
                textHidden: size("projection_dim"),
                normEpsilon: Float(try file.number("clip.vision.attention.layer_norm_epsilon")))
        } catch let error as VisionError {
            throw CheckpointError(file.path, error.description)
        }
    }
}

/// The names of an `mmproj` file's tensors.
private enum VisionNames {
    private static let layers = [
        "ln1": "layer_norm1", "ln2": "layer_norm2", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj", "attn_out": "self_attn.out_proj", "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2",
    ]
    private static let others = [
        "v.patch_embd.weight": VisionWeights.patchEmbedding + ".weight",
        "v.patch_embd.bias": VisionWeights.patchEmbedding + ".bias",
        "v.position_embd.weight": VisionWeights.positions,
        "v.post_ln.weight": VisionWeights.postNorm + ".weight", "v.post_ln.bias": VisionWeights.postNorm + ".bias",
        "mm.model.fc.weight": VisionWeights.connector,
    ]

    /// The tensors under Hugging Face's names; names that are not known stay.
    static func huggingFace(_ tensors: [String: StoredTensor]) -> [String: StoredTensor] {
        Dictionary(
            tensors.map { (others[$0] ?? layer($0) ?? $0, $1) }, uniquingKeysWith: { first, _ in first })
    }

    /// `v.blk.3.attn_q.weight` as the query projection's weight of layer 3; nil for other names.
    private static func layer(_ name: String) -> String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "v", parts[1] == "blk", let layer = Int(parts[2]), layer >= 0,
            let stem = layers[String(parts[3])]
        else { return nil }
        return "\(VisionWeights.block(layer))\(stem).\(parts[4])"
    }
}
