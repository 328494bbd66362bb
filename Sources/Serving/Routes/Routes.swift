import HTTPTypes
import Hummingbird
import WireFormats

/// Some routes and what answers them.
protocol Controller: Sendable {
    func addRoutes(to routes: Routes)
}

/// Who may use a route.
enum Access: Sendable {
    /// Whoever reaches it.
    case everyone
    /// Whoever has a key, if there are any.
    case anyKey
    /// Whoever has a key of this scope, if there are any; `admin` needs one in any case.
    case scope(KeyScope)
}

/// Adds paths to a router with what all of them share: the methods that they take, and who may use them.
struct Routes {
    typealias Handler = @Sendable (Request, ServerContext) async throws -> Response

    let router: Router<ServerContext>
    let table: RouteTable
    let services: Services

    /// Adds a path with the methods that it takes; OPTIONS says which, and `ErrorMiddleware` makes all
    /// others 405.
    func add(
        _ path: RouterPath, for access: Access, get: Handler? = nil, post: Handler? = nil, delete: Handler? = nil
    ) {
        let handlers: [(method: HTTPRequest.Method, answer: Handler)] = [(.get, get), (.post, post), (.delete, delete)]
            .compactMap { method, handler in handler.map { (method, $0) } }
        var methods = handlers.flatMap { $0.method == .get ? [.get, .head] : [$0.method] }
        methods.append(.options)
        let allowed = methods.map(\.rawValue).joined(separator: ", ")
        table.add(
            RouteTable.Entry(
                path: path.description, methods: handlers.map(\.method), allowed: allowed, access: access))
        for (method, answer) in handlers {
            router.on(path, method: method) { [services] request, context in
                try services.authorize(request, for: access, record: context.record)
                return try await answer(request, context)
            }
        }
        router.on(path, method: .options) { _, _ in Response(status: .noContent, headers: [.allow: allowed]) }
    }
}
