import Datasets
import Evaluation
import Foundation
import Images
import Support
import Synchronization
import TestSupport
import Testing

/// A reward model's preferences between two policies on a user's own questions.
@Suite struct OwnRewardEvaluationTests {
    /// A server with the policies `mine` and `sft`, whose answers a script gives, and a reward model that likes long
    /// answers.
    private final class Server: ReplyClient {
        struct Chat: Decodable, Sendable {
            let model: String
            let temperature: Double
            let seed: UInt32
        }

        struct Scoring: Decodable, Sendable {
            let question: String
            let images: [String]
            let answers: [String]
        }

        let chats = Mutex<[Chat]>([])
        let scorings = Mutex<[Scoring]>([])
        private let script: @Sendable (Chat) -> String

        init(_ script: @escaping @Sendable (Chat) -> String) { self.script = script }

        func post(_ json: [UInt8], to url: String) async throws -> Reply {
            let body: JSON
            if url.hasSuffix("/v1/reward") {
                let scoring = try JSONDecoder().decode(Scoring.self, from: Data(json))
                scorings.withLock { $0.append(scoring) }
                body = ["data": .array(scoring.answers.map { ["reward": JSON(Double($0.count))] })]
            } else {
                let chat = try JSONDecoder().decode(Chat.self, from: Data(json))
                chats.withLock { $0.append(chat) }
                body = ["choices": [["message": ["content": .string(script(chat))], "finish_reason": "stop"]]]
            }
            return Reply(status: 200, body: Array(body.text.utf8))
        }

        func get(_ url: String) async throws -> Reply {
            let name = url.split(separator: "/").last.map(String.init) ?? ""
            let body: JSON = ["id": .string(name), "generation": 1]
            return Reply(status: 200, body: Array(body.text.utf8))
        }
    }

    private func report(_ server: Server, rows: Int = 3, repetitions: Int = 2) async throws -> OwnRewardReport {
        try await withTemporaryFolder { folder in
            var table = "image,question,answer\n"
            for index in 0..<rows {
                let image = RGBImage(width: 3, height: 2, red: UInt8(index), green: 0, blue: 0)
                try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
                table += "\(index).png,what is it,a\n"
            }
            let file = folder.appending(path: "data.csv")
            try Data(table.utf8).write(to: file)
            // A question about nothing: the reward model reads an image.
            let more = folder.appending(path: "more.jsonl")
            try Data(#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"}]}"#.utf8)
                .write(to: more)
            var settings = OwnRewardEvaluation.Settings(model: "mine", against: "sft")
            settings.repetitions = repetitions
            let examples = try OwnData.examples(at: file.path) + OwnData.examples(at: more.path)
            return try await OwnRewardEvaluation(
                examples, client: server, server: "http://x:1", settings: settings, wait: { _ in }
            ).run()
        }
    }

    @Test func theLongerAnswerWinsAndEqualOnesTie() async throws {
        let better = Server { $0.model == "mine" ? "a longer answer" : "short" }
        let wins = try await report(better)
        #expect(
            wins.wins.wins == 6 && wins.wins.total == 6 && wins.policy.name == "mine" && wins.reference.name == "sft")
        let chats = better.chats.withLock { $0 }
        #expect(chats.count == 12 && chats.allSatisfy { $0.temperature == 1 } && Set(chats.map(\.seed)).count == 6)
        let scored = better.scorings.withLock { $0 }
        #expect(scored.allSatisfy { $0.question == "what is it" && $0.images.count == 1 && $0.answers.count == 2 })
        let worse = try await report(Server { $0.model == "mine" ? "a" : "bb" })
        #expect(worse.wins.losses == 6)
        let equal = Server { _ in "same" }
        #expect(try await report(equal).wins.ties == 6)
        #expect(equal.scorings.withLock { $0.isEmpty }, "equal answers need no score")
    }
}
