import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOPosix
import Serving
import Testing

/// Special cases of HTTP/1 (RFC 9110 and 9112).
@Suite struct ProtocolTests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A", "B"]))
    private let post = "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

    /// There are no chunks, and the body ends with the connection.
    @Test(.timeLimit(.minutes(1))) func oldClientsGetWhatTheyKnow() async throws {
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let body = #"{"question":"Hi"}"#
            let head = "POST /v1/ask HTTP/1.0\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
            let streamed = try await response(
                port: port, to: head + "Expect: 100-continue\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(streamed.hasPrefix("HTTP/1.0 200 OK\r\n") && !streamed.lowercased().contains("chunked"))
            #expect(streamed.contains("\r\n\r\nevent: start\n") && streamed.hasSuffix("\n\n"))
            let whole = try await response(port: port, to: "GET /livez HTTP/1.0\r\n\r\n")
            #expect(whole.lowercased().contains("content-length: 15\r\n") && whole.hasSuffix(#"{"status":"ok"}"#))
            let chunks = try await response(
                port: port, to: "POST /v1/ask HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            #expect(chunks.hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("", "400", "invalid_value"), ("Host: localhost\r\nHost: localhost\r\n", "400", "invalid_value"),
            ("Host: localhost\r\nTransfer-Encoding: gzip\r\n", "501", "unsupported_value"),
            ("Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", "501", "unsupported_value"),
            ("Host: localhost\r\nTransfer-Encoding: identity\r\n", "501", "unsupported_value"),
            ("Host: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", "400", "invalid_value"),
            ("Host: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n", "400", "invalid_value"),
            ("Host: localhost\r\nContent-Length: -1\r\n", "400", "invalid_value"),
        ])
    func headsAreReadStrictly(_ headers: String, _ status: String, _ code: String) async throws {
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let refused = try await response(port: port, to: "GET /livez HTTP/1.1\r\n\(headers)\r\n0\r\n\r\n")
            #expect(refused.hasPrefix("HTTP/1.1 \(status)"), "\(refused)")
            #expect(refused.contains("\"code\":\"\(code)\"") && refused.contains("Connection: close"))
        }
    }

    /// It is answered after the responses before it are written.
    @Test(.timeLimit(.minutes(1))) func aBadHeadWaitsForTheAnswersBeforeIt() async throws {
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let body = #"{"question":"Hi"}"#
            let both = try await response(
                port: port,
                to: post + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)GET /livez HTTP/1.1\r\n\r\n")
            #expect(both.hasPrefix("HTTP/1.1 200") && both.contains("\r\n0\r\n\r\nHTTP/1.1 400"), "\(both)")
        }
    }

    /// A connection ends when either side asks for it, and later requests are ignored.
    @Test(.timeLimit(.minutes(1)), arguments: ["close", "Keep-Alive, Close"])
    func connectionsEndWhenAsked(_ value: String) async throws {
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let get = "GET /livez HTTP/1.1\r\nHost: localhost\r\n"
            let answers = try await response(port: port, to: get + "\r\n\(get)Connection: \(value)\r\n\r\n\(get)\r\n")
            #expect(answers.components(separatedBy: "HTTP/1.1 200 OK").count == 3, "\(answers)")
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n",
        ])
    func brokenBodiesAreTheCallersFault(_ body: String) async throws {
        let log = LogRecorder()
        try await withServer(engine, logger: log.logger) { client in
            let port = try #require(client.port)
            let refused = try await response(port: port, to: post + body)
            #expect(refused.hasPrefix("HTTP/1.1 400") && refused.contains("x-request-id: "), "\(refused)")
        }
        #expect(!log.lines.contains { $0.hasPrefix("error") })
    }

    /// It has a status of its own in log and metrics, which is never sent.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "Content-Length: 100\r\n\r\n{\"a\"", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
        ])
    func aClientThatLeavesItsBodyIsNoError(_ body: String) async throws {
        let log = LogRecorder()
        try await withServer(engine, logger: log.logger) { client in
            let port = try #require(client.port)
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.allowRemoteHalfClosure, value: true).connect(host: "localhost", port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
            try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: post + body))
                outbound.finish()
                for try await bytes in inbound { Issue.record("\(String(buffer: bytes))") }
            }
            let metrics = try await client.execute(uri: "/metrics", method: .get).text
            #expect(
                metrics.contains(
                    "apus_http_responses_total{route=\"/v1/ask\",method=\"POST\",status=\"499\"} 1\n"))
        }
        #expect(log.lines.contains { $0.contains("status=499") })
        #expect(!log.lines.contains { $0.hasPrefix("error") })
    }

    @Test func everyMethodIsAnswered() async throws {
        try await withServer(engine) { client in
            for name in [
                "PUT", "DELETE", "PATCH", "TRACE", "PURGE", "PROPFIND", "COPY", "LOCK", "REPORT", "QUERY",
            ] {
                let method = try #require(HTTPRequest.Method(name))
                let refused = try await client.execute(uri: "/v1/models/sft", method: method)
                #expect(refused.status == .methodNotAllowed, "\(name)")
                #expect(refused.headers[.allow] == "GET, HEAD, OPTIONS")
                #expect(try await client.execute(uri: "/nothing", method: method).status == .notFound)
            }
            let options = try await client.execute(uri: "/v1/ask", method: .options)
            #expect(options.status == .noContent && options.headers[.allow] == "POST, OPTIONS")
        }
    }

    /// The parser does not know these methods, so no route gets the requests.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("FOO /v1/ask?a HTTP/1.1", "405"), ("PLAY /v1/models/x HTTP/1.1", "405"),
            ("ge.t /assets/a/b HTTP/1.1", "405"),
            ("FOO /v1/ask/ HTTP/1.1", "404"), ("FOO /v1 HTTP/1.1", "404"), ("FOO / HTTP/1.0", "405"), ("FOO /", "400"),
            ("F(O / HTTP/1.1", "400"), ("FOO  / HTTP/1.1", "400"), ("\u{16}\u{3}\u{1} / HTTP/1.1", "400"),
        ])
    func unknownMethodsAreAnsweredByTheirPath(_ line: String, _ status: String) async throws {
        try await withServer(engine) { client in
            let port = try #require(client.port)
            let answer = try await response(port: port, to: "\(line)\r\nHost: localhost\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(answer)")
            #expect(answer.contains("\r\nAllow: ") == (status == "405"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func tooManyConnectionsAreClosed() async throws {
        try await withServer(engine, configure: { $0.connections.perAddress = 2 }) { client in
            let port = try #require(client.port)
            // The client's own connection counts as one.
            #expect(try await client.execute(uri: "/livez", method: .get).status == .ok)
            try await withSocket(port: port, post: "/v1/ask", #"{"question":"Hi"}"#) { inbound in
                try await read("event: done", from: &inbound)
                // The request may or may not still be sent, depending on timing; no response comes.
                let refused = try? await response(port: port, to: "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(refused ?? "" == "")
                let metrics = try await client.execute(uri: "/metrics", method: .get).text
                #expect(metrics.contains("apus_connections_refused_total{limit=\"address\"} 1\n"))
            }
        }
    }

    @Test func connectionsAreCountedByAddress() {
        var limits = ConnectionLimits()
        limits.total = 3
        limits.perAddress = 2
        let count = ConnectionCount(limits)
        #expect(["a", "a", "a", "b", "c"].map { count.enter($0) } == [nil, nil, "address", nil, "total"])
        count.leave("a")
        #expect(count.total == 2)
        #expect(count.enter("a") == nil)
    }
}
