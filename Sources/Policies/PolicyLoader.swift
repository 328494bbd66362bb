import Checkpoints
import Foundation
public import Models
import Tensors
import Tokenizers

/// Why a verified policy cannot be served.
public enum PolicyLoadingError: Error, Equatable, CustomStringConvertible {
    /// The manifest lacks a field that serving needs.
    case missingField(policy: String, field: String)
    /// The policy's folder lacks a file that serving needs.
    case missingFile(policy: String, file: String)
    /// There is no policy with the name that was asked for as the default.
    case unknownDefault(String, known: [String])
    /// An alias is a policy's own name, or its policy does not exist.
    case badAlias(String, policy: String)
    /// The generation does not exist.
    case unknownGeneration(policy: String, Int, known: [Int])
    /// The policy's weights, or the logits that they give, are not finite.
    case notFinite(policy: String)

    /// What is wrong, with the policy's name.
    public var description: String {
        switch self {
        case .missingField(let policy, let field): "policy \(policy): the manifest has no \(field)"
        case .missingFile(let policy, let file): "policy \(policy): there is no \(file)"
        case .unknownDefault(let name, let known):
            "there is no policy \(name); there are: \(known.joined(separator: ", "))"
        case .badAlias(let alias, let policy):
            "the alias \(alias) cannot stand for \(policy): it must be a new name of a policy that is there"
        case .unknownGeneration(let policy, let generation, let known):
            "there is no generation \(generation) of the policy \(policy); there are: "
                + (known.isEmpty ? "none" : known.map(String.init).joined(separator: ", "))
        case .notFinite(let policy): "policy \(policy): the weights or their logits are not finite"
        }
    }
}

/// Reads policies from their folders: verifies every file, lays out adapters for serving and loads the vision weights.
public struct PolicyLoader: PolicySource {
    private let decoder: TransformerDecoder
    private let base: BaseModel
    private let library: PolicyLibrary
    private let model: String?
    private let preferred: String?
    private let aliases: [String: String]

    private var backbone: String { base.digest }

    /// A loader for policies of `decoder`, the decoder of `base`.
    ///
    /// - Parameters:
    ///   - model: the model's own name, which then begins the names of its policies and is an alias of the default one.
    ///   - preferred: the default policy; nil takes `reader` if it exists, else `ppo`, `sft` or `base`.
    ///   - aliases: other names of policies.
    public init(
        decoder: TransformerDecoder, base: BaseModel, library: PolicyLibrary, model: String? = nil,
        preferred: String? = nil, aliases: [String: String] = [:]
    ) {
        self.model = model
        self.decoder = decoder
        self.base = base
        self.library = library
        self.preferred = preferred
        self.aliases = aliases
    }

    /// The current generations in the library's folders of policies that were trained for this base model. A generation
    /// that is missing stays in the list, so that loading it fails by name.
    public func current() throws -> [String: Int] {
        let others = Set(try ofOtherModels())
        return try library.current().filter { !others.contains($0.key) }
    }

    /// The policies and components in the library's folders whose current generation was trained for another base
    /// model. They are not served.
    public func ofOtherModels() throws -> [String] {
        try library.current().filter { name, generation in
            let found = try library.backbone(of: name, generation: generation)
            return found != nil && found != backbone
        }.keys.sorted()
    }

    /// All generations in the library's folders.
    public func generations() throws -> [String: [Int]] { try library.generations() }

    /// The value model that the generation's manifest names.
    public func value(of name: String, generation: Int) throws -> PolicyManifest.Reference? {
        try library.value(of: name, generation: generation)
    }

    /// Writes the number into the folder that the library publishes into, if it has one.
    public func setCurrent(_ generation: Int, of name: String) throws {
        try library.setCurrent(generation, of: name)
    }

    /// The policies among the given generations, and `base`: the backbone without an adapter, with its own vision or
    /// else the default policy's. The reward and value models are included if they are among the generations.
    ///
    /// - Throws: `PolicyError`, `PEFTError`, `SafetensorsError`, `ModelError`, `VisionError`, `PolicyLoadingError`, or
    ///   `FileError` for the checkpoint's configuration.
    public func catalog(of generations: [String: Int], reusing known: [Policy] = []) throws -> PolicyCatalog {
        var visions = known.compactMap(\.vision)
        var policies: [Policy] = []
        var scorers: [PolicyRole: Policy] = [:]
        for (name, generation) in generations.sorted(by: { $0.key < $1.key }) {
            let role = PolicyRole(rawValue: name)
            if role == .vision { continue }
            let same = known.first { $0.name == name && $0.generation == generation }
            let policy = try same ?? load(name, generation: generation, visions: visions)
            if let role, role.hasHead { scorers[role] = policy } else { policies.append(policy) }
            policy.vision.map { visions.append($0) }
        }
        let first = preferred.map { name in policies.first { $0.name == name } } ?? standardDefault(policies)
        if let preferred, first == nil, preferred != PolicyRole.base.name {
            throw PolicyLoadingError.unknownDefault(preferred, known: policies.map(\.name) + [PolicyRole.base.name])
        }
        let vision = base.vision ?? (first ?? standardDefault(policies))?.vision
        let backboneAlone = Policy(
            name: PolicyRole.base.name, model: model, generation: 0, adapter: nil, vision: vision,
            template: base.imageTemplate,
            textTemplate: base.textTemplate, sampling: base.sampling, created: 0,
            digests: .init(adapter: nil, adapterConfiguration: nil, vision: vision?.digest, backbone: backbone))
        let names = Set((policies + [backboneAlone]).map(\.requestName))
        let bad = aliases.sorted { $0.key < $1.key }.first { names.contains($0.key) || !names.contains($0.value) }
        if let bad {
            throw PolicyLoadingError.badAlias(bad.key, policy: bad.value)
        }
        return PolicyCatalog(
            default: first ?? backboneAlone,
            others: policies.filter { $0 !== first } + (first == nil ? [] : [backboneAlone]),
            aliases: model.map { aliases.merging([$0: (first ?? backboneAlone).requestName]) { $1 } } ?? aliases,
            reward: scorers[.reward], value: scorers[.value])
    }

    private func standardDefault(_ policies: [Policy]) -> Policy? {
        [PolicyRole.reader, .ppo, .sft].lazy.compactMap { role in policies.first { $0.role == role } }.first
    }

    /// Loads a generation. A policy with the base model's template and without vision of its own sees as the base model
    /// does.
    private func load(_ name: String, generation: Int, visions: [Policy.Vision]) throws -> Policy {
        let files = try library.open(name, generation: generation, backbone: backbone)
        let manifest = files.manifest
        guard let templateName = manifest.chatTemplate else {
            throw PolicyLoadingError.missingField(policy: name, field: "chat_template")
        }
        let template = try ChatTemplate(named: templateName, model: base.template)
        let textTemplate = try manifest.textTemplate.map { try ChatTemplate(named: $0, model: base.template) }
        let adapter = try LowRankAdapter(PEFTAdapter(folder: files.path), configuration: decoder.configuration)
        guard adapter.isFinite else { throw PolicyLoadingError.notFinite(policy: name) }
        let head = try manifest.role?.hasHead == true ? head(of: files) : nil
        var vision = try manifest.vision.map { try self.vision($0, image: manifest.image, of: name, known: visions) }
        var digests = PolicyDigests(manifest, visionWeights: vision?.weights)
        if manifest.seesAsBase, let own = base.vision {
            vision = own
            digests.vision = own.digest
        }
        let policy = Policy(
            name: name, model: model, generation: manifest.generation,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: decoder.compute),
            vision: vision, template: template, textTemplate: textTemplate,
            sampling: SamplingParameters(manifest.sampling),
            textSampling: manifest.textSampling.map { SamplingParameters($0) },
            created: Int(try Date(manifest.created, strategy: .iso8601).timeIntervalSince1970),
            parent: manifest.parent?.name ?? PolicyRole.base.name, lineage: PolicyLineage(manifest),
            digests: digests, head: head)
        try tryOut(policy)
        return policy
    }

    private func head(of files: PolicyFolder) throws -> RewardHead {
        guard let path = files.file(PolicyFiles.head) else {
            throw PolicyLoadingError.missingFile(policy: files.manifest.name, file: PolicyFiles.head)
        }
        let head = try RewardHead(path: path, hidden: decoder.configuration.hidden)
        guard head.isFinite else {
            throw PolicyLoadingError.notFinite(policy: files.manifest.name)
        }
        // A value model estimates before the answer exists, so it has no log-probabilities.
        guard head.logProbWeight == 0 || files.manifest.role != .value else {
            throw ModelError.unknownTensor("score.likelihood")
        }
        return head
    }

    /// Runs the policy once before it serves requests.
    private func tryOut(_ policy: Policy) throws {
        let rows = 0..<KVCache.blockSize
        var batch = DecoderBatch(
            tokens: rows.map { Int32($0 % decoder.configuration.vocabulary) },
            sequences: [SequenceSlice(rows: rows, start: 0, blockTable: [0])],
            outputRows: [rows.upperBound - 1])
        batch.adapters = policy.adapter.map { [DecoderBatch.AdapterRows(rows: rows, adapter: $0)] } ?? []
        let logits = decoder.forward(batch, cache: decoder.makeCache(bytes: 0, minimumPositions: rows.count))
        guard logits.elements.allSatisfy(\.isFinite) else { throw PolicyLoadingError.notFinite(policy: policy.name) }
    }

    private func vision(
        _ reference: PolicyManifest.Reference, image: PolicyManifest.Image?, of policy: String, known: [Policy.Vision]
    ) throws -> Policy.Vision {
        guard let image else { throw PolicyLoadingError.missingField(policy: policy, field: "image") }
        let (encoder, weights, reader) =
            try known.first { $0.generation == reference.generation }.map { ($0.encoder, $0.weights, $0.reader) }
            ?? encoder(reference)
        // A prompt's positions are counted by the encoder's tile size, so tiles of another size would not fit them.
        guard image.tileSize == encoder.configuration.imageSize, image.maximumTiles > 0 else {
            throw ModelError.unsupported(
                key: "policy \(policy): image",
                expected: "views of \(encoder.configuration.imageSize) pixels, at least one",
                found: "\(image.maximumTiles) of \(image.tileSize)")
        }
        return Policy.Vision(
            generation: reference.generation, encoder: encoder,
            processor: image.processor, weights: weights, reader: reader)
    }

    private func encoder(
        _ reference: PolicyManifest.Reference
    ) throws -> (VisionEncoder, String?, TextReader?) {
        let files = try library.open(reference.name, generation: reference.generation, backbone: backbone)
        guard let path = files.file(PolicyFiles.vision) else {
            throw PolicyLoadingError.missingFile(policy: reference.name, file: PolicyFiles.vision)
        }
        let weights = try VisionWeights(path: path)
        try weights.configuration.requireTextWidth(decoder.configuration.hidden)
        return (
            VisionEncoder(weights, on: decoder.compute), files.manifest.files[PolicyFiles.vision]?.sha256,
            TextReader(weights, on: decoder.compute)
        )
    }
}

extension SamplingParameters {
    /// A manifest's defaults; fields that it leaves out are neutral.
    fileprivate init(_ manifest: PolicyManifest.Sampling?) {
        self.init()
        guard let manifest else { return }
        temperature = manifest.temperature.map { Float($0) } ?? temperature
        topP = manifest.topP.map { Float($0) } ?? topP
        topK = manifest.topK ?? topK
        minP = manifest.minP.map { Float($0) } ?? minP
    }
}

extension LowRankAdapter {
    /// Whether all the adapter's weights are finite.
    var isFinite: Bool {
        layers.allSatisfy { layer in
            layer.values.allSatisfy { pair in
                pair.a.elements.allSatisfy(\.isFinite) && pair.b.elements.allSatisfy(\.isFinite)
            }
        }
    }
}
