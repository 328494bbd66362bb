import Foundation
import HTTPTypes
import Hummingbird
import Synchronization
import WireFormats

/// The keys in force, which may be read again while the server runs.
final class KeyStore: Sendable {
    private let path: String?
    private let value: Mutex<KeyRing?>

    /// - Parameter path: the file that `read` reads.
    init(_ ring: KeyRing?, path: String?) {
        self.path = path
        self.value = Mutex(ring)
    }

    /// Nil where everybody may come in. A file without keys lets nobody in.
    var ring: KeyRing? { value.withLock { $0 } }

    /// The keys as they stand in the file; nil if there is no file.
    func read() throws(KeyFileError) -> KeyRing? {
        guard let path else { return ring }
        return try KeyRing(path: path)
    }

    /// Replaces the keys; requests that are open already go on.
    func replace(with ring: KeyRing?) {
        value.withLock { $0 = ring }
    }
}

extension Services {
    /// Refuses a request without the key that a route needs.
    func authorize(_ request: Request, for access: Access, record: RequestRecord) throws(APIError) {
        let scope: KeyScope?
        switch access {
        case .everyone: return
        case .anyKey: scope = nil
        case .scope(let needed): scope = needed
        }
        let ring = keys.ring
        if ring == nil && scope != .admin { return }
        let given = Self.keys(of: request)
        guard !given.isEmpty else { throw refusal("missing", "This route needs a key.") }
        // A client may send a stale key in one header and a good one in the other: any that opens the route counts.
        let known = given.compactMap { ring?.record(of: $0) }
        let valid = known.filter { $0.expires.map { $0 > Date() } ?? true }
        record.update { $0.keyID = (valid.first ?? known.first)?.id }
        guard !known.isEmpty else { throw refusal("invalid", "The key is not valid.") }
        guard !valid.isEmpty else { throw refusal("expired", "The key has expired.") }
        guard let known = valid.first(where: { key in scope.map { key.scopes.contains($0) } ?? true }) else {
            metrics.add(.authFailures, [("reason", "scope")])
            throw APIError(
                .insufficientScope, "The key has not the scope \(scope?.rawValue ?? "").", status: 403,
                kind: .permission)
        }
        record.update { $0.keyID = known.id }
        guard scope == .ask || scope == .feedback else { return }
        let place = try limiter.admit(known, metrics: metrics)
        record.update {
            $0.key = known
            $0.place = place
        }
    }

    private func refusal(_ reason: String, _ message: String) -> APIError {
        metrics.add(.authFailures, [("reason", reason)])
        return APIError(.invalidAPIKey, message, status: 401, kind: .authentication)
    }

    /// The keys that a request carries, in `x-api-key` and in `Authorization: Bearer`.
    private static func keys(of request: Request) -> [String] {
        let bearers = request.headers[values: .authorization].compactMap { header in
            header.lowercased().hasPrefix("bearer ") ? String(header.dropFirst("bearer ".count)) : nil
        }
        return (request.headers[values: HTTPField.Name.apiKey] + bearers)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
