import Datasets

/// Lets two policies of one server answer the same questions and the gold judge choose.
///
/// Questions ask for sentences and descriptions: one-word answers mostly coincide. Both sides are sampled, each answer
/// with a seed of its own. The same is done with the second policy against itself: a fair judge finds no winner there.
public struct WinRateEvaluation: Sendable {
    /// Who answers what.
    public struct Settings: Sendable {
        /// The policy whose wins are counted.
        public var model: String
        /// The policy that it is compared with.
        public var against: String
        /// Questions, shared out among the families that have some.
        public var count = 2_000
        /// Of sampling.
        public var temperature = 0.7
        /// Decides which pictures of the test split are drawn, and the seeds of the answers.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// A comparison of two policies.
        public init(model: String, against: String) {
            self.model = model
            self.against = against
        }
    }

    private let sides: [AskClient]
    private let settings: Settings
    private let samples: [FamilySample]

    /// A comparison on freshly drawn pictures.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`.
    public init(client: any ReplyClient, server: String, settings: Settings) throws(EvaluationError) {
        let each = (settings.count + Family.allCases.count - 1) / Family.allCases.count
        let drawn = Family.allCases.map {
            FamilySample.draw($0, count: each, draw: settings.seed, where: { $0.form != .short })
        }
        // One of each family in turn, so that the first `count` are of all.
        let inTurn = (0..<each).flatMap { index in drawn.compactMap { $0.indices.contains(index) ? $0[index] : nil } }
        try self.init(
            samples: Array(inTurn.prefix(settings.count)), client: client, server: server, settings: settings,
            wait: { try await Task.sleep(for: $0) })
    }

    /// A comparison on any samples.
    package init(
        samples: [FamilySample], client: any ReplyClient, server: String, settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(settings.concurrency > 0 && settings.temperature > 0)
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
    /// - Parameter progress: told how many of how many answers are there.
    /// - Throws: `EvaluationError` or the client's error; there is no report of a part of the questions.
    public func run(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> [WinRateReport] {
        var generator = SeededGenerator(seed: settings.seed)
        var judged: [[JudgedAnswer]] = []
        var policies: [EvaluatedPolicy] = []
        for (number, side) in sides.enumerated() {
            let prompts = samples.map {
                AskClient.Prompt(
                    question: $0.question.text, png: $0.png, maximumTokens: $0.maximumTokens,
                    temperature: settings.temperature, seed: UInt32(truncatingIfNeeded: generator.next()))
            }
            let policy = try await side.policy()
            policies.append(policy)
            let answers = try await side.answers(of: policy, to: prompts, concurrency: settings.concurrency) {
                done, total in
                progress(number * total + done, sides.count * total)
            }
            judged.append(
                zip(samples, answers).map { JudgedAnswer(sample: $0, answer: $1.text, ended: $1.ended) })
        }
        return [
            WinRateReport(settings, (policies[0], judged[0]), against: (policies[1], judged[1])),
            WinRateReport(settings, (policies[2], judged[2]), against: (policies[1], judged[1])),
        ]
    }
}
