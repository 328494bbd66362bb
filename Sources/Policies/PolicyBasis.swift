package import Checkpoints
package import Models
package import Tensors
package import Tokenizers

/// Why a stage cannot start from a policy.
public enum PolicyBasisError: Error, Equatable, CustomStringConvertible {
    /// The policy's manifest lacks a field.
    case missingField(path: String, field: String)

    /// What is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .missingField(let path, let field): "\(path): there is no \(field); name a policy that sees"
        }
    }
}

/// The policy that a stage starts from, with its templates and vision. The run's record keeps it.
package struct PolicyBasis: Codable {
    /// The policy.
    package let parent: PolicyManifest.Reference
    /// The generation of its vision weights; nil if it sees with the base model's own vision.
    package let vision: PolicyManifest.Reference?
    /// How conversations become tokens.
    package let template: ChatTemplate.Name
    /// How images become tiles; nil if the base model's files say it.
    package let image: PolicyManifest.Image?

    /// - Throws: `PolicyBasisError` if the policy's manifest lacks its templates, or its vision beside a template that
    ///   is not the base model's.
    package init(_ policy: PolicyFolder) throws {
        let manifest = policy.manifest
        parent = .init(name: manifest.name, generation: manifest.generation)
        template = try policy.required(manifest.chatTemplate, "chat_template")
        let seesAsBase = manifest.seesAsBase
        vision = seesAsBase ? nil : try policy.required(manifest.vision, "vision")
        image = seesAsBase ? nil : try policy.required(manifest.image, "image")
    }

    /// The policy's vision over `model`, in 32 bits, with weights from the folder of `vision`. The weights must fit the
    /// policy's tiles and the decoder's width.
    ///
    /// - Parameter folder: nil if the policy sees with the base model's own vision.
    package func vision(
        in folder: PolicyFolder?, over model: ModelCheckpoint, on compute: Compute
    ) throws -> Policy.Vision {
        guard let vision, let image, let folder else { return try model.ownVision(on: compute) }
        let weights = try VisionWeights(path: folder.required(folder.file(PolicyFiles.vision), PolicyFiles.vision))
        let found = weights.configuration
        let hidden = model.decoder.configuration.hidden
        guard found.textHidden == hidden, found.imageSize == image.tileSize else {
            throw ModelError.unsupported(
                key: "vision of the policy", expected: "views of \(image.tileSize) pixels, width \(hidden)",
                found: "\(found.imageSize), \(found.textHidden)")
        }
        return Policy.Vision(
            generation: vision.generation, encoder: VisionEncoder(weights, on: compute),
            processor: image.processor, reader: TextReader(weights, on: compute))
    }
}

extension ModelCheckpoint {
    /// The vision in the model's own files, in 32 bits.
    ///
    /// - Throws: `CheckpointError` if the files have no vision, or the files' own errors.
    package func ownVision(on compute: Compute) throws -> Policy.Vision {
        guard let vision else { throw CheckpointError(path, "the model has no vision of its own") }
        return try Policy.Vision(
            vision, digest: digest.sha256, arithmetic: .floats(.float32), width: decoder.configuration.hidden,
            on: compute)
    }
}

extension PolicyFolder {
    /// A value that a stage needs.
    package func required<T>(_ value: T?, _ field: String) throws(PolicyBasisError) -> T {
        guard let value else { throw .missingField(path: path, field: field) }
        return value
    }

    /// The digest of one of the policy's files.
    package func digest(of file: String) throws(PolicyBasisError) -> FileDigest {
        try required(manifest.files[file], "files.\(file)")
    }
}
