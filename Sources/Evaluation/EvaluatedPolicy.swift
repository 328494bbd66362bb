public import Policies

/// The policy that a report is about, with the digests of its weights.
public struct EvaluatedPolicy: Codable, Sendable, Equatable {
    /// The policy's name.
    public let name: String
    /// Its generation.
    public let generation: Int
    /// The digests of its weights; nil if the server does not report them.
    public let digests: PolicyDigests?

    enum CodingKeys: String, CodingKey {
        case generation, digests
        // The field's name in `/v1/models`.
        case name = "id"
    }

    /// A policy with the given fields.
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
