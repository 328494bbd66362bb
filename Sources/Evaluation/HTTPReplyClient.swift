package import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Posts over HTTP, with one connection for each concurrent request.
public struct HTTPReplyClient: ReplyClient {
    /// Replies are short; a longer one does not come from this API.
    private static let replyLimit = 1 << 20
    private static let timeout = TimeAmount.seconds(300)

    private let client: HTTPClient

    /// Calls `body` with a client of up to `connections` connections to one server, and closes them afterwards.
    public static func with<R: Sendable>(
        connections: Int, _ body: @Sendable (HTTPReplyClient) async throws -> R
    ) async throws -> R {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // Without retries, a missing server is reported at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        return try await HTTPClient.withHTTPClient(configuration: configuration) { client in
            try await body(HTTPReplyClient(client: client))
        }
    }

    /// Posts a JSON document to `url`.
    ///
    /// - Throws: the connection's errors; also for a reply that takes over five minutes or has over 1 MiB.
    public func post(_ json: [UInt8], to url: String) async throws -> Reply {
        try await reply(to: Self.request(json, to: url))
    }

    /// Posts a JSON document and returns as soon as the reply begins.
    package func open(_ json: [UInt8], to url: String) async throws -> HTTPClientResponse {
        try await client.execute(Self.request(json, to: url), timeout: Self.timeout)
    }

    private static func request(_ json: [UInt8], to url: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(json)
        return request
    }

    /// Gets a JSON document, with the same limits.
    public func get(_ url: String) async throws -> Reply {
        try await reply(to: HTTPClientRequest(url: url))
    }

    /// Asks the server at the address `url` whether it is ready, before questions are prepared.
    ///
    /// - Throws: `EvaluationError` if the address is invalid, no server answers there, or the server is not ready.
    public func checkReadiness(of url: String) async throws(EvaluationError) {
        let status = try await status(of: url)
        guard status == .ok else {
            throw .refused(url: "\(url)/readyz", status: Int(status.code), body: "the server is not ready")
        }
    }

    /// Asks whether a server, Apus or another one, answers at the address `url`.
    ///
    /// - Throws: `EvaluationError` if the address is invalid, or no server answers there.
    public func checkPresence(of url: String) async throws(EvaluationError) {
        _ = try await status(of: url)
    }

    private func status(of url: String) async throws(EvaluationError) -> HTTPResponseStatus {
        do {
            return try await client.execute(HTTPClientRequest(url: url + "/readyz"), timeout: .seconds(5)).status
        } catch let error as HTTPClientError where error != .connectTimeout && error != .deadlineExceeded {
            throw .badAddress(url)
        } catch let error as IOError {
            throw .noReply(url: url, reason: String(cString: strerror(error.errnoCode)).lowercased())
        } catch {
            throw .noReply(url: url, reason: "\(error)")
        }
    }

    private func reply(to request: HTTPClientRequest) async throws -> Reply {
        var request = request
        request.headers.add(name: "accept", value: "application/json")
        let response = try await client.execute(request, timeout: Self.timeout)
        let body = try await response.body.collect(upTo: Self.replyLimit)
        return Reply(
            status: Int(response.status.code),
            retryAfter: response.headers.first(name: "retry-after").flatMap { Int($0) },
            body: Array(body.readableBytesView))
    }
}
