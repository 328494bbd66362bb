import Checkpoints
import Models
import Tokenizers

/// Why a stage cannot start from a policy.
public enum PolicyBasisError: Error, Equatable, CustomStringConvertible {
    /// The policy's manifest lacks something.
    case missingField(path: String, field: String)

    /// What is wrong, where, and what to do.
    public var description: String {
        switch self {
        case .missingField(let path, let field): "\(path): there is no \(field); name a policy that sees"
        }
    }
}

/// The policy that a stage starts from: who it is, how it reads and how it sees, as the run's record keeps it.
struct PolicyBasis: Codable {
    /// The policy.
    let parent: PolicyManifest.Reference
    /// The vision generation that it sees with.
    let vision: PolicyManifest.Reference
    let template: PolicyManifest.ChatTemplate
    let image: PolicyManifest.Image

    /// - Throws: `PolicyBasisError` if the policy's manifest does not say how it sees and reads.
    init(_ policy: PolicyFolder) throws {
        let manifest = policy.manifest
        parent = .init(name: manifest.name, generation: manifest.generation)
        vision = try policy.required(manifest.vision, "vision")
        template = try policy.required(manifest.chatTemplate, "chat_template")
        image = try policy.required(manifest.image, "image")
    }

    /// How conversations become tokens.
    var chatTemplate: ChatTemplate {
        switch template {
        case .chatml: .chatml
        case .smollm2: .smollm2
        }
    }

    /// How images become tiles.
    var imageProcessor: ImageProcessor {
        ImageProcessor(tileSize: image.tileSize, maximumTiles: image.maximumTiles, fit: image.fit)
    }

    /// The vision weights in the folder of `vision`, which must be of the policy's tiles and the decoder's width.
    func visionWeights(in folder: PolicyFolder, hidden: Int) throws -> VisionWeights {
        let weights = try VisionWeights(path: folder.required(folder.file(RunFiles.vision), RunFiles.vision))
        let found = weights.configuration
        guard found.textHidden == hidden, found.imageSize == image.tileSize else {
            throw ModelError.unsupported(
                key: "vision of the policy", expected: "views of \(image.tileSize) pixels, width \(hidden)",
                found: "\(found.imageSize), \(found.textHidden)")
        }
        return weights
    }
}

/// The record of a stage that starts from a policy, written to `config.json`: the fields of its basis stand beside the
/// stage's own.
struct StageRecord<Own: Encodable>: Encodable {
    let basis: PolicyBasis
    let own: Own

    func encode(to encoder: any Encoder) throws {
        try basis.encode(to: encoder)
        try own.encode(to: encoder)
    }
}

extension PolicyFolder {
    /// A value that a stage cannot do without.
    func required<T>(_ value: T?, _ field: String) throws(PolicyBasisError) -> T {
        guard let value else { throw .missingField(path: path, field: field) }
        return value
    }

    /// The digest of one of the policy's files.
    func digest(of file: String) throws(PolicyBasisError) -> FileDigest {
        try required(manifest.files[file], "files.\(file)")
    }
}
