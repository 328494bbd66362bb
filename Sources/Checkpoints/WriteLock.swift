import Foundation

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
