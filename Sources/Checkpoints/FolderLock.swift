import Foundation

/// Reserves a folder for one process: the file `lock` in it is locked (flock(2)) until this value is released or the
/// process ends. Two values of one process exclude each other, too.
public final class FolderLock: Sendable {
    /// The file's name in the folder.
    public static let fileName = "lock"

    /// Why a folder cannot be reserved.
    public enum Failure: Error, Equatable, Sendable {
        /// It is reserved already.
        case taken
        /// The system refused to create or lock the file.
        case file(path: String, reason: String)
    }

    private let descriptor: Int32

    /// Reserves `folder`, which must exist.
    public init(folder: String) throws(Failure) {
        let path = "\(folder)/\(Self.fileName)"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(path: path, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            // A failed initialiser of a class that is fully initialised runs deinit, which closes the file.
            guard code != EWOULDBLOCK else { throw .taken }
            throw .file(path: path, reason: String(cString: strerror(code)))
        }
    }

    deinit {
        close(descriptor)
    }
}
