import HTTPTypes
import Hummingbird
import WireFormats

/// Keeps web pages of others from using a server that only this machine should reach.
///
/// A page may let its own name lead to 127.0.0.1 (DNS rebinding): then the browser takes the server for the page's own,
/// but names the page's host. So on a loopback address, or where names are given, others are refused.
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
        // Elsewhere an orchestrator probes under the address of each replica.
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
