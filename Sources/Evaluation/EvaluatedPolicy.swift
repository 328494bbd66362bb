public import Policies

/// Whose answers a report is about, and by which weights they were made.
public struct EvaluatedPolicy: Codable, Sendable, Equatable {
    /// The policy's name.
    public let name: String
    /// Its generation.
    public let generation: Int
    /// What it answers with; nil if the server does not say.
    public let digests: PolicyDigests?

    enum CodingKeys: String, CodingKey {
        case generation, digests
        // As `/v1/models` calls it.
        case name = "id"
    }

    /// A policy by what is known of it.
    public init(name: String, generation: Int, digests: PolicyDigests?) {
        self.name = name
        self.generation = generation
        self.digests = digests
    }

    /// A loaded policy.
    public init(_ policy: Policy) {
        self.init(name: policy.name, generation: policy.generation, digests: policy.digests)
    }
}
