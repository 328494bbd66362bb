import Foundation
import HTTPTypes
import Hummingbird
import WireFormats

/// The web origins whose pages may use the server.
struct OriginRules: Sendable {
    private let origins: Set<String>

    init(configuration: ServerConfiguration) {
        origins = Set(configuration.corsOrigins.map { $0.lowercased() })
    }

    /// Whether no page of another origin is allowed.
    var isEmpty: Bool { origins.isEmpty }

    /// Whether the operator allows pages of this origin.
    func allow(_ origin: String) -> Bool { origins.contains("*") || origins.contains(origin.lowercased()) }

    /// Whether a request comes from a page of another origin that is not allowed. In `Sec-Fetch-Site` a browser states
    /// whether the page is the server's own; an older browser sends the page's origin, which must equal the server's.
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

/// Refuses requests that a page of another origin can send without a preflight, such as forms. Reads pass: the browser
/// hides the response from the page.
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

/// Tells browsers what pages of the configured origins may do, in preflight responses and in all other responses.
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

/// Keeps web pages of other origins from using a server that only this machine should reach.
///
/// A page may resolve its own name to 127.0.0.1 (DNS rebinding). The browser then treats the server as the page's own,
/// but sends the page's name as `Host`. So the server refuses other names on a loopback address, and on every address
/// if a list of names is configured.
struct HostMiddleware: RouterMiddleware {
    typealias Context = ServerContext

    private let own: String
    private let allowed: Set<String>
    private let isLoopback: Bool

    init(configuration: ServerConfiguration) {
        own = configuration.host.lowercased()
        allowed = Set(configuration.allowedHosts.map { $0.lowercased() })
        isLoopback = configuration.isLoopback
    }

    func handle(
        _ request: Request, context: ServerContext, next: (Request, ServerContext) async throws -> Response
    ) async throws -> Response {
        // On other addresses, an orchestrator probes each replica by its own address.
        let isOpen = allowed.isEmpty || RequestLogMiddleware.probes.contains(request.uri.path)
        // Only HTTP/1.0 has no Host, and no browser speaks that.
        guard isLoopback || !isOpen, let given = request.head.authority else { return try await next(request, context) }
        if let host = Authority(given),
            Authority.isLoopback(host.host) || host.host == own || allowed.contains(host.host)
        {
            return try await next(request, context)
        }
        // A client that is still sending would see a broken connection instead of the reason.
        if request.headers[.expect] == nil { for try await _ in request.body {} }
        throw APIError(
            .hostNotAllowed,
            "This server does not answer to the Host \(given.prefix(100)); --allowed-hosts adds names to it.",
            status: 403, kind: .permission)
    }
}

/// A host with an optional port, in the form of `Host` headers and URLs.
struct Authority: Equatable {
    /// In lower case, an IPv6 address without its brackets.
    var host: String
    /// Nil for the scheme's default.
    var port: UInt16?

    /// Nil if the text is malformed.
    init?(_ text: some StringProtocol) {
        var rest = text.lowercased()[...]
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = String(rest[..<end].dropFirst())
            rest = rest[rest.index(after: end)...]
        } else {
            host = String(rest.prefix { $0 != ":" })
            rest = rest.dropFirst(host.count)
            if host.hasSuffix(".") { host.removeLast() }
        }
        guard !host.isEmpty, host.utf8.allSatisfy(Self.isOfHost) else { return nil }
        guard !rest.isEmpty, rest != ":" else { return }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
        self.port = port
    }

    /// Whether `host`, in lower case, is an address of this machine only.
    static func isLoopback(_ host: String) -> Bool {
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost" || host == "::1"
            || octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"/@\\?#[]\"<>".utf8.contains(byte)
    }
}
