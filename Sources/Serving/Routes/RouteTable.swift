import HTTPTypes
import Synchronization

/// The paths of an application with their methods: for requests whose method no handler answers, and for counters that
/// begin at zero.
final class RouteTable: Sendable {
    struct Entry {
        /// The path as it is written where it is added, like `/v1/models/{id}`.
        var path: String
        /// The methods that a handler answers.
        var methods: [HTTPRequest.Method]
        /// As the header `Allow` lists them.
        var allowed: String
        var access: Access
    }

    /// What the framework calls the route of a request that has none.
    static let noRoute = "NotFound"

    private let table = Mutex<[String: Entry]>([:])

    /// All of them, by path.
    var entries: [Entry] { table.withLock { $0.values.sorted { $0.path < $1.path } } }

    func add(_ entry: Entry) {
        table.withLock { $0[entry.path] = entry }
    }

    /// What is at a path, whatever the method.
    func entry(at path: String) -> Entry? {
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        return entries.first { entry in
            let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.last != "**" else { return names.starts(with: parts.dropLast()) { $0 == $1 } }
            return names.count == parts.count && zip(names, parts).allSatisfy { $0 == $1 || $1.hasPrefix("{") }
        }
    }
}
