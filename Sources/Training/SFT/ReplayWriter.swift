import Datasets
public import Engine
import Foundation
public import Policies
public import Tokenizers

/// Lets the base model answer text prompts, for fine-tuning to replay, so that the adapter does not lose language
/// skills.
public struct ReplayWriter: Sendable {
    private let engine: any InferenceEngine
    private let input: InputProcessor
    private let policy: Policy
    private let endToken: Int32?

    /// A writer of answers of `policy` on `engine`.
    public init(engine: any InferenceEngine, tokenizer: Tokenizer, policy: Policy) {
        self.engine = engine
        self.input = InputProcessor(tokenizer: tokenizer)
        self.policy = policy
        self.endToken = tokenizer.vocabulary.endOfText
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
                guard let last = reply.last, last == endToken else { continue }
                lines += try encoder.encode(ReplayRecord(prompt: prompt, reply: reply))
                lines.append(UInt8(ascii: "\n"))
                written += 1
            }
            progress(range.upperBound)
        }
        try lines.write(to: URL(fileURLWithPath: path), options: .atomic)
        return written
    }
}
