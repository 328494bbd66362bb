import Checkpoints
public import Models
public import Tensors
public import Tokenizers

/// The model under all policies.
public struct BaseModel: Sendable {
    /// The SHA-256 of its files.
    public var digest: String
    /// Its own vision; nil for a text model.
    public var vision: Policy.Vision?
    /// Its sampling defaults.
    public var sampling = SamplingParameters()
    /// Its own chat template; nil if its files have none.
    public var template: ChatTemplate?

    /// The template for dialogues without an image: its own, or else SmolLM2's.
    var textTemplate: ChatTemplate { template ?? .smollm2 }

    /// The template for dialogues with images: its own if that takes images, or else SmolLM2's. A text model sees with
    /// vision from elsewhere.
    var imageTemplate: ChatTemplate { textTemplate.takesImages ? textTemplate : .smollm2 }

    /// A text model whose files have the SHA-256 `digest`.
    public init(digest: String) {
        self.digest = digest
    }

    /// The model in the given files, whose decoder is `decoder`. The weights of its vision are loaded.
    ///
    /// - Parameters:
    ///   - path: a folder or `mmproj` file with other vision; nil for the model's own.
    ///   - arithmetic: how the vision computes.
    /// - Throws: the errors of the files' types, and `ModelError` for vision of another width than the decoder's.
    public init(
        _ checkpoint: ModelCheckpoint, vision path: String? = nil, arithmetic: VisionEncoder.Arithmetic = .integers,
        decoder: TransformerDecoder
    ) throws {
        digest = checkpoint.digest.sha256
        sampling = SamplingParameters(checkpoint.sampling)
        template = checkpoint.template
        if let path {
            let (files, digest) = try VisionFiles.open(path: path)
            vision = try Policy.Vision(
                files, digest: digest, arithmetic: arithmetic, width: decoder.configuration.hidden,
                on: decoder.compute)
        } else if let files = checkpoint.vision {
            vision = try Policy.Vision(
                files, digest: digest, arithmetic: arithmetic, width: decoder.configuration.hidden,
                on: decoder.compute)
        }
    }
}

extension Policy.Vision {
    /// The vision in files with the SHA-256 `digest`, for a decoder of the given width.
    public init(
        _ files: VisionFiles, digest: String, arithmetic: VisionEncoder.Arithmetic, width: Int, on compute: Compute
    ) throws {
        try files.configuration.requireTextWidth(width)
        // Other arithmetic gives other embeddings.
        self.init(
            generation: 0, encoder: VisionEncoder(files, arithmetic: arithmetic, on: compute),
            processor: files.processor, weights: FileDigest.sha256(of: "\(digest) \(arithmetic)"))
    }
}

extension VisionConfiguration {
    /// Refuses a connector whose embeddings are not as wide as the decoder's.
    package func requireTextWidth(_ hidden: Int) throws(ModelError) {
        guard textHidden == hidden else {
            throw .unsupported(key: "vision text width", expected: "\(hidden)", found: "\(textHidden)")
        }
    }
}

extension SamplingParameters {
    /// The defaults of a model's authors; parameters that they leave out are neutral.
    fileprivate init(_ defaults: GenerationDefaults) {
        self.init()
        temperature = defaults.temperature ?? temperature
        topK = defaults.topK
        topP = defaults.topP ?? topP
        minP = defaults.minP ?? minP
        repetitionPenalty = defaults.repetitionPenalty ?? repetitionPenalty
    }
}
