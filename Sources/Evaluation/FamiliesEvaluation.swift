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

    private let ask: AskClient
    private let settings: Settings
    private let samples: [FamilySample]
    private let questionOnly: [Family: QuestionOnlyBaseline]

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
        ask = try AskClient(client: client, server: server, model: settings.model, wait: wait)
        self.settings = settings
        self.samples = samples
        questionOnly = training
    }

    /// Asks every question once and reports the judge's verdicts.
    ///
    /// - Parameter progress: receives the number of answers so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> FamiliesReport {
        let clock = ContinuousClock()
        let began = clock.now
        let prompts = zip(samples, images(shownUnder: control)).map { sample, png in
            AskClient.Prompt(
                question: sample.question.text, png: png, maximumTokens: sample.maximumTokens, temperature: 0)
        }
        let policy = try await ask.policy()
        let answers = try await ask.answers(
            of: policy, to: prompts, concurrency: settings.concurrency, progress: progress)
        let judged = zip(samples, answers).map { sample, answer in
            JudgedAnswer(sample: sample, answer: answer.text, ended: answer.ended)
        }
        return FamiliesReport(
            judged, questionOnly: samples.map { isRightBlindly($0) }, policy: policy, control: control,
            seed: settings.seed, seconds: (clock.now - began) / .seconds(1))
    }

    /// The PNG that is shown with each sample.
    private func images(shownUnder control: ImageControl) -> [[UInt8]] {
        switch control {
        case .none: return samples.map(\.png)
        case .blank:
            let blank = ControlImages.blank(side: ShapeScene.side)
            return samples.map { _ in blank }
        case .swapped:
            // Swapped within a family: an image of another family would be recognised as wrong.
            var next: [Int: Int] = [:]
            for family in Family.allCases {
                let own = samples.indices.filter { samples[$0].question.family == family }
                next.merge(ControlImages.circle(of: own, seed: settings.seed)) { first, _ in first }
            }
            return samples.indices.map { samples[next[$0] ?? $0].png }
        }
    }

    private func isRightBlindly(_ sample: FamilySample) -> Bool {
        guard let answer = questionOnly[sample.question.family]?.answer(to: sample.question) else { return false }
        return JudgedAnswer(sample: sample, answer: answer, ended: true).verdict.correctness == .right
    }
}

/// An answer with its verdict.
struct JudgedAnswer {
    let sample: FamilySample
    let answer: String
    let verdict: Verdict

    init(sample: FamilySample, answer: String, ended: Bool) {
        self.sample = sample
        self.answer = answer
        verdict = GoldJudge.verdict(on: answer, to: sample.question, about: sample.objects, ended: ended)
    }
}
