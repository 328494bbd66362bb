public import Engine
public import Models
public import Policies
public import Tensors
public import Tokenizers

/// What plain text costs a policy: what `apus eval text` writes.
public struct TextReport: Codable, Sendable, Equatable {
    /// The policy.
    public let policy: EvaluatedPolicy
    /// Of a fixed text.
    public let perplexity: TextQuality
    /// Of the base model.
    public let replies: RepliesKept
    /// Of the policy and of the base model.
    public let ended: RepliesEnded

    /// A report of its parts.
    public init(policy: EvaluatedPolicy, perplexity: TextQuality, replies: RepliesKept, ended: RepliesEnded) {
        self.policy = policy
        self.perplexity = perplexity
        self.replies = replies
        self.ended = ended
    }

    /// Measures a policy whose adapter is `adapter`, on the fixed text and on replies of the base model.
    ///
    /// - Parameter cache: what keys and values of the fixed text are kept as.
    public init(
        _ policy: Policy, adapter: ServingAdapter, conversations: [RepliesKept.Conversation],
        ended: RepliesEnded, decoder: TransformerDecoder, tokenizer: Tokenizer, cache: KVCache.Precision = .fp16
    ) {
        self.init(
            policy: EvaluatedPolicy(policy),
            perplexity: TextQuality(decoder: decoder, adapter: adapter, tokenizer: tokenizer, cache: cache),
            replies: RepliesKept(conversations, decoder: decoder, adapter: adapter), ended: ended)
    }

    /// Measures a policy whose adapter is `adapter`: the fixed text, replies of the base model, and replies of its own
    /// beside those of `base`.
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
