import Foundation

/// Writes files atomically: a reader, or a crash at any moment, finds either the old bytes or all of the new ones.
public enum AtomicFile {
    /// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        try write(to: path) { append throws(FileError) in try append(bytes) }
    }

    /// Writes a value as readable JSON: sorted keys, one field per line.
    public static func write(json value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write([UInt8](try encoder.encode(value)) + [UInt8(ascii: "\n")], to: path)
    }

    /// Writes a file in pieces: `body` gets a function that appends bytes. `mode` holds the permission bits of owner,
    /// group and others.
    public static func write(
        to path: String, mode: UInt32 = 0o644,
        _ body: (_ append: ([UInt8]) throws(FileError) -> Void) throws(FileError) -> Void
    ) throws(FileError) {
        let temporary = try create(beside: path, mode: mode)
        do throws(FileError) {
            try body { bytes throws(FileError) in try write(bytes, to: temporary.descriptor, path: temporary.path) }
            guard fsync(temporary.descriptor) == 0 else {
                throw FileError(path: temporary.path, operation: "flush", code: errno)
            }
            guard rename(temporary.path, path) == 0 else {
                throw FileError(path: path, operation: "rename", code: errno)
            }
        } catch {
            unlink(temporary.path)
            throw error
        }
        withExtendedLifetime(temporary.lock) {}
        try flush(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    /// A temporary file, locked while it is written.
    private struct Temporary {
        let path: String
        let descriptor: Int32
        let lock: WriteLock
    }

    /// Creates `PATH.PID.tmp`, or a file with another name if a process with the same number in another container
    /// writes that one.
    private static func create(beside path: String, mode: UInt32) throws(FileError) -> Temporary {
        var code: Int32 = EEXIST
        for attempt in 0..<100 {
            let temporary = "\(path).\(getpid())\(attempt == 0 ? "" : ".\(attempt)").tmp"
            let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
            if descriptor >= 0 {
                let lock = WriteLock(descriptor, at: temporary, waits: true)
                if lock.isHeld, lock.isInPlace { return Temporary(path: temporary, descriptor: descriptor, lock: lock) }
            } else {
                code = errno
                guard code == EEXIST else { break }
                WriteLock.removeLeftover(temporary)
            }
        }
        throw FileError(path: path, operation: "create", code: code)
    }

    /// Removes temporary files that a killed process left in `folder`: those of the file `name`, or all.
    public static func removeLeftovers(in folder: String, of name: String? = nil) {
        for found in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let parts = found.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count > 2, parts.last == "tmp" else { continue }
            let numbers = parts.dropLast().reversed().prefix(2).prefix { UInt32($0) != nil }
            let names = (1..<numbers.count + 1).map { parts.dropLast(1 + $0).joined(separator: ".") }
            guard !numbers.isEmpty, name.map(names.contains) ?? true else { continue }
            WriteLock.removeLeftover("\(folder)/\(found)")
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                throw FileError(path: path, operation: "write", code: errno)
            }
        }
    }

    /// Flushes a file's bytes, or a folder's names, to the disk, so that they survive a power cut.
    package static func flush(_ path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "flush", code: errno) }
    }
}

/// A process's lock (flock(2)) on a file or folder that it is writing. The system releases it when the process ends, in
/// whatever way: an incomplete file without a lock was left behind.
package final class WriteLock: Sendable {
    private let path: String
    private let descriptor: Int32
    /// Whether the lock was obtained.
    package let isHeld: Bool

    /// Locks the open file or folder at `path`, and closes the descriptor in the end.
    ///
    /// - Parameter waits: whether to wait for another holder, for example a process that is cleaning up for a moment.
    package init(_ descriptor: Int32, at path: String, waits: Bool = false) {
        self.path = path
        self.descriptor = descriptor
        var code = flock(descriptor, LOCK_EX | (waits ? 0 : LOCK_NB))
        while code != 0, waits, errno == EINTR { code = flock(descriptor, LOCK_EX) }
        isHeld = code == 0
    }

    /// Locks the file or folder at `path`; nil if there is none.
    package convenience init?(path: String, waits: Bool = false) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        self.init(descriptor, at: path, waits: waits)
    }

    deinit {
        close(descriptor)
    }

    /// Whether the locked file is still at its path: another process may have removed it before it was locked.
    package var isInPlace: Bool {
        var (locked, found) = (stat(), stat())
        guard fstat(descriptor, &locked) == 0, lstat(path, &found) == 0 else { return false }
        return locked.st_ino == found.st_ino && locked.st_dev == found.st_dev
    }

    /// Removes the file or folder at `path` if no process is writing it.
    package static func removeLeftover(_ path: String) {
        guard let lock = WriteLock(path: path), lock.isHeld, lock.isInPlace else { return }
        try? FileManager.default.removeItem(atPath: path)
    }
}
