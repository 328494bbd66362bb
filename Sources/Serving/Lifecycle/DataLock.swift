import Checkpoints
import Foundation

/// Why a data folder cannot be used.
public enum DataLockError: Error, Equatable, CustomStringConvertible {
    /// Another server uses the folder.
    case taken(folder: String)
    /// The system refused to create or lock the file.
    case file(path: String, reason: String)

    /// What is wrong, and how to solve it.
    public var description: String {
        switch self {
        case .taken(let folder):
            "\(folder): another server uses this data folder; stop it, or name another one with --data-path"
        case .file(let path, let reason): "\(path): cannot be locked: \(reason); --data-path '' serves without one"
        }
    }
}

/// Reserves a data folder for one server until this value is released or the process ends.
public final class DataLock: Sendable {
    private let lock: FolderLock

    /// Creates the folder if it does not exist, and locks it.
    public init(folder: String) throws(DataLockError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .file(path: "\(folder)/\(FolderLock.fileName)", reason: error.localizedDescription)
        }
        // This includes an existing folder. If another user owns it, its mode is that user's choice.
        chmod(folder, 0o700)
        do throws(FolderLock.Failure) { lock = try FolderLock(folder: folder) } catch {
            switch error {
            case .taken: throw .taken(folder: folder)
            case .file(let path, let reason): throw .file(path: path, reason: reason)
            }
        }
    }
}
