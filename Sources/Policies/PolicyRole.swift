/// The policies whose names the program knows.
///
/// Only this type has the names on disk and on the wire. A policy with any other name is a user's own: it is published
/// and served like the others, and has no role.
public enum PolicyRole: String, Sendable, CaseIterable {
    /// The base model alone; it has no folder.
    case base
    /// Fine-tuned on documents over an encoder that reads: the default, where it is there.
    case reader
    /// The result of supervised fine-tuning, and the reference of an answer's KL.
    case sft
    /// The result of reinforcement learning.
    case ppo
    /// A finished run that is served to be measured, before it is published.
    case candidate
    /// The vision encoder and the connector of policies.
    case vision
    /// The reward model.
    case reward
    /// The value model that was trained beside a policy.
    case value

    /// The name on disk and on the wire.
    public var name: String { rawValue }

    /// Whether it scores answers: such a policy has a head.
    public var hasHead: Bool { self == .reward || self == .value }

    /// Whether only other policies use it: requests do not ask for it by name.
    public var isComponent: Bool { self == .vision || hasHead }

    /// Whether a policy that answers can be published under its name.
    public var isPublishable: Bool { self != .base && !isComponent }

    /// Whether a policy that answers can be published as `name`.
    public static func isFree(_ name: String) -> Bool {
        PolicyManifest.isName(name) && PolicyRole(rawValue: name)?.isPublishable ?? true
    }
}

extension PolicyManifest {
    /// The policy's role; nil for a user's own.
    public var role: PolicyRole? { PolicyRole(rawValue: name) }
}

extension Policy {
    /// The policy's role; nil for a user's own.
    public var role: PolicyRole? { PolicyRole(rawValue: name) }
}

extension PolicyManifest.Reference {
    /// The given generation of the policy with a role.
    public init(_ role: PolicyRole, generation: Int) {
        self.init(name: role.name, generation: generation)
    }
}
