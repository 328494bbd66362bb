import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Serving
import Testing

@Suite struct AskTests {
    private let question = #"{"question":"What?","system":"Be brief."}"#

    @Test func streamsEvents() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))) { client in
            let frames = try await client.post("/v1/ask", question).frames
            #expect(frames.count == 4)
            #expect(frames[0].hasPrefix("event: start\ndata: {\"id\":\"ask_"))
            #expect(frames[1] == "event: text\ndata: {\"text\":\"A \"}")
            #expect(frames[3].hasPrefix("event: done\ndata: {\"finish_reason\":\"stop\",\"usage\":{"))
        }
    }

    @Test func failuresAreEvents() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.failing(after: [], .deadlineExceeded))) { client in
            let frames = try await client.post("/v1/ask", question).frames
            #expect(frames.last?.hasPrefix("event: error\ndata: {\"error\":{") == true)
            #expect(frames.last?.contains("generation_timeout") == true)
        }
    }

    @Test func sendsBareText() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))) { client in
            let response = try await client.post("/v1/ask", question, headers: [.accept: "text/plain"])
            #expect(response.text == "A red\n")
            #expect(response.trailerHeaders?[.finishReason] == "stop")
        }
    }

    @Test func answersWhole() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))) { client in
            let response = try await client.post("/v1/ask", question, headers: [.accept: "application/json"])
            #expect(response.text.contains(#""object":"answer""#))
            #expect(response.text.contains(#""generation":3,"answer":"A red","finish_reason":"stop""#))
            #expect(response.text.contains(#""queue_ms":0.0"#))
        }
    }

    @Test func takesForms() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["ok"]))
        try await withServer(engine) { client in
            let form = [
                "--B", "Content-Disposition: form-data; name=\"question\"", "", "What?", "--B",
                "Content-Disposition: form-data; name=\"max_tokens\"", "", "7", "--B--", "",
            ].joined(separator: "\r\n")
            let response = try await client.execute(
                uri: "/v1/ask", method: .post, headers: [.contentType: "multipart/form-data; boundary=B"],
                body: ByteBuffer(string: form))
            #expect(response.frames.count == 3)
        }
        #expect(engine.requests.first?.stop.maximumTokens == 7)
    }
}
