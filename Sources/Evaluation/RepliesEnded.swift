public import Engine
public import Policies
import Tokenizers

/// Whether a policy's replies end by themselves: the policy and the base model answer everyday prompts without an image
/// greedily, and the finished replies are counted.
public struct RepliesEnded: Codable, Sendable, Equatable {
    /// The policy's finished replies.
    public let policy: Proportion
    /// The base model's finished replies.
    public let base: Proportion

    /// A reply of this many tokens counts as unfinished.
    public static let limit = 400

    /// The given counts.
    public init(policy: Proportion, base: Proportion) {
        self.policy = policy
        self.base = base
    }

    /// The policy's share minus the base model's.
    public var gain: Double { policy.share - base.share }

    /// One line for a person.
    public var summary: String {
        "replies that end within \(Self.limit) tokens: \(policy.count) of \(policy.total), "
            + "the base model's \(base.count) of \(base.total)"
    }

    /// Measures replies of `policy` and `base` to all prompts, or to the first `count`.
    public static func measured(
        of policy: Policy, and base: Policy, engine: any InferenceEngine, processor: InputProcessor,
        count: Int = EverydayPrompts.all.count
    ) async throws -> RepliesEnded {
        func ended(_ policy: Policy) async throws -> Proportion {
            var streams: [AsyncStream<EngineEvent>] = []
            for prompt in EverydayPrompts.all.prefix(count) {
                var request = try processor.request(
                    messages: [ChatMessage(role: .user, text: prompt)], images: [], policy: policy)
                request.sampling = SamplingParameters()
                request.sampling.temperature = 0
                request.stop.maximumTokens = limit
                streams.append(try engine.submit(request, in: engine.reserve()))
            }
            var count = 0
            for stream in streams where try await stream.answer().completion.reason == .endToken { count += 1 }
            return Proportion(count, of: streams.count)
        }
        return RepliesEnded(policy: try await ended(policy), base: try await ended(base))
    }
}
