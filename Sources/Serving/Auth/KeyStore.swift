import Foundation
import HTTPTypes
import Hummingbird
import Synchronization
import WireFormats

/// The keys in force, which can be reloaded while the server runs.
final class KeyStore: Sendable {
    private let path: String?
    private let value: Mutex<KeyRing?>

    /// - Parameter path: the key file for `read`.
    init(_ ring: KeyRing?, path: String?) {
        self.path = path
        self.value = Mutex(ring)
    }

    /// Nil without a key file: then every caller may use the server. A file without keys admits no caller.
    var ring: KeyRing? { value.withLock { $0 } }

    /// The keys in the file; nil if there is no file.
    func read() throws(KeyFileError) -> KeyRing? {
        guard let path else { return ring }
        return try KeyRing(path: path)
    }

    /// Replaces the keys; open requests continue.
    func replace(with ring: KeyRing?) {
        value.withLock { $0 = ring }
    }
}

extension Services {
    /// Refuses a request that lacks the key for a route.
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
        // A client may send a stale key in one header and a valid key in the other: one key that opens the route is
        // enough.
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

    /// The keys in a request's headers `x-api-key` and `Authorization: Bearer`.
    private static func keys(of request: Request) -> [String] {
        let bearers = request.headers[values: .authorization].compactMap { header in
            header.lowercased().hasPrefix("bearer ") ? String(header.dropFirst("bearer ".count)) : nil
        }
        return (request.headers[values: HTTPField.Name.apiKey] + bearers)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}

/// A key file that commands change, possibly several at a time.
public struct KeyFile: Sendable {
    /// The file's path.
    public let path: String

    /// The file at `path`, which need not exist yet.
    public init(path: String) {
        self.path = path
    }

    /// The keys in it; none if there is no file.
    public func records() throws(KeyFileError) -> [KeyRecord] {
        FileManager.default.fileExists(atPath: path) ? try KeyRing.records(path: path) : []
    }

    /// Adds a key, whose name must be new: people identify keys by their names.
    public func add(_ record: KeyRecord) throws(KeyFileError) {
        try update { records throws(KeyFileError) in
            if let known = records.first(where: { $0.name == record.name }) {
                throw error(
                    "has a key named \(record.name) already, with the id \(known.id); choose another name, "
                        + "or remove that one first")
            }
            return records + [record]
        }
    }

    /// Removes the key with this id.
    public func remove(id: String) throws(KeyFileError) {
        try update { records throws(KeyFileError) in
            guard records.contains(where: { $0.id == id }) else { throw error("has no key with the id \(id)") }
            return records.filter { $0.id != id }
        }
    }

    /// Replaces the keys atomically, under a lock. Only the owner can read a new file.
    private func update(_ change: ([KeyRecord]) throws(KeyFileError) -> [KeyRecord]) throws(KeyFileError) {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        // The file itself is replaced, so the lock is on the folder.
        let folder = open(file.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw error("cannot be written: its folder cannot be opened") }
        defer { close(folder) }
        while flock(folder, LOCK_EX) != 0 {
            guard errno == EINTR else { throw error("cannot be locked: \(String(cString: strerror(errno)))") }
        }
        let records = try change(records())
        let temporary = "\(file.path).tmp"
        let content = Data(records.map { $0.line + "\n" }.joined().utf8)
        // A server that runs as another user reads the file as a member of its group.
        let known = try? FileManager.default.attributesOfItem(atPath: file.path)
        let mode = known?[.posixPermissions] ?? 0o600
        guard
            FileManager.default.createFile(atPath: temporary, contents: content, attributes: [.posixPermissions: mode])
        else { throw error("cannot be written") }
        // Only root can keep the owner; root and members of the group can keep the group.
        for key in [FileAttributeKey.groupOwnerAccountID, .ownerAccountID] {
            known?[key].map { try? FileManager.default.setAttributes([key: $0], ofItemAtPath: temporary) }
        }
        let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw error("cannot be written") }
        close(descriptor)
        guard rename(temporary, file.path) == 0 else { throw error("cannot be written") }
    }

    private func error(_ reason: String) -> KeyFileError { KeyFileError(path: path, reason: reason) }
}
