import Datasets
public import Engine
import Foundation
public import Tokenizers

/// Lets the base model answer text prompts itself, for fine-tuning to replay: so the adapter does not cost language.
public struct ReplayWriter: Sendable {
    private let engine: any Generating
    private let input: InputProcessor
    private let policy: Policy

    /// A writer whose answers come from `policy` by way of `engine`.
    public init(engine: any Generating, tokenizer: Tokenizer, policy: Policy) {
        self.engine = engine
        self.input = InputProcessor(tokenizer: tokenizer)
        self.policy = policy
    }

    /// Answers every prompt at temperature 0.7, with a seed of its own, and writes `ReplayRecord`s as JSON lines.
    ///
    /// - Parameters:
    ///   - maximumTokens: of each answer; longer ones are cut and have no end token.
    ///   - progress: told the number of answers so far.
    public func write(
        prompts: [String], seed: UInt64, maximumTokens: Int, to path: String, progress: @escaping (Int) -> Void
    ) async throws {
        var lines = Data()
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let batch = 16
        for start in stride(from: 0, to: prompts.count, by: batch) {
            let range = start..<min(prompts.count, start + batch)
            let answers = try range.map { index in
                var request = try input.request(
                    messages: [ChatMessage(role: .user, text: prompts[index])], pictures: [], policy: policy)
                request.sampling.temperature = 0.7
                request.sampling.seed = seed &+ UInt64(index)
                request.stop.maximumTokens = maximumTokens
                return (request.prompt, try engine.submit(request, in: engine.reserve()))
            }
            for (prompt, events) in answers {
                lines += try encoder.encode(ReplayRecord(prompt: prompt, reply: try await events.tokens()))
                lines.append(UInt8(ascii: "\n"))
            }
            progress(range.upperBound)
        }
        try lines.write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}
