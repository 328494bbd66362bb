public import Datasets

/// Puts freshly generated questions of all families to a running server; the gold judge scores the answers.
///
/// Images are of the test split, answers greedy. The controls show how much of the accuracy comes from seeing: with a
/// blank or another image, accuracy should fall to what the questions alone give away.
public struct FamiliesEvaluation: Sendable {
    /// How questions are asked.
    public struct Settings: Sendable {
        /// The policy that is asked; nil for the server's default.
        public var model: String?
        /// Questions of each family, each about its own image; up to 5,000.
        public var count = 200
        /// The families that are asked about.
        public var families = Family.allCases
        /// Decides which images of the test split are drawn, and how they are swapped.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// All families to the default policy.
        public init() {}
    }

    /// Training images per family from which the question-only level is computed.
    private static let baselineImages = 2_000

    private let evaluation: GeneratedEvaluation<FamilySample>

    /// An evaluation of freshly drawn images.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`.
    public init(client: any ReplyClient, server: String, settings: Settings) throws(EvaluationError) {
        try self.init(
            samples: settings.families.flatMap {
                FamilySample.draw($0, count: settings.count, draw: settings.seed)
            },
            training: Dictionary(
                uniqueKeysWithValues: Set(settings.families).map {
                    ($0, QuestionOnlyBaseline($0, images: Self.baselineImages))
                }),
            client: client, server: server, settings: settings, wait: { try await Task.sleep(for: $0) })
    }

    /// An evaluation of any samples; the question-only level is computed from the questions `training`.
    package init(
        samples: [FamilySample], training: [FamilyQuestion], client: any ReplyClient, server: String,
        settings: Settings, wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        try self.init(
            samples: samples,
            training: Dictionary(grouping: training, by: \.family).mapValues { QuestionOnlyBaseline($0) },
            client: client, server: server, settings: settings, wait: wait)
    }

    private init(
        samples: [FamilySample], training: [Family: QuestionOnlyBaseline], client: any ReplyClient, server: String,
        settings: Settings, wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(settings.concurrency > 0)
        evaluation = GeneratedEvaluation(
            ask: try AskClient(client: client, server: server, model: settings.model, wait: wait), samples: samples,
            questionOnly: Dictionary(uniqueKeysWithValues: training.map { ($0.rawValue, $1) }), seed: settings.seed,
            concurrency: settings.concurrency)
    }

    /// Asks every question once and reports the judge's verdicts.
    ///
    /// - Parameter progress: receives the number of answers so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> FamiliesReport {
        FamiliesReport(try await evaluation.run(control, progress: progress))
    }
}
