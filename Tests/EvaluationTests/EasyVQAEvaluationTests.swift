import Datasets
import Evaluation
import Foundation
import Images
import Synchronization
import Testing

@Suite struct EasyVQAEvaluationTests {
    /// Images 0 to 6, each with an open question and a yes/no question that no other image has.
    private let questions: [EasyVQAQuestion]
    private let images: [Int: [UInt8]]
    private let answers: [String: String]

    init() throws {
        var questions: [EasyVQAQuestion] = []
        let colours: [EasyVQAQuestion.Answer] = [.red, .green, .gray, .teal, .black, .yellow, .blue]
        for (image, colour) in colours.enumerated() {
            let open = EasyVQAQuestion(text: "what is the \(colour.rawValue) shape?", answer: .circle, image: image)
            let closed = EasyVQAQuestion(
                text: "is there a \(colour.rawValue) shape?", answer: image < 3 ? .yes : .no, image: image)
            questions += [try #require(open), try #require(closed)]
        }
        self.questions = questions
        answers = Dictionary(uniqueKeysWithValues: questions.map { ($0.text, $0.answer.rawValue) })
        images = Dictionary(uniqueKeysWithValues: (0..<7).map { ($0, [UInt8]("picture \($0)".utf8)) })
    }

    private func evaluation(
        _ client: ScriptedClient, server: String = "http://localhost:1/", waits: Waits = Waits(),
        change: (inout EasyVQAEvaluation.Settings) -> Void = { _ in }
    ) throws -> EasyVQAEvaluation {
        var settings = EasyVQAEvaluation.Settings()
        settings.concurrency = 3
        change(&settings)
        return try EasyVQAEvaluation(
            questions: questions, images: images, client: client, server: server, settings: settings,
            wait: { waits.add($0) })
    }

    @Test func countsRightAnswersByKind() async throws {
        let client = ScriptedClient(gathering: 3) { [answers] request, _ in
            switch request.question {
            case "what is the red shape?": try .answer("triangle")
            case "what is the teal shape?": try .answer("a circle")
            case "is there a red shape?": try .answer("Yes")
            default: try .answer(" \(answers[request.question] ?? "")\n")
            }
        }
        let report = try await evaluation(client) { $0.model = "ppo" }.run(.none)
        #expect(report.policy == .scripted("ppo"))
        #expect(report.overall == Proportion(11, of: 14))
        #expect(report.open == Proportion(5, of: 7))
        #expect(report.yesNo == Proportion(6, of: 7))
        #expect(report.mistakes.map(\.found) == ["triangle", "Yes", "a circle"])
        #expect(report.mistakes.map(\.expected) == ["circle", "yes", "circle"])
        #expect(client.urls == ["http://localhost:1/v1/ask"])
        #expect(client.requests.allSatisfy { $0.model == "ppo" && !$0.stream && $0.max_tokens == 8 })
        #expect(client.maximumOpen == 3)
        let shown = Dictionary(uniqueKeysWithValues: client.requests.map { ($0.question, $0.image) })
        #expect(questions.allSatisfy { shown[$0.text] == images[$0.image] })
        let table = EasyVQAReport.table([report])
        #expect(table.contains("78.57 %") && table.contains("85.71 %") && table.contains("71.43 %"), "\(table)")
    }

    @Test func waitsAsLongAsABusyServerSays() async throws {
        let waits = Waits()
        let client = ScriptedClient { [answers] request, earlier in
            earlier < 2
                ? Reply(status: 429, retryAfter: earlier + 1, body: [])
                : try .answer(answers[request.question] ?? "")
        }
        let report = try await evaluation(client, waits: waits).run(.none)
        #expect(report.overall == Proportion(14, of: 14))
        #expect(
            waits.all.sorted() == [Duration](repeating: .seconds(1), count: 14)
                + .init(repeating: .seconds(2), count: 14))
    }

    @Test func givesUpOnAServerThatStaysBusy() async throws {
        let client = ScriptedClient { _, _ in Reply(status: 429, retryAfter: 0, body: []) }
        await #expect(throws: EvaluationError.busy(url: "http://localhost:1/v1/ask", tries: 100)) {
            try await evaluation(client) { $0.concurrency = 1 }.run(.none)
        }
    }

    @Test(arguments: [429, 400, 401, 500, 503])
    func endsWhenAQuestionIsRefused(status: Int) async throws {
        // Only a busy server is asked again, and only if it says when.
        let client = ScriptedClient { _, _ in
            Reply(status: status, retryAfter: status == 429 ? nil : 1, body: [UInt8]("no".utf8))
        }
        let url = "http://localhost:1/v1/ask"
        await #expect(throws: EvaluationError.refused(url: url, status: status, body: "no")) {
            try await evaluation(client).run(.none)
        }
        #expect(client.requests.count <= 3)
    }

    @Test(arguments: ["", "red", "{\"answer\":7}", "{\"answer\":\"red\"}", "{\"answers\":\"red\"}", "[\"red\"]"])
    func endsAtAReplyThatIsNoAnswer(body: String) async throws {
        let client = ScriptedClient { _, _ in Reply(status: 200, body: [UInt8](body.utf8)) }
        let error = await #expect(throws: EvaluationError.self) { try await evaluation(client).run(.none) }
        guard case .malformed(_, _, body) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["", "localhost:8080", "ftp://localhost", "http://", "http:/x"])
    func refusesAnAddressThatIsNone(server: String) {
        let client = ScriptedClient { _, _ in try .answer("yes") }
        #expect(throws: EvaluationError.badAddress(server)) { try evaluation(client, server: server) }
    }

    @Test func saysWhichServerDoesNotAnswer() async throws {
        let client = ScriptedClient { _, _ in throw POSIXError(.ECONNREFUSED) }
        let error = await #expect(throws: EvaluationError.self) { try await evaluation(client).run(.none) }
        #expect(error?.description.contains("http://localhost:1/v1/ask does not answer") == true)
    }

    @Test func namesTheDefaultPolicy() async throws {
        let client = ScriptedClient { _, _ in try .answer("yes") }
        #expect(try await evaluation(client).run(.none).policy == .scripted("sft"))
    }

    /// Metrics over two generations would describe neither.
    @Test func endsWhenThePolicyChangesMeanwhile() async throws {
        let client = ScriptedClient { [answers] request, _ in
            try .answer(answers[request.question] ?? "", generation: request.question.contains("blue") ? 2 : 1)
        }
        let expected = EvaluationError.otherGeneration(
            url: "http://localhost:1/v1/ask", policy: "sft", expected: 1, found: 2)
        await #expect(throws: expected) { try await evaluation(client).run(.none) }
    }

    @Test func showsABlankImage() async throws {
        let client = ScriptedClient { _, _ in try .answer("yes") }
        let report = try await evaluation(client).run(.blank)
        #expect(report.overall == Proportion(3, of: 14) && report.control == .blank)
        let shown = Set(client.requests.map(\.image))
        #expect(shown.count == 1)
        let blank = try ImageFile.decode(try #require(shown.first)).rgb
        #expect(blank.width == 64 && blank.height == 64 && Set(blank.pixels).count == 1)
    }

    @Test func neverShowsAQuestionsOwnImageWhenSwapped() async throws {
        var orders: Set<[[UInt8]]> = []
        for seed in 0..<20 {
            let client = ScriptedClient { _, _ in try .answer("yes") }
            _ = try await evaluation(client) { $0.seed = UInt64(seed) }.run(.swapped)
            let shown = Dictionary(client.requests.map { ($0.question, $0.image) }, uniquingKeysWith: { $1 })
            #expect(questions.allSatisfy { shown[$0.text] != images[$0.image] })
            #expect(Set(shown.values) == Set(images.values), "every picture is shown to some question")
            orders.insert(questions.map { shown[$0.text] ?? [] })
        }
        #expect(orders.count > 10)
    }

    @Test func drawsTheSameQuestionsFromTheSameSeed() async throws {
        var draws: [[String]] = []
        for seed in [1, 1, 2] {
            let client = ScriptedClient { _, _ in try .answer("no") }
            let limited = try evaluation(client) { ($0.seed, $0.limit) = (UInt64(seed), 5) }
            #expect(try await limited.run(.none).overall.total == 5)
            draws.append(client.requests.map(\.question).sorted())
        }
        #expect(draws[0] == draws[1] && draws[0] != draws[2])
        #expect(Set(draws[0]).count == 5)
    }
}

/// Records how long a client was told to wait, without waiting.
final class Waits: Sendable {
    private let durations = Mutex<[Duration]>([])

    var all: [Duration] { durations.withLock { $0 } }

    func add(_ duration: Duration) {
        durations.withLock { $0.append(duration) }
    }
}
