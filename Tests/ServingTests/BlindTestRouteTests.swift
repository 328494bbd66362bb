import Datasets
import Feedback
import Foundation
import HTTPTypes
import HummingbirdTesting
import TestSupport
import Testing

/// `/v1/feedback/blind-test`: which of two policies people prefer.
@Suite struct BlindTestRouteTests {
    /// The reply.
    private struct Standing: Decodable {
        let object: String
        let wins: Int
        let ties: Int
        let losses: Int
        let interval: [Double]
        let preferred: String?
    }

    private func standing(_ response: TestResponse) throws -> Standing {
        try JSONDecoder().decode(Standing.self, from: Data(response.text.utf8))
    }

    @Test func whomPeoplePreferIsTold() async throws {
        try await withTemporaryFolder { url in
            let folder = try FeedbackFolder(path: url.path)
            for index in 0..<9 {
                let comparison = try folder.store.add(
                    NewComparison(
                        prompt: [FeedbackMessage(role: .user, parts: [.text("\(index)")])],
                        answers: ["sft@3", "ppo@2"].map {
                            (.init(text: $0, tokens: [1], policy: $0, finishReason: .stop), 7)
                        }, seed: 7, spread: 1, labeler: nil), images: folder.images, at: Date())
                let ids = comparison.candidates.map(\.id)
                _ = try folder.store.rank(
                    comparison.id, index == 0 ? [ids] : [[ids[1]], [ids[0]]], by: "ann", at: Date())
            }
            try await withServer(ScriptedEngine(ScriptedEngine.saying([])), feedback: folder) { client in
                func get(_ query: String) async throws -> TestResponse {
                    try await client.execute(uri: "/v1/feedback/blind-test" + query, method: .get)
                }
                let test = try standing(await get("?first=ppo&second=sft@3"))
                #expect(test.wins == 8 && test.ties == 1 && test.losses == 0 && test.interval.count == 2)
                #expect(test.object == "blind_test" && test.preferred == "ppo")
                let strict = try standing(await get("?first=sft&second=ppo&error=0.001"))
                #expect(strict.losses == 8 && strict.preferred == nil)
                let none = try standing(await get("?first=sft@4&second=ppo"))
                #expect(none.wins == 0 && none.preferred == nil)
                for (query, param) in [
                    ("", "first"), ("?first=sft", "second"), ("?first=sft&second=sft@3", "second"),
                    ("?first=&second=sft", "first"), ("?first=a&second=b&error=2", "error"),
                    ("?first=a&second=b&error=x", "error"), ("?first=sft@03&second=ppo", "first"),
                    ("?first=sft&second=%00", "second"), ("?first=sft&second=ppo@2@3", "second"),
                ] {
                    let refused = try await get(query)
                    #expect(refused.status == .badRequest && refused.text.contains(#""param":"\#(param)""#), "\(query)")
                }
            }
        }
    }
}
