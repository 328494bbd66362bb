import HTTPTypes
import Hummingbird
import WireFormats

extension Router<ServerContext> {
    private static var knownMethods: [HTTPRequest.Method] {
        [.get, .head, .post, .put, .patch, .delete, .options, .trace]
    }

    /// Adds a path with the one method that it takes; OPTIONS says so, and all others are 405.
    func addResource(
        _ path: RouterPath, _ method: HTTPRequest.Method,
        _ handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
    ) {
        let allowed = method == .get ? "GET, HEAD, OPTIONS" : "\(method.rawValue), OPTIONS"
        on(path, method: method, use: handler)
        on(path, method: .options) { _, _ in Response(status: .noContent, headers: [.allow: allowed]) }
        for other in Self.knownMethods where other != method && other != .options {
            if other == .head && method == .get { continue }
            on(path, method: other) { _, _ -> Response in
                let error = APIError(
                    .methodNotAllowed, "This route takes \(allowed).", status: 405)
                return error.response(headers: [.allow: allowed])
            }
        }
    }
}
