import Engine
import HummingbirdTesting
import Serving
import Testing

@Suite struct ConnectionTests {
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}],"stream":true}"#
    private let whole = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#

    /// A disconnect in the middle of a stream is detected without another frame being written.
    @Test(.timeLimit(.minutes(1))) func closingMidStreamCancels() async throws {
        let engine = ScriptedEngine { _, events in
            events.yield(.started)
            events.yield(.text(TextDelta(text: "A", tokens: [GeneratedToken(id: 1)])))
        }
        try await withServer(engine) { client in
            let port = try #require(client.port)
            try await withSocket(port: port, post: "/v1/chat/completions", chat) { inbound in
                try await read("\"content\":\"A\"", from: &inbound)
            }
            var cancellations = engine.cancellations.makeAsyncIterator()
            await cancellations.next()
        }
    }

    /// A disconnect while the request waits is detected too, streamed or not.
    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func closingInTheQueueCancels(_ isStreaming: Bool) async throws {
        let engine = ScriptedEngine { _, _ in }
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let body = isStreaming ? chat : whole
            try await withSocket(port: port, post: "/v1/chat/completions", body) { _ in
                var submissions = engine.submissions.makeAsyncIterator()
                _ = await submissions.next()
            }
            var cancellations = engine.cancellations.makeAsyncIterator()
            await cancellations.next()
        }
    }

    /// A client that asks for permission before it sends a large body gets it at once.
    @Test(.timeLimit(.minutes(1))) func bodiesAreInvited() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A"]))) { client in
            let port = try #require(client.port)
            let head = ["Expect: 100-continue"]
            try await withSocket(port: port, post: "/v1/chat/completions", headers: head, whole) { inbound in
                try await read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", from: &inbound)
            }
        }
    }

    /// A silent stream gets keep-alive comments, and is still answered.
    @Test(.timeLimit(.minutes(1))) func silenceIsKeptAlive() async throws {
        let engine = ScriptedEngine { _, events in events.yield(.started) }
        try await withServer(engine, configure: { $0.keepAlive = .milliseconds(5) }) { client in
            let port = try #require(client.port)
            try await withSocket(port: port, post: "/v1/chat/completions", chat) { inbound in
                try await read(": keep-alive\n\n", from: &inbound)
                var submissions = engine.submissions.makeAsyncIterator()
                let events = try #require(await submissions.next())
                events.yield(.finished(Completion(reason: .endToken, tokens: [], generatedTokens: 1)))
                events.finish()
                try await read("data: [DONE]\n\n", from: &inbound)
            }
        }
    }
}
