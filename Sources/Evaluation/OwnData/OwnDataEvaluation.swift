public import Datasets
import Foundation
import Images
import Support
import Tokenizers

/// The reply of `/v1/chat/completions`.
struct ChatReply: Decodable, Sendable {
    struct Choice: Decodable, Sendable {
        struct Message: Decodable, Sendable { let content: String }
        let message: Message
        let finishReason: String

        enum CodingKeys: String, CodingKey {
            case message
            case finishReason = "finish_reason"
        }
    }

    let choices: [Choice]
}

/// A user's own question as `/v1/chat/completions` takes it.
struct OwnQuestionBody: Encodable {
    let model: String
    let messages: JSON
    let maximumTokens: Int
    var temperature = 0.0
    var seed: UInt32?
    let stream = false

    /// - Parameter images: the data URL that is shown for each image, by its digest.
    init(_ example: OwnExample, to model: String, images: [String: String], maximumTokens: Int) {
        self.model = model
        self.maximumTokens = maximumTokens
        messages = .array(
            example.messages.map { message in
                let parts = message.content.map { part -> JSON in
                    switch part {
                    case .text(let text): ["type": "text", "text": .string(text)]
                    case .image(let number):
                        [
                            "type": "image_url",
                            "image_url": ["url": .string(images[example.images[number].digest] ?? "")],
                        ]
                    }
                }
                return ["role": .string(message.role.rawValue), "content": .array(parts)]
            })
    }

    /// An image as a data URL.
    static func dataURL(_ image: OwnImage) throws -> String {
        let type = image.format.rawValue
        return "data:image/\(type);base64," + Data(try image.bytes()).base64EncodedString()
    }

    enum CodingKeys: String, CodingKey {
        case model, messages, temperature, seed, stream
        case maximumTokens = "max_tokens"
    }
}

/// Puts a user's own questions to a running server, greedily, and judges the answers by a rule.
///
/// A question is asked as the data have it: with its earlier turns and with its images in their places.
public struct OwnDataEvaluation: Sendable {
    /// How questions are asked and judged.
    public struct Settings: Sendable {
        /// When an answer is right.
        public var rule: AnswerRule
        /// The policy that is asked; nil for the server's default.
        public var model: String?
        /// Upper bound on the tokens of an answer.
        public var maximumTokens = 256
        /// Decides which images are swapped.
        public var seed: UInt64 = 0
        /// Questions that are open at the same time.
        public var concurrency = 16

        /// Questions to the default policy.
        public init(rule: AnswerRule) { self.rule = rule }
    }

    private let examples: [OwnExample]
    private let ask: AskClient
    private let settings: Settings

    /// An evaluation of examples, all of which must have answers.
    ///
    /// - Parameter server: its address, as `http://127.0.0.1:8080`.
    /// - Throws: `OwnDataError.badLines` if the rule cannot compare an expected answer, `EvaluationError.badAddress`.
    public init(_ examples: [OwnExample], client: any ReplyClient, server: String, settings: Settings) throws {
        try self.init(
            examples, client: client, server: server, settings: settings, wait: { try await Task.sleep(for: $0) })
    }

    /// The same with another way to wait for a busy server.
    package init(
        _ examples: [OwnExample], client: any ReplyClient, server: String, settings: Settings,
        wait: @escaping @Sendable (Duration) async throws -> Void
    ) throws {
        precondition(examples.allSatisfy { $0.answer != nil } && settings.concurrency > 0)
        try settings.rule.check(examples)
        self.examples = examples
        self.settings = settings
        ask = try AskClient(client: client, server: server, model: settings.model, wait: wait)
    }

    /// Asks every question once and reports the right answers.
    ///
    /// - Parameter progress: receives the number of answers so far and their total.
    /// - Throws: `EvaluationError` or the client's error; there is no partial report.
    public func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws -> OwnDataReport {
        let clock = ContinuousClock()
        let began = clock.now
        let policy = try await ask.policy()
        let shown = try images(shownUnder: control)
        let (ask, url) = (ask, ask.server + "/v1/chat/completions")
        let limit = settings.maximumTokens
        let answers = try await AskClient.results(
            of: examples, concurrency: settings.concurrency, progress: progress
        ) { example in
            let body = OwnQuestionBody(example, to: policy.name, images: shown, maximumTokens: limit)
            let reply: ChatReply = try await ask.post(body, to: url)
            guard let choice = reply.choices.first else {
                throw EvaluationError.malformed(url: url, reason: "expected one choice", body: "none")
            }
            return choice
        }
        let after = try await ask.policy()
        guard after.generation == policy.generation else {
            throw EvaluationError.otherGeneration(
                url: url, policy: policy.name, expected: policy.generation, found: after.generation)
        }
        return report(answers, of: policy, control, seconds: (clock.now - began) / .seconds(1))
    }

    private func report(
        _ answers: [ChatReply.Choice], of policy: EvaluatedPolicy, _ control: ImageControl, seconds: Double
    ) -> OwnDataReport {
        let results = zip(examples, answers).map { example, answer in
            (example, answer, settings.rule.accepts(answer.message.content, for: example.answer ?? ""))
        }
        let mistakes = results.filter { !$0.2 }.map { example, answer, _ in
            OwnDataReport.Mistake(
                source: example.source.description, question: example.question, expected: example.answer ?? "",
                found: answer.message.content)
        }
        return OwnDataReport(
            policy: policy, control: control, seed: settings.seed, rule: settings.rule,
            right: Proportion(results.count { $0.2 }, of: results.count),
            questionOnly: Proportion(questionOnly().count { $0 }, of: results.count),
            cut: answers.count { $0.finishReason != "stop" }, seconds: seconds, mistakes: mistakes,
            answers: answers.map(\.message.content))
    }

    // MARK: Controls

    /// The data URL that is shown for each image, by its digest.
    private func images(shownUnder control: ImageControl) throws -> [String: String] {
        var images: [String: OwnImage] = [:]
        for image in examples.flatMap(\.images) { images[image.digest] = image }
        switch control {
        case .none: return try images.mapValues { try OwnQuestionBody.dataURL($0) }
        case .blank:
            return images.mapValues { AskClient.dataURL(ControlImages.blank(width: $0.width, height: $0.height)) }
        case .swapped:
            let next = ControlImages.circle(of: images.keys.sorted(), seed: settings.seed)
            return try next.compactMapValues { try images[$0].map { try OwnQuestionBody.dataURL($0) } }
        }
    }

    /// Whether a guess by the question alone is right: the most frequent answer to the same question, or for a question
    /// that stands alone the most frequent answer of all. Of equally frequent answers it is the first in the alphabet.
    ///
    /// The example itself counts too. Without it each of two equally frequent answers would be the rarer one, and the
    /// guess always wrong.
    func questionOnly() -> [Bool] {
        var byQuestion: [String: [String: Int]] = [:]
        var all: [String: Int] = [:]
        for example in examples {
            guard let answer = example.answer else { continue }
            byQuestion[example.question, default: [:]][answer, default: 0] += 1
            all[answer, default: 0] += 1
        }
        func commonest(_ counts: [String: Int]) -> String {
            counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? ""
        }
        let anyGuess = commonest(all)
        let guesses = byQuestion.mapValues { $0.values.reduce(0, +) > 1 ? commonest($0) : anyGuess }
        return examples.map { example in
            guard let answer = example.answer, let guess = guesses[example.question] else { return false }
            return settings.rule.accepts(guess, for: answer)
        }
    }
}

/// A server's results on a user's own questions.
public struct OwnDataReport: Codable, Sendable, Equatable {
    /// A wrong answer.
    public struct Mistake: Codable, Sendable, Equatable {
        /// The file and line of the example.
        public let source: String
        /// The question.
        public let question: String
        /// The demonstrated answer.
        public let expected: String
        /// The server's answer.
        public let found: String
    }

    /// The policy that answered.
    public let policy: EvaluatedPolicy
    /// The control that was applied to the images.
    public let control: ImageControl
    /// The seed that decided the swaps of images.
    public let seed: UInt64
    /// When an answer is right.
    public let rule: AnswerRule
    /// Right answers.
    public let right: Proportion
    /// Right answers of a guess by the question alone.
    public let questionOnly: Proportion
    /// Answers that the limit of tokens cut.
    public let cut: Int
    /// From the first question to the last answer.
    public let seconds: Double
    /// The wrong answers, in the order of the data.
    public let mistakes: [Mistake]
    /// All answers, in the order of the data.
    public let answers: [String]

    /// A table of several reports, one row each.
    public static func table(_ reports: [OwnDataReport]) -> String {
        let header = ["picture", "policy", "rule", "right", "", "(95 %)", "by question", "cut", "seconds"]
        let rows = reports.map { report in
            [
                report.control.words, "\(report.policy.name) \(report.policy.generation)", report.rule.kind.rawValue,
                "\(report.right.count) of \(report.right.total)", report.right.percent, report.right.percentInterval,
                report.questionOnly.percent, "\(report.cut)", String(format: "%.1f", report.seconds),
            ]
        }
        return TextTable.text([header] + rows)
    }
}
