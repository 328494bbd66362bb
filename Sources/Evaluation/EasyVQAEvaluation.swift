public import Datasets
import Foundation
import Support

/// Puts easy-VQA's test questions to a running server and counts the right answers.
///
/// An answer is right if it is exactly the official word, without surrounding white space. The controls show how much
/// of the accuracy comes from seeing: a model that only reads the questions does equally well with them.
public struct EasyVQAEvaluation: Sendable {
    /// How questions are asked.
    public struct Settings: Sendable {
        /// The policy that is asked; nil for the server's default.
        public var model: String?
        /// The number of questions, drawn at random; nil for all.
        public var limit: Int?
        /// Decides the draw and which images are swapped.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// All questions to the default policy.
        public init() {}
    }

    /// Official answers are one word.
    private static let maximumTokens = 8

    private let ask: AskClient
    private let settings: Settings
    private let questions: [EasyVQAQuestion]
    private let images: [Int: [UInt8]]

    /// An evaluation of the official test split.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `EvaluationError.badAddress`, or Foundation's error if an image's file cannot be read.
    public init(_ data: EasyVQA, client: any ReplyClient, server: String, settings: Settings) throws {
        var images: [Int: [UInt8]] = [:]
        for number in Set(data.test.map(\.image)) {
            images[number] = [UInt8](try Data(contentsOf: data.imageURL(number, of: .test)))
        }
        try self.init(
            questions: data.test, images: images, client: client, server: server, settings: settings,
            wait: { try await Task.sleep(for: $0) })
    }

    /// An evaluation of any questions; `images` are PNG files' bytes by image number.
    package init(
        questions: [EasyVQAQuestion], images: [Int: [UInt8]], client: any ReplyClient, server: String,
        settings: Settings, wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws(EvaluationError) {
        precondition(settings.concurrency > 0 && settings.limit ?? 1 > 0)
        precondition(questions.allSatisfy { images[$0.image] != nil })
        self.ask = try AskClient(client: client, server: server, model: settings.model, wait: wait)
        self.settings = settings
        self.images = images
        var generator = SplitMix64(seed: settings.seed)
        self.questions = settings.limit.map { Array(generator.shuffled(questions).prefix($0)) } ?? questions
    }

    /// Asks every question once and reports the number of right answers.
    ///
    /// - Parameter progress: receives the number of answers so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> EasyVQAReport {
        let shown = images(shownUnder: control)
        let clock = ContinuousClock()
        let began = clock.now
        let prompts = questions.map {
            AskClient.Prompt(question: $0.text, png: shown[$0.image] ?? [], maximumTokens: Self.maximumTokens)
        }
        let policy = try await ask.policy()
        let answers = try await ask.answers(
            of: policy, to: prompts, concurrency: settings.concurrency, progress: progress
        ).map { $0.text.trimmingCharacters(in: .whitespacesAndNewlines) }
        return report(answers, of: policy, control, seconds: (clock.now - began) / .seconds(1))
    }

    /// The PNG that is shown with each image's questions.
    private func images(shownUnder control: ImageControl) -> [Int: [UInt8]] {
        switch control {
        case .none: return images
        case .blank:
            let blank = ControlImages.blank(side: EasyVQA.side)
            return images.mapValues { _ in blank }
        case .swapped:
            let next = ControlImages.circle(of: images.keys.sorted(), seed: settings.seed)
            return next.mapValues { images[$0] ?? [] }
        }
    }

    private func report(
        _ answers: [String], of policy: EvaluatedPolicy, _ control: ImageControl, seconds: Double
    ) -> EasyVQAReport {
        let results = zip(questions, answers).map { (question: $0, answer: $1, isRight: $0.answer.rawValue == $1) }
        func share(_ kinds: Set<EasyVQAQuestion.Kind>) -> Proportion {
            let some = results.filter { kinds.contains($0.question.kind) }
            return Proportion(some.count(where: \.isRight), of: some.count)
        }
        return EasyVQAReport(
            policy: policy, control: control, seed: settings.seed, overall: share([.yesNo, .open]),
            yesNo: share([.yesNo]),
            open: share([.open]), seconds: seconds,
            mistakes: results.filter { !$0.isRight }.map {
                .init(
                    question: $0.question.text, image: $0.question.image, expected: $0.question.answer.rawValue,
                    found: $0.answer)
            })
    }
}
