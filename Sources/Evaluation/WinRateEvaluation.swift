import Datasets
import Support

/// Lets policies of one server answer the same questions as a reference; the gold judge picks the better answers.
///
/// Questions ask for sentences and descriptions, because one-word answers mostly coincide. Both sides are sampled, each
/// answer with its own seed. As a control, the reference is compared with itself: a fair judge finds no winner.
///
/// Where a policy is sure of its answer, another policy can only say the same or lose. An option therefore restricts
/// the comparison to informative questions: those to which the judge gives different scores for several samples of the
/// reference. Other samples are used for the comparison itself.
public struct WinRateEvaluation: Sendable {
    /// The policies, questions and sampling.
    public struct Settings: Sendable {
        /// The policies whose wins are counted, each by itself.
        public var models: [String]
        /// The reference: the policy that they are compared with.
        public var against: String
        /// The number of questions, divided among the families that have any.
        public var count = 2_000
        /// Whether to ask only informative questions, up to `maximumWithDisagreement`.
        public var hasDisagreement = false
        /// The sampling temperature; reinforcement learning samples at 1.
        public var temperature = 1.0
        /// Decides which images of the test split are drawn, and the seeds of the answers.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// A comparison of each of several policies with a reference.
        public init(models: [String], against: String) {
            self.models = models
            self.against = against
        }
    }

    /// Upper bound on informative questions to search for in the test split.
    public static let maximumWithDisagreement = 2_000
    /// Samples per question that decide whether it is informative.
    private static let draws = 4
    /// Batches of the test split to search for informative questions, each of `count` questions.
    private static let batches = 15

    private let sides: [AskClient]
    /// The reference's place among `sides`.
    private var reference: Int { settings.models.count }
    private let settings: Settings
    /// The questions of a batch.
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
        precondition(!settings.models.isEmpty, "no policy")
        var sides: [AskClient] = []
        // The policies, the reference, and the reference again.
        for model in settings.models + [settings.against, settings.against] {
            sides.append(try AskClient(client: client, server: server, model: model, wait: wait))
        }
        self.sides = sides
        self.settings = settings
        self.samples = samples
    }

    /// Asks every question once per policy and twice of the reference, and reports win rates: each policy against the
    /// reference, then the reference against itself.
    ///
    /// - Parameter progress: receives the number of answers so far and their total; the search for questions comes
    ///   first.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> [WinRateReport] {
        var generator = SplitMix64(seed: settings.seed)
        var policies: [EvaluatedPolicy] = []
        for side in sides { policies.append(try await side.policy()) }
        let (samples, searched) =
            settings.hasDisagreement
            ? try await withDisagreement(policies[reference], &generator, progress: progress) : (samples(0), nil)
        var judged: [[JudgedAnswer<FamilySample>]] = []
        for number in sides.indices {
            let total = samples.count
            judged.append(
                try await answers(number, policies[number], to: samples, &generator) { done, _ in
                    progress(number * total + done, sides.count * total)
                })
        }
        let against = (policies[reference], judged[reference])
        return sides.indices.filter { $0 != reference }.map { number in
            WinRateReport(settings, searched, (policies[number], judged[number]), against: against)
        }
    }

    /// Up to `count` questions where the reference's samples disagree, and the number of questions searched.
    private func withDisagreement(
        _ policy: EvaluatedPolicy, _ generator: inout SplitMix64,
        progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> (samples: [FamilySample], searched: Int?) {
        var kept: [FamilySample] = []
        var searched = 0
        for batch in 0..<Self.batches where kept.count < settings.count {
            let some = samples(batch)
            let drawn = try await answers(
                reference, policy, to: some.flatMap { Array(repeating: $0, count: Self.draws) }, &generator,
                progress: progress)
            for (index, sample) in some.enumerated() where kept.count < settings.count {
                searched += 1
                let scores = drawn[index * Self.draws..<(index + 1) * Self.draws].map(\.verdict.score)
                if Set(scores).count > 1 { kept.append(sample) }
            }
        }
        return (kept, searched)
    }

    /// One answer of a side to each sample, each with its own seed.
    private func answers(
        _ side: Int, _ policy: EvaluatedPolicy, to samples: [FamilySample], _ generator: inout SplitMix64,
        progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> [JudgedAnswer<FamilySample>] {
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
