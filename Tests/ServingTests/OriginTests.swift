import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Serving
import Testing

/// The access of foreign web pages to a server on this machine.
@Suite struct OriginTests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))

    private func status(
        _ port: Int, _ headers: String, method: String = "GET", path: String = "/livez"
    ) async throws -> String {
        let answer = try await response(
            port: port, to: "\(method) \(path) HTTP/1.1\r\n\(headers)\r\nConnection: close\r\n\r\n")
        return String(answer.dropFirst("HTTP/1.1 ".count).prefix(3))
    }

    /// A page whose name resolves to 127.0.0.1 is recognized by the name.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("localhost", true), ("LOCALHOST:8080", true), ("localhost.:1", true), ("127.0.0.1:18300", true),
            ("127.9.9.9", true), ("[::1]:80", true), ("models.example", true), ("Models.Example.:443", true),
            ("evil.example", false), ("127.0.0.1.evil.example", false), ("localhost.evil.example:80", false),
            ("a", false), ("10.0.0.1", false), ("localhost@evil.example", false), ("localhost:x", false), ("", false),
            ("[::1", false),
        ])
    func hostsAreCheckedOnLoopback(_ host: String, _ isAllowed: Bool) async throws {
        try await withServer(engine, configure: { $0.allowedHosts = ["models.example"] }) { client in
            let port = try #require(client.port)
            #expect(try await status(port, "Host: \(host)") == (isAllowed ? "200" : "403"))
        }
    }

    /// Proxies pass their own name on.
    @Test(.timeLimit(.minutes(1))) func hostsAreNotCheckedElsewhere() async throws {
        try await withServer(engine, configure: { $0.host = "0.0.0.0" }) { client in
            let port = try #require(client.port)
            #expect(try await status(port, "Host: evil.example") == "200")
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("Origin: http://localhost:8080", true), ("Origin: http://localhost", false),
            ("Origin: http://evil.example", false),
            ("Origin: null", false), ("Sec-Fetch-Site: same-origin\r\nOrigin: https://proxy.example", true),
            ("Sec-Fetch-Site: none", true), ("Sec-Fetch-Site: cross-site", false), ("Sec-Fetch-Site: same-site", false),
            ("Origin: https://app.example", true), ("Sec-Fetch-Site: cross-site\r\nOrigin: https://APP.example", true),
            ("User-Agent: curl", true),
        ])
    func pagesOfOthersMayOnlyRead(_ headers: String, _ isAllowed: Bool) async throws {
        try await withServer(engine, configure: { $0.corsOrigins = ["https://app.example"] }) { client in
            let port = try #require(client.port)
            let given = "Host: localhost:8080\r\n\(headers)\r\nContent-Length: 0"
            #expect(try await status(port, given, method: "POST", path: "/v1/ask") == (isAllowed ? "415" : "403"))
            #expect(try await status(port, given, path: "/v1/models") == "200")
        }
    }

    @Test func preflightsAreAnswered() async throws {
        try await withServer(engine, configure: { $0.corsOrigins = ["https://app.example"] }) { client in
            func headers(_ origin: String) -> HTTPFields {
                [
                    .origin: origin, .accessControlRequestMethod: "POST",
                    .accessControlRequestHeaders: "authorization, content-type",
                ]
            }
            let allowed = try await client.execute(
                uri: "/v1/ask", method: .options, headers: headers("https://app.example"))
            #expect(allowed.status == .noContent)
            #expect(allowed.headers[.accessControlAllowOrigin] == "https://app.example")
            #expect(allowed.headers[.accessControlAllowMethods] == "POST, OPTIONS")
            #expect(allowed.headers[.accessControlAllowHeaders] == "authorization, content-type")
            #expect(allowed.headers[.vary] == "Origin")
            let foreign = try await client.execute(
                uri: "/v1/ask", method: .options, headers: headers("https://evil.example"))
            #expect(foreign.headers[.accessControlAllowOrigin] == nil)
            // Pages must be able to read errors, too.
            let error = try await client.execute(
                uri: "/v1/nothing", method: .get, headers: [.origin: "https://app.example"])
            #expect(error.headers[.accessControlAllowOrigin] == "https://app.example")
        }
    }
}
