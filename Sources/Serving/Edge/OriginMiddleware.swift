import Foundation
import HTTPTypes
import Hummingbird
import WireFormats

/// Which web pages of other origins may use the server.
struct OriginRules: Sendable {
    private let origins: Set<String>

    init(configuration: ServerConfiguration) {
        origins = Set(configuration.corsOrigins.map { $0.lowercased() })
    }

    /// Whether there are any.
    var isEmpty: Bool { origins.isEmpty }

    /// Whether the operator lets pages of this origin in.
    func allow(_ origin: String) -> Bool { origins.contains("*") || origins.contains(origin.lowercased()) }

    /// Whether a request comes from a page of another origin that is not let in. A browser says so itself, or names the
    /// page's origin, which then must be the server's own.
    func areBroken(by request: Request) -> Bool {
        let origin = request.headers[.origin]
        if let origin, allow(origin) { return false }
        if let site = request.headers[.fetchSite] { return site != "same-origin" && site != "none" }
        guard let origin else { return false }
        guard let end = origin.range(of: "://") else { return true }
        guard let page = Authority(origin[end.upperBound...]),
            let own = request.head.authority.flatMap({ Authority($0) })
        else { return true }
        return page != own
    }
}

/// Refuses what a page of another origin may send without asking, forms above all. What it reads the browser keeps from
/// it, so simple reads are harmless.
struct OriginMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let rules: OriginRules

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        let isRead = [.get, .head, .options].contains(request.method)
        guard isRead || !rules.areBroken(by: request) else {
            throw APIError(
                .originNotAllowed, "Pages of another origin may not use this server; --cors-origins lets them in.",
                status: 403, kind: .permission)
        }
        return try await next(request, context)
    }
}

/// Tells browsers what pages of the configured origins may do, before they ask (preflight) and with each answer.
struct CORSHeadersMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    let rules: OriginRules

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard !rules.isEmpty else { return response }
        response.headers[.vary] = "Origin"
        guard let origin = request.headers[.origin], rules.allow(origin) else { return response }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] =
            "x-request-id, request-id, apus-policy, apus-finish-reason, retry-after"
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            response.headers[.accessControlAllowMethods] = response.headers[.allow]
            response.headers[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders]
            response.headers[.accessControlMaxAge] = "600"
        }
        return response
    }
}
