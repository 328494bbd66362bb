import Foundation

/// A file of keys that commands change, several at a time too.
public struct KeyFile: Sendable {
    /// Where it is.
    public let path: String

    /// The file at `path`, which may not be there yet.
    public init(path: String) {
        self.path = path
    }

    /// The keys in it; none if there is no file.
    public func records() throws(KeyFileError) -> [KeyRecord] {
        FileManager.default.fileExists(atPath: path) ? try KeyRing.records(path: path) : []
    }

    /// Adds a key, whose name must be new: people tell keys by their names.
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

    /// Replaces the keys at once, while no one else does; a new file is its owner's alone.
    private func update(_ change: ([KeyRecord]) throws(KeyFileError) -> [KeyRecord]) throws(KeyFileError) {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
        // The file itself is replaced, so it cannot be what is locked.
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
        // Owner and group can be kept by root alone, and by a member of the group.
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
