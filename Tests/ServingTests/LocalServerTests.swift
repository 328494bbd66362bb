import Serving
import Testing

@Suite struct LocalServerTests {
    private struct Failure: Error {}

    private let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))

    @Test(.timeLimit(.minutes(1))) func answersWhileTheBodyRuns() async throws {
        let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}],"stream":true}"#
        let answer = try await withLocalServer(try servedModel(engine), logger: silent) { address in
            #expect(address.hasPrefix("http://127.0.0.1:"))
            let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
            return try await withSocket(port: port, post: "/v1/chat/completions", chat) { inbound in
                try await read("[DONE]", from: &inbound)
            }
        }
        #expect(answer.contains("\"content\":\"A\""))
    }

    @Test(.timeLimit(.minutes(1))) func endsWithTheBodysError() async throws {
        await #expect(throws: Failure.self) {
            try await withLocalServer(try servedModel(engine), logger: silent) { _ in throw Failure() }
        }
    }
}
