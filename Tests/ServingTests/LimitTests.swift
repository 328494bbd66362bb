import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOPosix
import Serving
import Testing

/// Senders and readers that use more than their share.
@Suite struct LimitTests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["x"]))
    private let head = "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    private func expect(_ response: String, _ status: String, _ code: String) {
        #expect(response.hasPrefix("HTTP/1.1 \(status)"), "\(response)")
        #expect(response.contains("\"code\":\"\(code)\""), "\(response)")
        #expect(response.lowercased().contains("connection: close\r\n"))
        #expect(response.contains("x-request-id: req_"))
        #expect(response.components(separatedBy: "HTTP/1.1 ").count == 2)
    }

    @Test(.timeLimit(.minutes(1))) func slowHeadersAreNotWaitedFor() async throws {
        try await withServer(engine, configure: { $0.headerLimit = .milliseconds(20) }) { client in
            let port = try #require(client.port)
            expect(try await response(port: port, to: "GET /livez HTTP/1.1\r\nHo"), "408", "request_timeout")
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(metrics.contains("apus_http_responses_total{route=\"unmatched\",method=\"\",status=\"408\"} 1\n"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func largeHeadersAreRefused() async throws {
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let large =
                "GET /livez HTTP/1.1\r\nHost: localhost\r\nA: \(String(repeating: "a", count: 33 << 10))\r\n\r\n"
            expect(try await response(port: port, to: large), "431", "headers_too_large")
            let many = (0..<101).map { "A\($0): a\r\n" }.joined()
            expect(
                try await response(port: port, to: "GET /livez HTTP/1.1\r\n\(many)\r\n"), "431", "headers_too_large")
            expect(try await response(port: port, to: "GET\r\n\r\n"), "400", "invalid_value")
        }
    }

    @Test(.timeLimit(.minutes(1))) func slowBodiesAreNotWaitedFor() async throws {
        try await withServer(engine, configure: { $0.bodyLimit = .milliseconds(20) }) { client in
            let port = try #require(client.port)
            let chunks = "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
            for body in ["Content-Length: 100\r\n\r\n{", chunks] {
                expect(try await response(port: port, to: head + body), "408", "request_timeout")
            }
        }
    }

    /// The server does not wait for a body that no route reads.
    @Test(.timeLimit(.minutes(1)), arguments: ["/nope", "/livez", "/v1/models"])
    func bodiesOfRefusedRequestsAreNotRead(_ path: String) async throws {
        let key = KeyRecord.make(name: "a", scopes: [.ask], expires: nil).record
        try await withServer(engine, keys: KeyRing([key])) { client in
            let port = try #require(client.port)
            let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{"
            let answer = try await response(port: port, to: request)
            #expect(answer.lowercased().contains("connection: close\r\n"), "\(answer)")
        }
    }

    /// The response comes although the body never arrives.
    @Test(.timeLimit(.minutes(1))) func largeBodiesAreRefusedUnread() async throws {
        try await withServer(engine, configure: { $0.maximumBodyBytes = 1_000 }) { client in
            let port = try #require(client.port)
            expect(
                try await response(port: port, to: head + "Content-Length: 1001\r\n\r\n{"), "413", "request_too_large")
            let chunk = "400\r\n\(String(repeating: " ", count: 1_024))\r\n"
            expect(
                try await response(port: port, to: head + "Transfer-Encoding: chunked\r\n\r\n" + chunk), "413",
                "request_too_large")
        }
    }

    /// Bodies are charged as they arrive: an announced length takes no memory, and received bytes are given back.
    @Test(.timeLimit(.minutes(1))) func bodiesShareOneBudget() async throws {
        let body = #"{"question":"What?","stream":false}"#
        try await withServer(engine, configure: { $0.bodyMemory = 1_000 }) { client in
            let port = try #require(client.port)
            func bodies() async throws -> String {
                let metrics = try await client.execute(uri: "/metrics", method: .get).text
                return metrics.components(separatedBy: "apus_memory_bytes{part=\"bodies\"} ")[1]
                    .components(separatedBy: "\n")[0]
            }
            let slow = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connect(host: "localhost", port: port).get()
            try await slow.writeAndFlush(ByteBuffer(string: head + "Content-Length: 960\r\n\r\n"))
            #expect(try await client.post("/v1/ask", body).status == .ok)
            try await slow.writeAndFlush(ByteBuffer(string: String(repeating: " ", count: 950)))
            while try await bodies() != "950.0" {}
            let refused = try await client.post("/v1/ask", body + String(repeating: " ", count: 50))
            #expect(refused.status == .tooManyRequests && refused.text.contains("queue_full"), "\(refused.text)")
            #expect(refused.headers[.retryAfter] == "1")
            try await slow.close()
            while try await bodies() != "0.0" {}
            #expect(try await client.post("/v1/ask", body).status == .ok)
            let large = try await client.post("/v1/ask", String(repeating: " ", count: 1_001))
            #expect(large.status == .contentTooLarge)
        }
    }

    /// Text that cannot fit, whatever its content, is refused by its length alone.
    @Test func longTextIsRefusedUnread() async throws {
        let text = String(repeating: "a", count: 1 << 20)
        let cases = [
            ("/v1/completions", "{\"model\":\"sft\",\"prompt\":[\"x\",\"\(text)\"]}", "prompt"),
            (
                "/v1/chat/completions",
                "{\"model\":\"sft\",\"messages\":[{\"role\":\"user\",\"content\":\"\(text)\"}]}", "messages"
            ),
            ("/v1/ask", "{\"question\":\"\(text)\"}", "question"),
        ]
        try await withServer(engine) { client in
            for (path, body, param) in cases {
                let response = try await client.post(path, body)
                #expect(response.status == .badRequest)
                #expect(response.text.contains("\"param\":\"\(param)\",\"code\":\"context_length_exceeded\""))
                #expect(response.text.contains("This model's maximum context length is 1024 tokens"))
                #expect(response.text.contains("\(param) has at least "))
            }
        }
    }

    /// A client that reads nothing of a long answer is disconnected, and its request is cancelled.
    @Test(.timeLimit(.minutes(1))) func slowReadersAreCutOff() async throws {
        let text = String(repeating: "a", count: 1 << 16)
        let engine = ScriptedEngine { _, events in
            events.yield(.started)
            for _ in 0..<1_024 { events.yield(.text(TextDelta(text: text, tokens: [GeneratedToken(id: 1)]))) }
        }
        try await withServer(engine, configure: { $0.stallLimit = .milliseconds(50) }) { client in
            let port = try #require(client.port)
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.autoRead, value: false).connect(host: "localhost", port: port).get()
            let body = #"{"question":"What?"}"#
            try await channel.writeAndFlush(
                ByteBuffer(string: head + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"))
            var cancellations = engine.cancellations.makeAsyncIterator()
            await cancellations.next()
            try await channel.close()
        }
    }
}
