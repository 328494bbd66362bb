package import Checkpoints
package import Models
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
    /// The generation of its vision weights.
    package let vision: PolicyManifest.Reference
    /// How conversations become tokens.
    package let template: ChatTemplate.Name
    /// How images become tiles.
    package let image: PolicyManifest.Image

    /// - Throws: `PolicyBasisError` if the policy's manifest lacks its templates or vision.
    package init(_ policy: PolicyFolder) throws {
        let manifest = policy.manifest
        parent = .init(name: manifest.name, generation: manifest.generation)
        vision = try policy.required(manifest.vision, "vision")
        template = try policy.required(manifest.chatTemplate, "chat_template")
        image = try policy.required(manifest.image, "image")
    }

    /// How images become tiles.
    package var imageProcessor: ImageProcessor {
        ImageProcessor(tileSize: image.tileSize, maximumTiles: image.maximumTiles, fit: image.fit)
    }

    /// The vision weights in the folder of `vision`. They must fit the policy's tiles and the decoder's width.
    package func visionWeights(in folder: PolicyFolder, hidden: Int) throws -> VisionWeights {
        let weights = try VisionWeights(path: folder.required(folder.file(PolicyFiles.vision), PolicyFiles.vision))
        let found = weights.configuration
        guard found.textHidden == hidden, found.imageSize == image.tileSize else {
            throw ModelError.unsupported(
                key: "vision of the policy", expected: "views of \(image.tileSize) pixels, width \(hidden)",
                found: "\(found.imageSize), \(found.textHidden)")
        }
        return weights
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
