import Checkpoints
package import Datasets
public import Engine
import Foundation
public import Policies
public import Tokenizers

/// The excerpt of a conversation that one step replays: a bounded number of tokens, with a weight for each prediction.
///
/// A longer conversation is replayed alternately from its beginning and from its end, so that training sees both how a
/// reply begins and that it ends. A reply's first tokens steer the rest of it, and its end token decides whether it
/// ends at all: both have several times the weight.
package struct ReplayExcerpt {
    /// The tokens, starting with the prompt's.
    package let tokens: [Int32]
    /// The index in `tokens` where the reply begins.
    package let replyStart: Int
    /// The weight of each token's prediction.
    package let weights: [Float]

    private static let openingTokens = 8
    private static let openingWeight: Float = 4

    /// An excerpt of `record`.
    ///
    /// - Parameters:
    ///   - limit: upper bound on the tokens.
    ///   - turn: an even turn replays a longer conversation from its beginning, an odd turn from its end.
    package init(_ record: ReplayRecord, limit: Int, turn: Int) {
        let all = record.prompt + record.reply
        let first = turn.isMultiple(of: 2) ? 0 : max(0, all.count - limit)
        let range = first..<min(all.count, first + limit)
        let start = record.prompt.count
        tokens = Array(all[range])
        replyStart = max(0, start - first)
        weights = range.map { index in
            let isOpening = (start..<start + Self.openingTokens).contains(index)
            return isOpening || index == all.count - 1 ? Self.openingWeight : 1
        }
    }
}

/// Lets the base model answer text prompts, for fine-tuning to replay, so that the adapter does not lose language
/// skills.
public struct ReplayWriter: Sendable {
    private let engine: any InferenceEngine
    private let input: InputProcessor
    private let policy: Policy
    private let endTokens: Set<Int32>

    /// A writer of answers of `policy` on `engine`.
    public init(engine: any InferenceEngine, tokenizer: Tokenizer, policy: Policy) {
        self.engine = engine
        self.input = InputProcessor(tokenizer: tokenizer)
        self.policy = policy
        self.endTokens = Set(tokenizer.vocabulary.endTokens)
    }

    /// Samples an answer to every prompt at temperature 0.7, each with its own seed, and writes the answers that end by
    /// themselves as `ReplayRecord`s, JSON lines.
    ///
    /// - Parameters:
    ///   - maximumTokens: upper bound on the tokens of an answer; longer answers are left out, so that policies learn
    ///     to end.
    ///   - progress: receives the number of answers so far.
    /// - Returns: the number of written answers.
    public func write(
        prompts: [String], seed: UInt64, maximumTokens: Int, to path: String, progress: @escaping (Int) -> Void
    ) async throws -> Int {
        var lines = Data()
        var written = 0
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let batch = 16
        for start in stride(from: 0, to: prompts.count, by: batch) {
            let range = start..<min(prompts.count, start + batch)
            let answers = try range.map { index in
                var request = try input.request(
                    messages: [ChatMessage(role: .user, text: prompts[index])], images: [], policy: policy)
                request.sampling.temperature = 0.7
                request.sampling.seed = seed &+ UInt64(index)
                request.stop.maximumTokens = maximumTokens
                return (request.prompt, try engine.submit(request, in: engine.reserve()))
            }
            for (prompt, events) in answers {
                let reply = try await events.answer().tokens.map(\.id)
                guard let last = reply.last, endTokens.contains(last) else { continue }
                lines += try encoder.encode(ReplayRecord(prompt: prompt, reply: reply))
                lines.append(UInt8(ascii: "\n"))
                written += 1
            }
            progress(range.upperBound)
        }
        try AtomicFile.write([UInt8](lines), to: path)
        return written
    }
}
