import Checkpoints
import Foundation
public import Models
import Tokenizers

/// Why a verified policy cannot be served.
public enum PolicyLoadingError: Error, Equatable, CustomStringConvertible {
    /// A field that serving needs is not in the manifest.
    case missingField(policy: String, field: String)
    /// A file that serving needs is not in the policy's folder.
    case missingFile(policy: String, file: String)
    /// The default policy that was asked for is not there.
    case unknownDefault(String, known: [String])

    /// What is wrong, by name.
    public var description: String {
        switch self {
        case .missingField(let policy, let field): "policy \(policy): the manifest has no \(field)"
        case .missingFile(let policy, let file): "policy \(policy): there is no \(file)"
        case .unknownDefault(let name, let known):
            "there is no policy \(name); there are: \(known.joined(separator: ", "))"
        }
    }
}

/// Reads policies from their folders: verifies every file, lays adapters out for serving, loads the vision weights.
public struct PolicyLoader {
    /// Parts of policies, which are not offered under their own names.
    private static let parts: Set = ["vision", "reward", "value"]

    private let decoder: Decoder
    private let backbone: String

    /// A loader for policies of `decoder`, whose file has the SHA-256 `backbone`.
    public init(decoder: Decoder, backbone: String) {
        self.decoder = decoder
        self.backbone = backbone
    }

    /// All policies of the folder, and `base`: the backbone without adapter, with the default policy's eyes.
    ///
    /// - Parameters:
    ///   - preferred: the default policy; nil takes `ppo` if it is there, else `sft`, else `base`.
    ///   - checkpoint: the folder of an Idefics3 or SmolVLM checkpoint whose encoder and connector are `base`'s eyes.
    /// - Throws: `PolicyError`, `PEFTError`, `SafetensorsError`, `ModelError`, `VisionError`, `PolicyLoadingError`, or
    ///   `FileError` for the checkpoint's configuration.
    public func catalog(
        in folder: String, preferred: String? = nil, vision checkpoint: String? = nil
    ) throws -> PolicyCatalog {
        let names = FileManager.default.fileExists(atPath: folder) ? try PolicyFolder.names(in: folder) : []
        let policies = try names.filter { !Self.parts.contains($0) }.map { try policy($0, in: folder) }
        let first = preferred.map { name in policies.first { $0.name == name } } ?? standardDefault(policies)
        if let preferred, first == nil, preferred != "base" {
            throw PolicyLoadingError.unknownDefault(preferred, known: policies.map(\.name) + ["base"])
        }
        let eyes = try checkpoint.map { try vision(checkpoint: $0) } ?? (first ?? standardDefault(policies))?.vision
        let base = Policy(
            name: "base", generation: 0, adapter: nil, vision: eyes, template: .smollm2, sampling: SamplingParameters(),
            created: 0)
        guard let first else { return PolicyCatalog(default: base, others: policies) }
        return PolicyCatalog(default: first, others: policies.filter { $0 !== first } + [base])
    }

    private func standardDefault(_ policies: [Policy]) -> Policy? {
        policies.first { $0.name == "ppo" } ?? policies.first { $0.name == "sft" }
    }

    private func policy(_ name: String, in folder: String) throws -> Policy {
        let files = try PolicyFolder(name: name, in: folder, backbone: backbone)
        let manifest = files.manifest
        guard let template = manifest.chatTemplate.map({ ChatTemplate($0) }) else {
            throw PolicyLoadingError.missingField(policy: name, field: "chat_template")
        }
        let adapter = try LowRankAdapter(PEFTAdapter(folder: files.path), configuration: decoder.configuration)
        return Policy(
            name: name, generation: manifest.generation,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: decoder.compute),
            vision: try manifest.vision.map { try vision($0, image: manifest.image, of: name, in: folder) },
            template: template, sampling: SamplingParameters(manifest.sampling),
            created: Int(try Date(manifest.created, strategy: .iso8601).timeIntervalSince1970))
    }

    private func vision(
        _ reference: PolicyManifest.Reference, image: PolicyManifest.Image?, of policy: String, in folder: String
    ) throws -> Policy.Vision {
        guard let image else { throw PolicyLoadingError.missingField(policy: policy, field: "image") }
        let files = try PolicyFolder(
            name: reference.name, generation: reference.generation, in: folder, backbone: backbone)
        guard let path = files.file("model.safetensors") else {
            throw PolicyLoadingError.missingFile(policy: reference.name, file: "model.safetensors")
        }
        let weights = try VisionWeights(path: path)
        try checkWidth(of: weights)
        // Positions in the prompt are counted from the encoder's size, so views of another would not fit them.
        guard image.viewSize == weights.configuration.imageSize, image.maxViews > 0 else {
            throw ModelError.unsupported(
                key: "policy \(policy): image",
                expected: "views of \(weights.configuration.imageSize) pixels, at least one",
                found: "\(image.maxViews) of \(image.viewSize)")
        }
        return Policy.Vision(
            generation: reference.generation, encoder: VisionEncoder(weights, on: decoder.compute),
            processor: ImageProcessor(viewSize: image.viewSize, maxViews: image.maxViews, fit: image.fit))
    }

    /// The encoder and connector of a checkpoint, each picture stretched to one view.
    private func vision(checkpoint folder: String) throws -> Policy.Vision {
        let weights = try VisionWeights(checkpoint: folder)
        try checkWidth(of: weights)
        return Policy.Vision(
            generation: 0, encoder: VisionEncoder(weights, on: decoder.compute),
            processor: ImageProcessor(viewSize: weights.configuration.imageSize))
    }

    private func checkWidth(of weights: VisionWeights) throws {
        guard weights.configuration.textHidden == decoder.configuration.hidden else {
            throw ModelError.unsupported(
                key: "vision text width", expected: "\(decoder.configuration.hidden)",
                found: "\(weights.configuration.textHidden)")
        }
    }
}

extension ChatTemplate {
    /// The template that a manifest names. Manifests are read where tokenizers are unknown, so they have names only.
    fileprivate init(_ name: PolicyManifest.ChatTemplate) {
        switch name {
        case .chatml: self = .chatml
        case .smollm2: self = .smollm2
        }
    }
}

extension SamplingParameters {
    /// A manifest's defaults; what it leaves out is neutral.
    fileprivate init(_ manifest: PolicyManifest.Sampling?) {
        self.init()
        guard let manifest else { return }
        temperature = manifest.temperature.map { Float($0) } ?? temperature
        topP = manifest.topP.map { Float($0) } ?? topP
        topK = manifest.topK ?? topK
        minP = manifest.minP.map { Float($0) } ?? minP
    }
}
