import Checkpoints
public import Foundation
public import Models
public import Tokenizers

/// An adapter that PEFT saved elsewhere, checked against a decoder, to be published as a policy.
///
/// PEFT keeps the rows of queries and keys in Hugging Face order. Adapters are kept and served in that order here too,
/// so nothing is permuted; only the decoder's own rows are permuted, when it is read from a GGUF file.
public struct ImportedAdapter: Sendable {
    /// Why an adapter cannot become a policy.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The adapter's configuration names another base model.
        case otherBase(folder: String, expected: String, found: String)
        /// A weight is NaN or infinite.
        case notFinite(folder: String)

        /// What is wrong.
        public var description: String {
            switch self {
            case .otherBase(let folder, let expected, let found):
                "\(folder)/adapter_config.json: base_model_name_or_path: expected a model named \(expected), found \(found)"
            case .notFinite(let folder): "\(folder)/adapter_model.safetensors: a weight is not finite"
            }
        }
    }

    /// How the policy is served.
    public struct Publication: Sendable {
        /// The policy's name.
        public var name: String
        /// Its generation, 1 or more.
        public var generation: Int
        /// How conversations are written for it.
        public var template = ChatTemplate.Name.chatml
        /// The generation of the vision weights that it was trained on; nil for a policy that reads text alone.
        public var vision: Int?
        /// The default temperature; nil: the server's.
        public var temperature: Double?
        /// The program or person that made it.
        public var creator = "import"

        /// A policy for text, with the template `chatml`.
        public init(name: String, generation: Int) {
            self.name = name
            self.generation = generation
        }
    }

    private let adapter: PEFTAdapter

    /// Reads PEFT's two files in `folder`.
    ///
    /// - Parameters:
    ///   - configuration: the sizes of the decoder that the adapter must fit.
    ///   - base: the last component of the base model's name or path that the adapter must give; upper and lower case
    ///     are equal. An adapter that names no base model is checked by its shapes alone.
    /// - Throws: `PEFTError`, `ModelError` for a module, layer or shape that the decoder lacks, or `Failure`.
    public init(folder: String, for configuration: DecoderConfiguration, base: String) throws {
        adapter = try PEFTAdapter(folder: folder)
        if let found = adapter.baseModel, found.split(separator: "/").last?.lowercased() != base.lowercased() {
            throw Failure.otherBase(folder: folder, expected: base, found: found)
        }
        guard try LowRankAdapter(adapter, configuration: configuration).isFinite else {
            throw Failure.notFinite(folder: folder)
        }
    }

    /// Publishes the adapter in the folder `policies`, for the base model whose file has the SHA-256 `backbone`. Its
    /// vision weights may be in any folder of the library.
    ///
    /// - Throws: `PolicyError`; `.published` if the generation exists already. `VisionError` or `SafetensorsError` if
    ///   the vision weights cannot be read.
    @discardableResult
    public func publish(
        _ publication: Publication, in policies: String, library: PolicyLibrary, backbone: String,
        at time: Date = Date()
    ) throws -> PolicyFolder {
        var manifest = PolicyManifest(
            name: publication.name, generation: publication.generation, backbone: backbone, created: time,
            creator: publication.creator, chatTemplate: publication.template,
            sampling: publication.temperature.map { .init(temperature: $0) })
        if let generation = publication.vision {
            let files = try library.open(.vision, generation: generation, backbone: backbone)
            guard let path = files.file(PolicyFiles.vision) else {
                throw PolicyLoadingError.missingFile(policy: PolicyRole.vision.name, file: PolicyFiles.vision)
            }
            manifest.vision = .init(.vision, generation: generation)
            manifest.image = .init(for: try VisionWeights(path: path).configuration)
        }
        return try PolicyFolder.publish(manifest, in: policies) { staging in
            // 32 bits hold the values of every format that weights come in.
            try adapter.write(to: staging, as: .float32)
        }
    }
}
