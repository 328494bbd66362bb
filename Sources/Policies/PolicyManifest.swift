public import Checkpoints
public import Foundation
public import Models
import Support
public import Tokenizers

/// A policy's files, origin and serving settings: `manifest.json`, schema 1.
public struct PolicyManifest: Codable, Equatable, Sendable {
    /// A generation of a policy or component.
    public struct Reference: Codable, Equatable, Sendable {
        /// The policy's name.
        public var name: String
        /// Its generation.
        public var generation: Int

        /// The given generation of `name`.
        public init(name: String, generation: Int) {
            self.name = name
            self.generation = generation
        }
    }

    /// How an image becomes tiles, the encoder's square inputs.
    public struct Image: Codable, Equatable, Sendable {
        /// A tile's side in pixels.
        public var tileSize: Int
        /// Upper bound on the tiles of one image.
        public var maximumTiles: Int
        /// How other aspect ratios are fitted.
        public var fit: ImageProcessor.Fit

        /// Tiles as given.
        public init(tileSize: Int, maximumTiles: Int, fit: ImageProcessor.Fit) {
            self.tileSize = tileSize
            self.maximumTiles = maximumTiles
            self.fit = fit
        }

        /// Training uses one tile. For an encoder that ends rows the image is padded, otherwise stretched.
        public init(for encoder: VisionConfiguration) {
            self.init(tileSize: encoder.imageSize, maximumTiles: 1, fit: encoder.endsRows ? .pad : .stretch)
        }

        /// The processor with these settings.
        public var processor: ImageProcessor {
            ImageProcessor(tileSize: tileSize, maximumTiles: maximumTiles, fit: fit)
        }

        /// The SHA-256 of a policy's vision: these settings and the vision weights, whose SHA-256 is `weights`.
        public func digest(weights: String) -> String {
            FileDigest.sha256(of: "\(weights) \(tileSize) \(maximumTiles) \(fit.rawValue)")
        }

        enum CodingKeys: String, CodingKey {
            case fit
            case tileSize = "view_size"
            case maximumTiles = "max_views"
        }
    }

    /// Sampling defaults for requests that leave them out; nil: the server's own default.
    public struct Sampling: Codable, Equatable, Sendable {
        /// 0 is greedy; up to 2.
        public var temperature: Double?
        /// Above 0, up to 1.
        public var topP: Double?
        /// 0 is off.
        public var topK: Int?
        /// From 0 to 1.
        public var minP: Double?

        /// Defaults as given.
        public init(temperature: Double? = nil, topP: Double? = nil, topK: Int? = nil, minP: Double? = nil) {
            self.temperature = temperature
            self.topP = topP
            self.topK = topK
            self.minP = minP
        }

        enum CodingKeys: String, CodingKey {
            case temperature
            case topP = "top_p"
            case topK = "top_k"
            case minP = "min_p"
        }
    }

    /// The version of this format: 1.
    public private(set) var schema = Self.currentSchema
    /// The policy's name: `sft`, `ppo`, a user's own, or that of a component (`vision`, `reward`, `value`).
    public var name: String
    /// 1 for the first generation published under this name, then rising.
    public var generation: Int
    /// The generation that training started from.
    public var parent: Reference?
    /// The SHA-256 of the file of the base model that the weights were trained for.
    public var backbone: String
    /// When it was made (RFC 3339).
    public var created: String
    /// The program or person that made it.
    public var creator: String
    /// Every other file of the folder.
    public var files: [String: FileDigest]
    /// The vision encoder whose embeddings the policy was trained on.
    public var vision: Reference?
    /// The reward model of its reinforcement learning.
    public var reward: Reference?
    /// The value model that was trained beside the policy.
    public var value: Reference?
    /// How conversations become tokens; a vision encoder has none.
    public var chatTemplate: ChatTemplate.Name?
    /// Whether the policy sees with the base model's own vision: it has the base model's template and names no vision.
    package var seesAsBase: Bool { chatTemplate == .model && vision == nil }
    /// The template for conversations without an image; nil: `chatTemplate`.
    public var textTemplate: ChatTemplate.Name?
    /// How images become tiles; nil for a policy that reads text alone.
    public var image: Image?
    /// Sampling defaults.
    public var sampling: Sampling?
    /// Sampling defaults for conversations without an image; nil: `sampling`.
    public var textSampling: Sampling?
    /// Results of its evaluation, by name.
    public var metrics: [String: Double]
    /// The SHA-256, by name, of each data set and of the weights of each other input that it was trained from.
    public var data: [String: String]

    static let currentSchema = 1

    /// A manifest of schema 1. `files` is filled in when the policy is published.
    public init(
        name: String, generation: Int, parent: Reference? = nil, backbone: String, created: Date, creator: String,
        vision: Reference? = nil, reward: Reference? = nil, value: Reference? = nil,
        chatTemplate: ChatTemplate.Name? = nil, textTemplate: ChatTemplate.Name? = nil,
        image: Image? = nil, sampling: Sampling? = nil, textSampling: Sampling? = nil,
        metrics: [String: Double] = [:], data: [String: String] = [:]
    ) {
        self.name = name
        self.generation = generation
        self.parent = parent
        self.backbone = backbone
        self.created = created.formatted(.iso8601)
        self.creator = creator
        self.files = [:]
        self.vision = vision
        self.reward = reward
        self.value = value
        self.chatTemplate = chatTemplate
        self.textTemplate = textTemplate
        self.image = image
        self.sampling = sampling
        self.textSampling = textSampling
        self.metrics = metrics
        self.data = data
    }

    enum CodingKeys: String, CodingKey {
        case schema, name, generation, parent, created, creator, files, vision, reward, value, image, sampling, data
        case metrics = "figures"
        case backbone = "backbone_sha256"
        case chatTemplate = "chat_template"
        case textTemplate = "text_template"
        case textSampling = "text_sampling"
    }
}

extension PolicyManifest {
    /// Whether `name` can be the name of a policy or of one of its files: `[a-z0-9][a-z0-9._-]{0,63}`, so never a path.
    public static func isName(_ name: String) -> Bool {
        func plain(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
        guard let first = name.utf8.first, name.utf8.count <= 64 else { return false }
        return plain(first) && name.utf8.allSatisfy { plain($0) || ".-_".utf8.contains($0) }
    }

    /// Reads a manifest. Every field must be known and hold an allowed value.
    init(json: [UInt8]) throws(JSONFault) {
        self = try decodeStrictJSON(PolicyManifest.self, from: json)
        for rule in rules where !rule.holds {
            throw JSONFault(reason: "\(rule.field): expected \(rule.expected), found \(rule.found)")
        }
    }

    /// The manifest as JSON: sorted keys, one field per line.
    func json() throws(JSONFault) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do { return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")] } catch {
            throw JSONFault(reason: "\(error)")
        }
    }

    fileprivate typealias Rule = (field: String, holds: Bool, expected: String, found: String)

    private var rules: [Rule] {
        var rules: [Rule] = [
            ("schema", schema == Self.currentSchema, "\(Self.currentSchema)", "\(schema)"),
            ("backbone_sha256", FileDigest.isSHA256(backbone), "64 hexadecimal digits", backbone),
            ("created", (try? Date(created, strategy: .iso8601)) != nil, "a time as RFC 3339 writes it", created),
        ]
        for (field, reference) in [
            ("", Reference(name: name, generation: generation)), ("parent.", parent), ("vision.", vision),
            ("reward.", reward), ("value.", value),
        ] {
            guard let reference else { continue }
            rules.append(("\(field)name", Self.isName(reference.name), "lower-case letters and digits", reference.name))
            rules.append(
                ("\(field)generation", reference.generation > 0, "1 or more", "\(reference.generation)"))
        }
        for (name, digest) in files.sorted(by: { $0.key < $1.key }) {
            let isFile = Self.isName(name) && name != PolicyFolder.manifestName
            rules.append(("files", isFile, "names like adapter_model.safetensors", name))
            rules.append(("files.\(name).bytes", digest.bytes >= 0, "0 or more", "\(digest.bytes)"))
            rules.append(
                ("files.\(name).sha256", FileDigest.isSHA256(digest.sha256), "64 hexadecimal digits", digest.sha256))
        }
        for (name, digest) in data.sorted(by: { $0.key < $1.key }) {
            rules.append(("data.\(name)", FileDigest.isSHA256(digest), "64 hexadecimal digits", digest))
        }
        return rules + servingRules
    }

    private var servingRules: [Rule] {
        var rules: [Rule] = []
        if let image {
            rules.append(("image.view_size", (1...4_096).contains(image.tileSize), "1 to 4096", "\(image.tileSize)"))
            rules.append(("image.max_views", (1...64).contains(image.maximumTiles), "1 to 64", "\(image.maximumTiles)"))
        }
        return rules + (sampling?.rules("sampling") ?? []) + (textSampling?.rules("text_sampling") ?? [])
    }
}

extension PolicyManifest.Sampling {
    /// The rules for its values; `field` is the manifest's field that holds them.
    fileprivate func rules(_ field: String) -> [PolicyManifest.Rule] {
        var rules: [PolicyManifest.Rule] = []
        if let value = temperature {
            rules.append(("\(field).temperature", (0...2).contains(value), "0 to 2", "\(value)"))
        }
        if let value = topP {
            rules.append(("\(field).top_p", value > 0 && value <= 1, "above 0, up to 1", "\(value)"))
        }
        if let value = topK { rules.append(("\(field).top_k", value >= 0, "0 or more", "\(value)")) }
        if let value = minP { rules.append(("\(field).min_p", (0...1).contains(value), "0 to 1", "\(value)")) }
        return rules
    }
}
