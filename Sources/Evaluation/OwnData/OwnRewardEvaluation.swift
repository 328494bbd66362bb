public import Datasets
import Foundation
import Support

/// Lets two policies answer a user's own questions at temperature 1, and counts whose answers the server's reward model
/// prefers.
///
/// Only questions of one turn with one image in front take part: `/v1/reward` reads a question and an image.
public struct OwnRewardEvaluation: Sendable {
    /// How questions are asked.
    public struct Settings: Sendable {
        /// The policy whose win rate is measured.
        public var model: String
        /// The policy that it is compared with.
        public var against: String
        /// Upper bound on the tokens of an answer.
        public var maximumTokens = 256
        /// Pairs of answers to each question.
        public var repetitions = 4
        /// Decides the seeds of the answers.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// A comparison of two policies.
        public init(model: String, against: String) {
            self.model = model
            self.against = against
        }
    }

    private struct Prompt: Sendable {
        let example: OwnExample
        let seed: UInt32
    }

    private let examples: [OwnExample]
    private let first: AskClient
    private let second: AskClient
    private let settings: Settings

    /// A comparison on those of `examples` that have one turn and one image.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`.
    public init(
        _ examples: [OwnExample], client: any ReplyClient, server: String, settings: Settings
    ) throws(EvaluationError) {
        try self.init(
            examples, client: client, server: server, settings: settings, wait: { try await Task.sleep(for: $0) })
    }

    /// The same with another way to wait for a busy server.
    package init(
        _ examples: [OwnExample], client: any ReplyClient, server: String, settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(settings.concurrency > 0 && settings.repetitions > 0)
        self.examples = examples.filter {
            $0.messages.count == 1 && $0.images.count == 1 && !$0.showsImageAfterText && !$0.question.isEmpty
        }
        self.settings = settings
        first = try AskClient(client: client, server: server, model: settings.model, wait: wait)
        second = try AskClient(client: client, server: server, model: settings.against, wait: wait)
    }

    /// Asks both policies and scores their answers.
    ///
    /// - Parameter progress: receives the number of compared pairs so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) async throws -> OwnRewardReport {
        let (policy, reference) = (try await first.policy(), try await second.policy())
        var generator = SplitMix64(seed: settings.seed)
        let prompts = examples.flatMap { example in
            (0..<settings.repetitions).map { _ in
                Prompt(example: example, seed: UInt32(truncatingIfNeeded: generator.next()))
            }
        }
        let outcomes = try await AskClient.results(
            of: prompts, concurrency: settings.concurrency, progress: progress
        ) { try await preference($0, policy.name, reference.name) }
        return OwnRewardReport(
            policy: policy, reference: reference, seed: settings.seed,
            wins: WinRate(
                wins: outcomes.count { $0 > 0 }, ties: outcomes.count { $0 == 0 }, losses: outcomes.count { $0 < 0 }))
    }

    /// The reward of the first policy's answer minus that of the second one's; 0 for equal answers.
    private func preference(_ prompt: Prompt, _ one: String, _ other: String) async throws -> Double {
        let example = prompt.example
        let url = try OwnQuestionBody.dataURL(example.images[0])
        func answer(of model: String) async throws -> String {
            var body = OwnQuestionBody(
                example, to: model, images: [example.images[0].digest: url], maximumTokens: settings.maximumTokens)
            body.temperature = 1
            body.seed = prompt.seed
            let chat = first.server + "/v1/chat/completions"
            let reply: ChatReply = try await first.post(body, to: chat)
            guard let choice = reply.choices.first else {
                throw EvaluationError.malformed(url: chat, reason: "expected one choice", body: "none")
            }
            return choice.message.content
        }
        let answers = [try await answer(of: one), try await answer(of: other)]
        if answers[0] == answers[1] { return 0 }
        let rewards = try await first.rewards(of: answers, to: example.question, imageURL: url)
        return rewards[0] - rewards[1]
    }
}

/// How often a reward model prefers one policy's answers to a user's own questions to another policy's.
public struct OwnRewardReport: Codable, Sendable, Equatable {
    /// The policy.
    public let policy: EvaluatedPolicy
    /// The policy that it was compared with.
    public let reference: EvaluatedPolicy
    /// The seed that decided the seeds of the answers.
    public let seed: UInt64
    /// The pairs; equal answers are ties.
    public let wins: WinRate
}
