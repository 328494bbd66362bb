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
        guard let key = Self.key(of: request) else { throw refusal("missing", "This route needs a key.") }
        guard let known = ring?.record(of: key) else { throw refusal("invalid", "The key is not valid.") }
        record.update { $0.keyID = known.id }
        if let expires = known.expires, expires <= Date() { throw refusal("expired", "The key has expired.") }
        if let scope, !known.scopes.contains(scope) {
            metrics.add(.authFailures, [("reason", "scope")])
            throw APIError(
                .insufficientScope, "The key has not the scope \(scope.rawValue).", status: 403, kind: .permission)
        }
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

    private static func key(of request: Request) -> String? {
        if let key = request.headers[HTTPField.Name.apiKey] { return key }
        guard let header = request.headers[.authorization], header.lowercased().hasPrefix("bearer ") else { return nil }
        return header.dropFirst("bearer ".count).trimmingCharacters(in: .whitespaces)
    }
}
