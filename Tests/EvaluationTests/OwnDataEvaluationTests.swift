import Datasets
import Evaluation
import Foundation
import Images
import Support
import Synchronization
import TestSupport
import Testing

/// Rules, controls and reports on a user's own questions.
@Suite struct OwnDataEvaluationTests {
    // MARK: Rules

    @Test(arguments: [
        (AnswerRule(.exact), "A  cat.\n", "A cat.", true), (AnswerRule(.exact), "a cat.", "A cat.", false),
        (AnswerRule(.exact), "A cat", "A cat.", false), (AnswerRule(.exact), "e\u{301}", "\u{E9}", true),
        (AnswerRule(.contains), "I see a Cat here", "cat", true), (AnswerRule(.contains), "concatenate", "cat", false),
        (AnswerRule(.contains), "red big car", "red car", false),
        (AnswerRule(.contains), "a RED, car", "red car", true),
        (AnswerRule(.number), "about 1,234.5 g", "1234.5", true), (AnswerRule(.number), "-3", "3", false),
        (AnswerRule(.number), "12 or 13", "13", false), (AnswerRule(.number), "none", "0", false),
        (AnswerRule(.number, tolerance: .absolute(0.5)), "10.4", "10", true),
        (AnswerRule(.number, tolerance: .absolute(0.5)), "10.6", "10", false),
        (AnswerRule(.number, tolerance: .relative(0.05)), "-104", "-100", true),
        (AnswerRule(.number, tolerance: .relative(0.05)), "94", "100", false),
        (AnswerRule(.json), #"{"b":[1,"x"],"a":2.0}"#, #"{"a":2,"b":[1,"x"]}"#, true),
        (AnswerRule(.json), #"{"a":2}"#, #"{"a":2,"b":1}"#, false),
        (AnswerRule(.json), #"{"a":2,"b":1,"c":0}"#, #"{"a":2,"b":1}"#, false),
        (AnswerRule(.json), #"{"a":"2"}"#, #"{"a":2}"#, false), (AnswerRule(.json), "a: 2", #"{"a":2}"#, false),
        (AnswerRule(.json, tolerance: .absolute(1)), #"{"a":3}"#, #"{"a":2}"#, true),
    ])
    func aRuleDecides(_ rule: AnswerRule, _ answer: String, _ expected: String, _ isRight: Bool) {
        #expect(rule.accepts(answer, for: expected) == isRight)
    }

    // MARK: Questions

    /// A server for `/v1/chat/completions` whose answers a script gives.
    private final class ChatServer: ReplyClient {
        struct Request: Decodable, Sendable {
            struct Message: Decodable, Sendable {
                struct Part: Decodable, Sendable {
                    struct URL: Decodable, Sendable { let url: String }
                    let type: String
                    let text: String?
                    let image_url: URL?
                }
                let role: String
                let content: [Part]
            }
            let model: String
            let messages: [Message]
            let temperature: Double
            let max_tokens: Int

            var image: String { messages.flatMap(\.content).compactMap(\.image_url?.url).joined(separator: " ") }
        }

        let requests = Mutex<[Request]>([])
        private let script: @Sendable (Request) -> String
        private let generations = Mutex(1)
        private let changes: Bool

        init(changes: Bool = false, _ script: @escaping @Sendable (Request) -> String) {
            self.changes = changes
            self.script = script
        }

        func post(_ json: [UInt8], to url: String) async throws -> Reply {
            #expect(url.hasSuffix("/v1/chat/completions"))
            let request = try JSONDecoder().decode(Request.self, from: Data(json))
            requests.withLock { $0.append(request) }
            if changes { generations.withLock { $0 = 2 } }
            let body: JSON = [
                "choices": [["message": ["content": .string(script(request))], "finish_reason": "stop"]]
            ]
            return Reply(status: 200, body: Array(body.text.utf8))
        }

        func get(_ url: String) async throws -> Reply {
            let body: JSON = ["id": "mine", "generation": .integer(Int64(generations.withLock { $0 }))]
            return Reply(status: 200, body: Array(body.text.utf8))
        }
    }

    private func examples(_ rows: [String], in folder: URL) throws -> [OwnExample] {
        for index in 0..<rows.count {
            let image = RGBImage(width: 3, height: 2, red: UInt8(index), green: 0, blue: 0)
            try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
        }
        let file = folder.appending(path: "data.csv")
        try Data(("image,question,answer\n" + rows.joined(separator: "\n")).utf8).write(to: file)
        return try OwnData.examples(at: file.path)
    }

    private func evaluation(
        _ examples: [OwnExample], _ server: ChatServer, rule: AnswerRule = AnswerRule(.exact)
    ) throws -> OwnDataEvaluation {
        var settings = OwnDataEvaluation.Settings(rule: rule)
        settings.model = "mine"
        return try OwnDataEvaluation(examples, client: server, server: "http://x:1", settings: settings) { _ in }
    }

    @Test func aSeeingServerFailsTheControlsAndABlindOneDoesNot() async throws {
        try await withTemporaryFolder { folder in
            let rows = (0..<6).map { "\($0).png,what is it,\($0 % 2 == 0 ? "even" : "odd")" }
            let examples = try examples(rows, in: folder)
            let answers = Dictionary(
                uniqueKeysWithValues: try examples.map { example in
                    let png = try example.images[0].bytes()
                    return ("data:image/png;base64," + Data(png).base64EncodedString(), example.answer ?? "")
                })
            let seeing = ChatServer { answers[$0.image] ?? "nothing" }
            let own = try await evaluation(examples, seeing).run(.none)
            #expect(own.right == Proportion(6, of: 6) && own.mistakes.isEmpty && own.policy.name == "mine")
            #expect(own.questionOnly.count == 3, "of two answers that are equally frequent one is right")
            let blank = try await evaluation(examples, seeing).run(.blank)
            #expect(blank.right.count == 0 && blank.mistakes.count == 6)
            #expect(blank.mistakes[0].source.hasSuffix("data.csv:2") && blank.mistakes[0].found == "nothing")
            let shown = seeing.requests.withLock { $0 }
            #expect(shown.allSatisfy { $0.temperature == 0 && $0.model == "mine" && $0.max_tokens == 256 })
            #expect(Set(shown.suffix(6).map(\.image)).count == 1)

            let swapped = ChatServer { _ in "odd" }
            let report = try await evaluation(examples, swapped).run(.swapped)
            #expect(report.right.count == 3)
            #expect(Set(swapped.requests.withLock { $0.map(\.image) }) == Set(answers.keys))
        }
    }

    @Test func theTableHasARowForEachControl() async throws {
        try await withTemporaryFolder { folder in
            let examples = try examples(["0.png,a,b", "1.png,a,b", "2.png,a,c"], in: folder)
            let report = try await evaluation(examples, ChatServer { _ in "b" }).run(.none)
            #expect(report.questionOnly.count == 2)
            let alone = try self.examples(["0.png,a,x", "1.png,b,y", "2.png,c,y", "3.png,d,z"], in: folder)
            #expect(try await evaluation(alone, ChatServer { _ in "b" }).run(.none).questionOnly.count == 2)
            let table = OwnDataReport.table([report, report])
            #expect(table.split(separator: "\n").count == 3 && table.contains("2 of 3") && table.contains("66.67 %"))
        }
    }

    @Test func anAnswerThatTheRuleCannotCompareIsNamed() throws {
        try withTemporaryFolder { folder in
            let examples = try examples(["0.png,a,12", "1.png,a,many"], in: folder)
            #expect {
                _ = try evaluation(examples, ChatServer { _ in "" }, rule: AnswerRule(.number))
            } throws: { "\($0)".contains("data.csv:3: the answer has no number") }
        }
    }

    @Test func anotherGenerationDuringTheEvaluationIsAnError() async throws {
        try await withTemporaryFolder { folder in
            let examples = try examples(["0.png,a,b"], in: folder)
            await #expect(throws: EvaluationError.self) {
                _ = try await evaluation(examples, ChatServer(changes: true) { _ in "b" }).run(.none)
            }
        }
    }
}
