import Datasets
import Policies
import Support

/// Compares a server's reward model with the gold judge on sampled answers of a policy.
///
/// Each answer is scored with its image and, as a control, with a blank one: correctness that a reward model finds
/// without the image is a guess.
public struct RewardModelEvaluation: Sendable {
    /// The prompts and samples.
    public struct Settings: Sendable {
        /// The policy whose answers are scored.
        public var model = PolicyRole.sft.name
        /// The number of questions, divided among the families.
        public var count = 400
        /// Answers to each question, sampled at temperature 1.
        public var answers = 16
        /// Additional answers that the policy gives to the same question about another image of the family. They are
        /// well written and mostly wrong, while the samples for the question's own image are mostly alike.
        public var distractorAnswers = 4
        /// Decides which images of the test split are drawn, and the seeds of the answers.
        public var seed: UInt64 = 0
        /// Requests that are open at the same time.
        public var concurrency = 16

        /// Settings for answers of `sft`.
        public init() {}
    }

    private let ask: AskClient
    private let settings: Settings
    private let samples: [FamilySample]

    /// An evaluation on freshly drawn images.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`.
    public init(client: any ReplyClient, server: String, settings: Settings) throws(EvaluationError) {
        try self.init(
            samples: FamilySample.drawInTurn(count: settings.count, draw: settings.seed), client: client,
            server: server, settings: settings,
            wait: { try await Task.sleep(for: $0) })
    }

    /// An evaluation on any samples.
    package init(
        samples: [FamilySample], client: any ReplyClient, server: String, settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(
            settings.concurrency > 0 && (2...64).contains(settings.answers)
                && (0...64 - settings.answers).contains(settings.distractorAnswers))
        ask = try AskClient(client: client, server: server, model: settings.model, wait: wait)
        self.settings = settings
        self.samples = samples
    }

    /// The image of the distractors of each question: that of the family's next question.
    private var otherImages: [[UInt8]] {
        var next: [Family: [UInt8]] = [:]
        // From the end, twice, so that the last question of a family is followed by its first one.
        let images = (samples + samples).reversed().map { sample in
            defer { next[sample.question.family] = sample.png }
            return next[sample.question.family] ?? sample.png
        }
        return Array(images.reversed().prefix(samples.count))
    }

    /// Samples all answers, scores them, and reports.
    ///
    /// - Parameter progress: receives the number of finished requests and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) async throws -> RewardModelReport {
        let policy = try await ask.policy()
        var generator = SplitMix64(seed: settings.seed)
        let each = settings.answers + settings.distractorAnswers
        let prompts = zip(samples, otherImages).flatMap { sample, other in
            (0..<each).map { number in
                AskClient.Prompt(
                    question: sample.question.text, png: number < settings.answers ? sample.png : other,
                    maximumTokens: sample.maximumTokens, temperature: 1,
                    seed: UInt32(truncatingIfNeeded: generator.next()))
            }
        }
        let total = prompts.count + samples.count
        let answers = try await ask.answers(of: policy, to: prompts, concurrency: settings.concurrency) { done, _ in
            progress(done, total)
        }
        let sampled = samples.enumerated().map { index, sample in
            (sample, Array(answers[index * each..<(index + 1) * each]))
        }
        let asked = try await AskClient.results(
            of: sampled, concurrency: settings.concurrency,
            progress: { done, _ in progress(prompts.count + done, total) },
            { sample, answers in try await scored(answers, to: sample) })
        return RewardModelReport(policy: policy, seed: settings.seed, prompts: asked)
    }

    private func scored(_ answers: [AskClient.Answer], to sample: FamilySample) async throws -> ScoredPrompt {
        let texts = answers.map(\.text)
        let rewards = try await ask.rewards(of: texts, to: sample.question.text, about: sample.png)
        let blank = ControlImages.blank(side: ShapeScene.side)
        let blind = try await ask.rewards(of: texts, to: sample.question.text, about: blank)
        return ScoredPrompt(
            family: sample.question.family, seed: sample.seed, question: sample.question.text,
            answers: answers.indices.map { index in
                let judged = JudgedAnswer(sample: sample, answer: texts[index], ended: answers[index].ended)
                return ScoredPrompt.Answer(
                    text: texts[index], isDistractor: index >= settings.answers, verdict: judged.verdict,
                    reward: rewards[index], blind: blind[index])
            })
    }
}
