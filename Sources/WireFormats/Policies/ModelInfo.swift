public import Support

/// A policy in the format of `/v1/models`.
public struct ModelInfo: Sendable, Equatable {
    /// A policy's image input.
    public struct Image: Sendable, Equatable {
        /// The side of a tile in pixels.
        public var tileSize: Int
        /// Positions per tile.
        public var tokensPerTile: Int
        /// Maximum number of tiles per image.
        public var maximumTiles: Int
        /// Whether the text in an image stands in the prompt behind its tiles.
        public var readsText: Bool

        /// The properties of a policy's vision.
        public init(tileSize: Int, tokensPerTile: Int, maximumTiles: Int, readsText: Bool = false) {
            self.tileSize = tileSize
            self.tokensPerTile = tokensPerTile
            self.maximumTiles = maximumTiles
            self.readsText = readsText
        }
    }

    /// The SHA-256 digests of the weights that a policy uses; nil for components that it lacks.
    public struct Digests: Sendable, Equatable {
        /// The adapter's weights.
        public var adapter: String?
        /// The adapter's configuration.
        public var adapterConfiguration: String?
        /// The vision model's weights.
        public var vision: String?
        /// The base model's file.
        public var backbone: String

        /// The given digests.
        public init(adapter: String?, adapterConfiguration: String?, vision: String?, backbone: String) {
            self.adapter = adapter
            self.adapterConfiguration = adapterConfiguration
            self.vision = vision
            self.backbone = backbone
        }

        fileprivate var json: JSON {
            [
                "adapter_sha256": JSON(adapter), "adapter_config_sha256": JSON(adapterConfiguration),
                "vision_sha256": JSON(vision), "backbone_sha256": .string(backbone),
            ]
        }
    }

    /// What a policy was made from and how it was measured.
    public struct Lineage: Sendable, Equatable {
        /// The generations that it was trained from or with, as NAME@GENERATION, by their part.
        public var generations: [String: String]
        /// The program or person that made it.
        public var creator: String
        /// SHA-256 digests of its data, by name.
        public var data: [String: String]
        /// Results of its evaluation, by name.
        public var metrics: [String: Double]

        /// The given origin.
        public init(
            generations: [String: String], creator: String, data: [String: String], metrics: [String: Double]
        ) {
            self.generations = generations
            self.creator = creator
            self.data = data
            self.metrics = metrics
        }

        fileprivate var json: JSON {
            func sorted<Value>(_ values: [String: Value], _ json: (Value) -> JSON) -> JSON {
                .object(values.sorted { $0.key < $1.key }.map { JSON.Member($0.key, json($0.value)) })
            }
            return [
                "generations": sorted(generations) { .string($0) }, "created_by": .string(creator),
                "data": sorted(data) { .string($0) }, "metrics": sorted(metrics) { JSON($0) },
            ]
        }
    }

    /// The policy's name.
    public var id: String
    /// The creation time in Unix seconds.
    public var created: Int
    /// Its generation.
    public var generation: Int
    /// The policy that it was trained from; nil for the base model.
    public var parent: String?
    /// The positions of a context.
    public var contextLength: Int
    /// Its image input; nil without vision.
    public var image: Image?
    /// Whether it accepts messages; false if its vocabulary lacks the chat template's tokens: then only raw prompts
    /// work.
    public var takesMessages: Bool
    /// Its sampling defaults, by field name.
    public var defaults: [JSON.Member]
    /// Its sampling defaults for dialogues without an image.
    public var textDefaults: [JSON.Member]
    /// The digests of its weights; nil if they are unknown.
    public var digests: Digests?
    /// What it was made from; nil for the base model.
    public var lineage: Lineage?
    /// Whether its model is loaded. The first request to a model that sleeps loads it.
    public var isLoaded = true

    /// A policy for the list.
    public init(
        id: String, created: Int, generation: Int, parent: String? = nil, contextLength: Int, image: Image?,
        takesMessages: Bool = true, defaults: [JSON.Member], textDefaults: [JSON.Member], digests: Digests? = nil,
        lineage: Lineage? = nil
    ) {
        self.id = id
        self.created = created
        self.generation = generation
        self.parent = parent
        self.contextLength = contextLength
        self.image = image
        self.takesMessages = takesMessages
        self.defaults = defaults
        self.textDefaults = textDefaults
        self.digests = digests
        self.lineage = lineage
    }

    /// The object, with the fields that OpenAI's and Anthropic's clients read.
    public var json: JSON {
        let vision = image.map { image -> JSON in
            [
                "view_size": JSON(image.tileSize), "tokens_per_view": JSON(image.tokensPerTile),
                "max_views": JSON(image.maximumTiles), "reads_text": .bool(image.readsText),
            ]
        }
        return [
            "id": .string(id), "object": "model", "type": "model", "created": JSON(created),
            "created_at": .string(rfc3339(created)), "display_name": .string(id), "owned_by": "apus",
            "root": .string(id), "parent": JSON(parent), "max_model_len": JSON(contextLength),
            "generation": JSON(generation), "image": vision ?? .null,
            "chat": .bool(takesMessages), "defaults": .object(defaults), "text_defaults": .object(textDefaults),
            "digests": digests?.json ?? .null, "lineage": lineage?.json ?? .null, "loaded": .bool(isLoaded),
        ]
    }

    /// The list of all policies, in the given order.
    public static func list(_ models: [ModelInfo]) -> JSON {
        [
            "object": "list", "data": .array(models.map(\.json)), "has_more": false,
            "first_id": JSON(models.first?.id), "last_id": JSON(models.last?.id),
        ]
    }
}

/// A time in UTC in the format of RFC 3339.
///
/// - Parameter seconds: Unix seconds, at least 0.
private func rfc3339(_ seconds: Int) -> String {
    let days = max(seconds, 0) / 86_400
    let time = max(seconds, 0) % 86_400
    // Days count from 1 March of year 0, so that leap days come last (Howard Hinnant's civil_from_days).
    let shifted = days + 719_468
    let day = shifted % 146_097
    let yearOfEra = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let year = yearOfEra + shifted / 146_097 * 400 + (month >= 10 ? 1 : 0)
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = "\(year)-\(two(month < 10 ? month + 3 : month - 9))-\(two(dayOfYear - (153 * month + 2) / 5 + 1))"
    return "\(date)T\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
}

/// The body of `POST /v1/admin/models`.
public struct ModelChange: RequestBody, Equatable {
    /// The model's name; nil for the first model.
    public var name: String?
    /// Whether to load it, or else to unload it.
    public var loads: Bool

    /// Reads the fields of a JSON body.
    public init(_ fields: inout FieldReader) throws(APIError) {
        name = try fields.string("name")
        // An operator whose variable is empty does not mean the first model.
        guard !fields.isNull("name"), name != "" else {
            throw APIError(
                .invalidValue, "name must not be \(name == nil ? "null" : "empty"): leave it out for the first model.",
                param: "name")
        }
        loads = try fields.require(fields.bool("loaded"), "loaded")
        try fields.finish()
    }
}

/// The body of `POST /v1/admin/policies`.
public struct PolicyPublication: RequestBody, Equatable {
    /// The policy.
    public var name: String
    /// The generation to serve, 1 or more.
    public var generation: Int

    /// Reads the fields of a JSON body.
    public init(_ fields: inout FieldReader) throws(APIError) {
        name = try fields.require(fields.string("name"), "name")
        let number = try fields.require(fields.integer("generation", in: 1...Int64(Int32.max)), "generation")
        generation = Int(number)
        try fields.finish()
    }
}
