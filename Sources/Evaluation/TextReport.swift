public import Engine
public import Models
public import Policies
public import Tensors
public import Tokenizers

/// A policy's loss of quality on plain text: the report of `apus eval text`.
public struct TextReport: Codable, Sendable, Equatable {
    /// The policy.
    public let policy: EvaluatedPolicy
    /// The perplexity of a fixed text.
    public let perplexity: TextQuality
    /// How far the policy keeps the base model's replies.
    public let replies: RepliesKept
    /// How many replies of the policy and of the base model end.
    public let ended: RepliesEnded

    /// A report of the given measurements.
    public init(policy: EvaluatedPolicy, perplexity: TextQuality, replies: RepliesKept, ended: RepliesEnded) {
        self.policy = policy
        self.perplexity = perplexity
        self.replies = replies
        self.ended = ended
    }

    /// Measures a policy whose adapter is `adapter`, on the fixed text and on replies of the base model.
    ///
    /// - Parameter cache: the format of keys and values for the fixed text.
    public init(
        _ policy: Policy, adapter: ServingAdapter, conversations: [RepliesKept.Conversation],
        ended: RepliesEnded, decoder: TransformerDecoder, tokenizer: Tokenizer, cache: KVCache.Precision = .fp16
    ) {
        self.init(
            policy: EvaluatedPolicy(policy),
            perplexity: TextQuality(decoder: decoder, adapter: adapter, tokenizer: tokenizer, cache: cache),
            replies: RepliesKept(conversations, decoder: decoder, adapter: adapter), ended: ended)
    }

    /// Measures a policy whose adapter is `adapter`: on the fixed text, on replies of the base model, and on its own
    /// replies. The replies of `base` to the same prompts are measured too.
    ///
    /// - Throws: the engine's errors, or a `ChatTemplateError` if the tokenizer lacks the template's tokens.
    public static func measured(
        of policy: Policy, adapter: ServingAdapter, and base: Policy, engine: any InferenceEngine,
        decoder: TransformerDecoder, tokenizer: Tokenizer, cache: KVCache.Precision = .fp16
    ) async throws -> TextReport {
        let conversations = try await RepliesKept.baseReplies(
            engine: engine, tokenizer: tokenizer, template: policy.textTemplate)
        let ended = try await RepliesEnded.measured(
            of: policy, and: base, engine: engine, processor: InputProcessor(tokenizer: tokenizer))
        return TextReport(
            policy, adapter: adapter, conversations: conversations, ended: ended, decoder: decoder,
            tokenizer: tokenizer, cache: cache)
    }
}
