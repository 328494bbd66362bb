import Checkpoints
public import Models
public import Tokenizers

/// One immutable generation of a policy: the model that answers a request. Reward and value model are policies with a
/// head.
public final class Policy: Sendable {
    /// An identity that no other policy of this process has or had. Caches use it as a key.
    package let id = PolicyIdentity()
    /// The name among the policies of its model.
    public let name: String
    /// The name that requests use: `name`, or MODEL/NAME for a policy of a model with a name of its own.
    public let requestName: String
    /// Rises with each promotion; 0 for the backbone alone.
    public let generation: Int
    /// The adapter on the backbone; nil for the backbone alone.
    public let adapter: ServingAdapter?
    /// The vision encoder and its settings; nil if the policy cannot see.
    public let vision: Vision?
    /// The template for dialogues with images.
    public let template: ChatTemplate
    /// The template for dialogues without an image.
    public let textTemplate: ChatTemplate
    /// Sampling defaults for dialogues with images.
    public let sampling: SamplingParameters
    /// Sampling defaults for dialogues without an image.
    public let textSampling: SamplingParameters
    /// When the policy was made, in Unix seconds.
    public let created: Int
    /// The name of the policy that it was trained from; nil for the backbone alone.
    public let parent: String?
    /// What it was made from and how it was measured; nil for the base model.
    public let lineage: PolicyLineage?
    /// The digests of its weights; nil for a policy that was made in memory.
    public let digests: PolicyDigests?
    /// The head of a reward or value model; nil for a policy that answers.
    public let head: RewardHead?

    /// The component of a policy that reads images.
    public struct Vision: Sendable {
        /// An identity that no other encoder of this process has or had.
        package let id = PolicyIdentity()
        /// Rises with each promotion of the vision weights.
        public let generation: Int
        /// Pixels to embeddings.
        public let encoder: VisionEncoder
        /// Images to pixels.
        public let processor: ImageProcessor
        /// Images to the text in them; nil for an encoder that does not read.
        public let reader: TextReader?
        /// The SHA-256 of the encoder's weights and sizes; nil for an encoder that was made in memory.
        package let weights: String?

        /// The SHA-256 of everything that decides the embeddings of an image; nil for an encoder that was made in
        /// memory.
        public var digest: String? {
            weights.map { weights in
                guard let tiling = processor.idefics3 else {
                    let image = PolicyManifest.Image(
                        tileSize: processor.tileSize, maximumTiles: processor.maximumTiles, fit: processor.fit)
                    return image.digest(weights: weights)
                }
                return FileDigest.sha256(
                    of: "\(weights) idefics3 \(tiling.tileSize) \(tiling.longestEdge) \(tiling.splits)")
            }
        }

        /// An encoder with its image processor.
        ///
        /// - Parameter reader: reads with the same weights; nil for an encoder that does not read.
        public init(
            generation: Int, encoder: VisionEncoder, processor: ImageProcessor, weights: String? = nil,
            reader: TextReader? = nil
        ) {
            self.generation = generation
            self.encoder = encoder
            self.processor = processor
            self.reader = reader
            self.weights = weights
        }
    }

    /// A policy of the given components.
    public init(
        name: String, model: String? = nil, generation: Int, adapter: ServingAdapter?, vision: Vision?,
        template: ChatTemplate, textTemplate: ChatTemplate? = nil, sampling: SamplingParameters,
        textSampling: SamplingParameters? = nil,
        created: Int, parent: String? = nil, lineage: PolicyLineage? = nil, digests: PolicyDigests? = nil,
        head: RewardHead? = nil
    ) {
        self.name = name
        self.requestName = model.map { "\($0)/\(name)" } ?? name
        self.generation = generation
        self.adapter = adapter
        self.vision = vision
        self.template = template
        self.textTemplate = textTemplate ?? template
        self.sampling = sampling
        self.textSampling = textSampling ?? sampling
        self.created = created
        self.parent = parent
        self.lineage = lineage
        self.digests = digests
        self.head = head
    }

    /// The template for dialogues with or without images.
    public func template(hasImages: Bool) -> ChatTemplate { hasImages ? template : textTemplate }

    /// Sampling defaults for dialogues with or without images.
    public func sampling(hasImages: Bool) -> SamplingParameters { hasImages ? sampling : textSampling }
}

/// A policy's origin and evaluation, from its manifest.
public struct PolicyLineage: Sendable, Equatable {
    /// The generations that it was trained from or with, by their part: `parent`, `vision`, `reward`, `value`.
    public let generations: [String: PolicyManifest.Reference]
    /// The program or person that made it.
    public let creator: String
    /// The SHA-256, by name, of each data set and of the weights of each other input.
    public let data: [String: String]
    /// Results of its evaluation, by name.
    public let metrics: [String: Double]

    /// The lineage that a manifest tells.
    public init(_ manifest: PolicyManifest) {
        let parts = [
            "parent": manifest.parent, "vision": manifest.vision, "reward": manifest.reward, "value": manifest.value,
        ]
        generations = parts.compactMapValues { $0 }
        creator = manifest.creator
        data = manifest.data
        metrics = manifest.metrics
    }
}

/// An object that equals only itself. A cache's keys hold it, so that its address is not reused while the cache has
/// them.
package final class PolicyIdentity: Hashable, Sendable {
    /// A new identity.
    package init() {}

    /// Whether both are the same object.
    package static func == (one: PolicyIdentity, other: PolicyIdentity) -> Bool { one === other }

    /// Hashes the address.
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// The policies that are offered, the default one first.
public struct PolicyCatalog: Sendable {
    /// In the order in which they are listed.
    public let policies: [Policy]
    /// Other names of policies.
    public let aliases: [String: String]
    /// The reward model; nil if there is none.
    public let reward: Policy?
    /// The value model; nil if there is none.
    public let value: Policy?

    /// A catalog whose first policy is the default. Reward and value model must have heads.
    public init(
        default first: Policy, others: [Policy] = [], aliases: [String: String] = [:], reward: Policy? = nil,
        value: Policy? = nil
    ) {
        precondition([reward, value].allSatisfy { $0 == nil || $0?.head != nil }, "a reward or value model has a head")
        self.policies = [first] + others
        self.aliases = aliases
        self.reward = reward
        self.value = value
    }

    /// The policies, and the models that score answers.
    public var all: [Policy] { policies + [reward, value].compactMap { $0 } }

    /// π_sft, the reference of an answer's KL; nil if it is not served.
    public var reference: Policy? { policies.first { $0.role == .sft } }

    /// The policy that answers when a request names none.
    public var defaultPolicy: Policy { policies[0] }

    /// The policy with that name or alias.
    public subscript(name: String) -> Policy? {
        policies.first { $0.requestName == aliases[name] ?? name }
    }

    /// The policy with that role.
    public subscript(role: PolicyRole) -> Policy? { policies.first { $0.role == role } }

    /// The generation of each policy and component that has one; the backbone alone has none.
    public var generations: [String: Int] {
        Dictionary(uniqueKeysWithValues: all.filter { $0.generation > 0 }.map { ($0.name, $0.generation) })
    }
}
