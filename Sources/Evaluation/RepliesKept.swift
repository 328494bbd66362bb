import Datasets
public import Engine
import Foundation
public import Models
import Policies
import Tensors
public import Tokenizers

/// Whether a policy still answers plain text as its base model does: the base model's own greedy replies to held-out
/// prompts, scored with the adapter off and on.
///
/// Both score the same replies token by token, so that one early difference does not count against all later tokens. If
/// the adapter agrees on all tokens of a reply, the policy would write that very reply.
public struct RepliesKept: Codable, Sendable, Equatable {
    /// The number of replies.
    public let replies: Int
    /// The number of their tokens.
    public let tokens: Int
    /// Replies in which the policy agrees on every token.
    public let kept: Proportion
    /// Tokens that are the policy's most likely ones too.
    public let agreeing: Proportion
    /// KL(base || policy) of the next token in nats, averaged over all tokens.
    public let divergence: Double

    /// One line for a person.
    public var summary: String {
        String(
            format: "replies kept: %d of %d whole, %.1f %% of %d tokens, KL to the base %.4f nats a token", kept.count,
            replies, 100 * agreeing.share, tokens, divergence)
    }

    /// Replies are cut after this many tokens; the first sentences suffice.
    private static let maximumTokens = 48
    /// The evaluation always uses the held-out prompts of this seed.
    private static let prompts = ReplayPrompts(seed: 0).heldOut

    /// A prompt's ids and the ids of the reply to it.
    public typealias Conversation = (prompt: [Int32], reply: [Int32])

    /// The base model's greedy replies to the held-out prompts, from `engine`.
    ///
    /// - Parameter template: the policy's template for prompts.
    /// - Throws: the engine's errors, or a `ChatTemplateError` if the tokenizer lacks the template's tokens.
    public static func baseReplies(
        engine: any InferenceEngine, tokenizer: Tokenizer, template: ChatTemplate
    ) async throws -> [Conversation] {
        let base = Policy(
            name: PolicyRole.base.name, generation: 0, adapter: nil, vision: nil, template: template, sampling: .init(),
            created: 0)
        let input = InputProcessor(tokenizer: tokenizer)
        // All are queued before the first is read, so that the engine batches them.
        let answers = try prompts.map { prompt in
            var request = try input.request(
                messages: [ChatMessage(role: .user, text: prompt)], images: [], policy: base)
            request.sampling.temperature = 0
            request.stop.maximumTokens = maximumTokens
            return (request.prompt, try engine.submit(request, in: engine.reserve()))
        }
        var conversations: [Conversation] = []
        for (prompt, events) in answers {
            conversations.append((prompt, try await events.answer().tokens.map(\.id)))
        }
        return conversations
    }

    /// Scores conversations, whose replies must have at least one token each, under the decoder alone and with the
    /// adapter.
    public init(_ conversations: [Conversation], decoder: TransformerDecoder, adapter: ServingAdapter) {
        var (wholes, agreeing, total, divergence) = (0, 0, 0, 0.0)
        for (prompt, reply) in conversations {
            let teacher = decoder.logits(of: reply, after: prompt, adapter: nil)
            var logits = decoder.logits(of: reply, after: prompt, adapter: adapter)
            let same = reply.indices.count { Self.likeliest(in: logits, row: $0) == reply[$0] }
            agreeing += same
            wholes += same == reply.count ? 1 : 0
            total += reply.count
            divergence += decoder.compute.distillation(&logits, teacher: teacher, scales: reply.map { _ in 1 })
                .reduce(0) { $0 + Double($1) }
        }
        replies = conversations.count
        tokens = total
        kept = Proportion(wholes, of: conversations.count)
        self.agreeing = Proportion(agreeing, of: total)
        self.divergence = total == 0 ? 0 : divergence / Double(total)
    }

    /// The token that greedy sampling chooses: of equal logits the lowest id.
    private static func likeliest(in logits: Tensor, row: Int) -> Int32 {
        var best = 0
        for column in 1..<logits.columns where logits[row, column] > logits[row, best] { best = column }
        return Int32(best)
    }
}
