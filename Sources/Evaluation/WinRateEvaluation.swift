import Datasets

/// Lets two policies of one server answer the same questions and the gold judge choose.
///
/// Questions ask for sentences and descriptions: one-word answers mostly coincide. Both sides are sampled, each answer
/// with a seed of its own. The same is done with the second policy against itself: a fair judge finds no winner there.
///
/// Where a policy is sure of its answer, another one can only say the same or lose; so there is a choice to ask only
/// informative questions, to which several samples of the second policy get different scores from the judge. These
/// samples are not those that are compared afterwards.
public struct WinRateEvaluation: Sendable {
    /// Who answers what.
    public struct Settings: Sendable {
        /// The policy whose wins are counted.
        public var model: String
        /// The policy that it is compared with.
        public var against: String
        /// Questions, shared out among the families that have some.
        public var count = 2_000
        /// Whether only informative questions are asked, at most `maximumWithDisagreement`.
        public var hasDisagreement = false
        /// Of sampling; 1 is where reinforcement samples.
        public var temperature = 1.0
        /// Decides which images of the test split are drawn, and the seeds of the answers.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// A comparison of two policies.
        public init(model: String, against: String) {
            self.model = model
            self.against = against
        }
    }

    /// The most informative questions that the test split is searched for.
    public static let maximumWithDisagreement = 2_000
    /// Samples that show whether a question is informative.
    private static let draws = 4
    /// Parts of the test split that are searched for informative questions, each of `count` questions.
    private static let batches = 15

    private let sides: [AskClient]
    private let settings: Settings
    /// The questions of a part.
    private let samples: @Sendable (_ batch: Int) -> [FamilySample]

    /// A comparison on freshly drawn images.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`.
    public init(client: any ReplyClient, server: String, settings: Settings) throws(EvaluationError) {
        try self.init(
            samples: { batch in
                FamilySample.drawInTurn(
                    count: settings.count, draw: settings.seed, batch: batch, where: { $0.form != .short })
            }, client: client, server: server, settings: settings, wait: { try await Task.sleep(for: $0) })
    }

    /// A comparison on any samples.
    package init(
        samples: @escaping @Sendable (_ batch: Int) -> [FamilySample], client: any ReplyClient, server: String,
        settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(
            !settings.hasDisagreement || settings.count <= Self.maximumWithDisagreement, "\(settings.count) questions")
        precondition(settings.count > 0 && settings.concurrency > 0 && settings.temperature > 0)
        var sides: [AskClient] = []
        // The policy, the other one, and the other one again.
        for model in [settings.model, settings.against, settings.against] {
            sides.append(try AskClient(client: client, server: server, model: model, wait: wait))
        }
        self.sides = sides
        self.settings = settings
        self.samples = samples
    }

    /// Asks every question three times, and reports who is preferred: the policy against the other, and the other
    /// against itself.
    ///
    /// - Parameter progress: told how many of how many answers are there, of the search for questions first.
    /// - Throws: `EvaluationError` or the client's error; there is no report of a part of the questions.
    public func run(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> [WinRateReport] {
        var generator = SeededGenerator(seed: settings.seed)
        var policies: [EvaluatedPolicy] = []
        for side in sides { policies.append(try await side.policy()) }
        let (samples, searched) =
            settings.hasDisagreement
            ? try await withDisagreement(policies[1], &generator, progress: progress) : (samples(0), nil)
        var judged: [[JudgedAnswer]] = []
        for number in sides.indices {
            let total = samples.count
            judged.append(
                try await answers(number, policies[number], to: samples, &generator) { done, _ in
                    progress(number * total + done, sides.count * total)
                })
        }
        return [
            WinRateReport(settings, searched, (policies[0], judged[0]), against: (policies[1], judged[1])),
            WinRateReport(settings, searched, (policies[2], judged[2]), against: (policies[1], judged[1])),
        ]
    }

    /// Up to `count` questions on whose answers the second policy's samples do not agree, and how many were searched.
    private func withDisagreement(
        _ policy: EvaluatedPolicy, _ generator: inout SeededGenerator,
        progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> (samples: [FamilySample], searched: Int?) {
        var kept: [FamilySample] = []
        var searched = 0
        for batch in 0..<Self.batches where kept.count < settings.count {
            let some = samples(batch)
            let drawn = try await answers(
                1, policy, to: some.flatMap { Array(repeating: $0, count: Self.draws) }, &generator,
                progress: progress)
            for (index, sample) in some.enumerated() where kept.count < settings.count {
                searched += 1
                let scores = drawn[index * Self.draws..<(index + 1) * Self.draws].map(\.verdict.score)
                if Set(scores).count > 1 { kept.append(sample) }
            }
        }
        return (kept, searched)
    }

    /// One answer of a side to each sample, each with a seed of its own.
    private func answers(
        _ side: Int, _ policy: EvaluatedPolicy, to samples: [FamilySample], _ generator: inout SeededGenerator,
        progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [JudgedAnswer] {
        let prompts = samples.map {
            AskClient.Prompt(
                question: $0.question.text, png: $0.png, maximumTokens: $0.maximumTokens,
                temperature: settings.temperature, seed: UInt32(truncatingIfNeeded: generator.next()))
        }
        let answers = try await sides[side].answers(
            of: policy, to: prompts, concurrency: settings.concurrency, progress: progress)
        return zip(samples, answers).map { JudgedAnswer(sample: $0, answer: $1.text, ended: $1.ended) }
    }
}
