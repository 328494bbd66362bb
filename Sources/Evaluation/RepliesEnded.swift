public import Engine
public import Policies
import Tokenizers

/// Whether a policy comes to the end of a reply: everyday prompts without an image, answered greedily by the policy and
/// by the base model, and how many of the replies end by themselves.
public struct RepliesEnded: Codable, Sendable, Equatable {
    /// Of the policy's replies.
    public let policy: Proportion
    /// Of the base model's.
    public let base: Proportion

    /// Tokens after which a reply counts as one without an end.
    public static let limit = 400

    /// Counts as given.
    public init(policy: Proportion, base: Proportion) {
        self.policy = policy
        self.base = base
    }

    /// How much larger the policy's share is than the base model's.
    public var gain: Double { policy.share - base.share }

    /// One line for a person.
    public var summary: String {
        "replies that end within \(Self.limit) tokens: \(policy.count) of \(policy.total), "
            + "the base model's \(base.count) of \(base.total)"
    }

    /// Lets `policy` and `base` answer all prompts, or the first `count` of them.
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
