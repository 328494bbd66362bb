import Foundation
import HTTPTypes
import Hummingbird
import Synchronization
import WireFormats

/// Several routes and their handlers.
protocol Controller: Sendable {
    func addRoutes(to routes: Routes)
}

/// The callers that may use a route.
enum Access: Sendable {
    /// Every caller.
    case everyone
    /// Callers with a key; every caller if there is no key file.
    case anyKey
    /// Callers whose key has this scope; every caller if there is no key file, except that `admin` always needs a key.
    case scope(KeyScope)
}

/// Adds paths to a router, each with its methods and its access.
struct Routes {
    typealias Handler = @Sendable (Request, ServerContext) async throws -> Response

    let router: Router<ServerContext>
    let table: RouteTable
    let services: Services

    /// Adds a path with its methods. OPTIONS lists them, and `ErrorMiddleware` turns all other methods into 405.
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

/// The paths of an application with their methods, for requests whose method has no handler, and for counters that
/// begin at zero.
final class RouteTable: Sendable {
    struct Entry {
        /// The path as written where it is added, like `/v1/models/{id}`.
        var path: String
        /// The methods that have handlers.
        var methods: [HTTPRequest.Method]
        /// The methods as listed in the header `Allow`.
        var allowed: String
        var access: Access
    }

    /// The framework's route name for requests without a route.
    static let noRoute = "NotFound"

    private let table = Mutex<[String: Entry]>([:])

    /// All entries, sorted by path.
    var entries: [Entry] { table.withLock { $0.values.sorted { $0.path < $1.path } } }

    func add(_ entry: Entry) {
        table.withLock { $0[entry.path] = entry }
    }

    /// The entry of a path, for any method.
    func entry(at path: String) -> Entry? {
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        return entries.first { entry in
            let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.last != "**" else { return names.starts(with: parts.dropLast()) { $0 == $1 } }
            return names.count == parts.count && zip(names, parts).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
        }
    }
}

/// `prefix` followed by 32 random hex digits.
func newID(_ prefix: String) -> String {
    let digits = (0..<2).map { _ in
        let half = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - half.count) + half
    }
    return prefix + digits.joined()
}

/// The current time in Unix seconds.
func unixTime() -> Int {
    Int(Date().timeIntervalSince1970)
}
