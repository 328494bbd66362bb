import Datasets
import Foundation
import GRDB

/// A backup of the feedback in a data folder: one SQLite file with all tables, and with the images in a table of its
/// own.
public enum FeedbackBackup {
    /// What a backup has.
    public struct Content: Sendable, Equatable {
        /// Rankings, skips and thumbs.
        public var opinions = 0
        /// Images.
        public var images = 0

        /// A backup of this many opinions and images.
        public init(opinions: Int, images: Int) {
            self.opinions = opinions
            self.images = images
        }
    }

    /// Writes a backup to `file` while the folder may be in use. A file of that name is replaced once the new one is
    /// complete and on the disk.
    public static func write(_ folder: FeedbackFolder, to file: String) throws -> Content {
        let temporary = file + ".tmp"
        try? FileManager.default.removeItem(atPath: temporary)
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        _ = FileManager.default.createFile(
            atPath: temporary, contents: nil, attributes: [.posixPermissions: 0o600])
        do {
            let copy = try DatabaseQueue(path: temporary)
            try folder.store.pool.backup(to: copy)
            let content = try copy.writeWithoutTransaction { database in
                // One file, without a log beside it.
                try database.execute(sql: "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL")
                try database.execute(sql: "CREATE TABLE kept_image (sha256 TEXT PRIMARY KEY, bytes BLOB NOT NULL)")
                for digest in folder.images.digests() {
                    try database.execute(
                        sql: "INSERT INTO kept_image VALUES (?, ?)",
                        arguments: [digest, try folder.images.file(sha256: digest)])
                }
                try check(database, path: temporary)
                return try counts(database)
            }
            try copy.close()
            try flush(temporary)
            guard rename(temporary, file) == 0 else {
                throw FeedbackBackupError.unusable(path: file, reason: String(cString: strerror(errno)))
            }
            try flush(URL(fileURLWithPath: file).deletingLastPathComponent().path)
            return content
        } catch let error as DatabaseError {
            throw FeedbackBackupError.unusable(path: file, reason: "\(error)")
        }
    }

    /// Puts a backup into a data folder, which no server may use meanwhile. What the folder had goes to the folder
    /// `aside`, which must not exist.
    public static func restore(_ file: String, to path: String, aside: String) throws -> Content {
        let manager = FileManager.default
        guard manager.fileExists(atPath: file) else {
            throw FeedbackBackupError.unusable(path: file, reason: "there is no such file")
        }
        guard !manager.fileExists(atPath: aside) else {
            throw FeedbackBackupError.unusable(path: aside, reason: "it exists already")
        }
        let new = path + "/restoring"
        try? manager.removeItem(atPath: new)
        defer { try? manager.removeItem(atPath: new) }
        try manager.createDirectory(
            atPath: new, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let store = FeedbackFolder.storePath(in: new)
        try manager.copyItem(atPath: file, toPath: store)
        chmod(store, 0o600)
        let content = try unpack(store, into: ImageFolder(dataFolder: new), named: file)
        // Opened once, so that an older schema is brought to the current one before anything is moved.
        _ = try FeedbackFolder(path: new)
        try manager.createDirectory(
            atPath: aside, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in ["feedback.sqlite", "feedback.sqlite-wal", "feedback.sqlite-shm", "images"] {
            if manager.fileExists(atPath: "\(path)/\(name)") {
                try manager.moveItem(atPath: "\(path)/\(name)", toPath: "\(aside)/\(name)")
            }
            if manager.fileExists(atPath: "\(new)/\(name)") {
                try manager.moveItem(atPath: "\(new)/\(name)", toPath: "\(path)/\(name)")
            }
        }
        try flush(path)
        return content
    }

    /// Checks the copy of a backup, and turns its table of images into files.
    private static func unpack(_ store: String, into images: ImageFolder, named file: String) throws -> Content {
        do {
            let queue = try DatabaseQueue(path: store)
            defer { try? queue.close() }
            return try queue.writeWithoutTransaction { database in
                try check(database, path: file)
                if try FeedbackSchema.migrator.hasBeenSuperseded(database) { throw FeedbackError.newer(path: file) }
                guard try database.tableExists("kept_image"), try database.tableExists("feedback") else {
                    throw FeedbackBackupError.unusable(path: file, reason: "it is not a backup of a feedback store")
                }
                let content = try counts(database)
                for digest in try String.fetchAll(database, sql: "SELECT sha256 FROM kept_image ORDER BY sha256") {
                    let bytes = try Data.fetchOne(
                        database, sql: "SELECT bytes FROM kept_image WHERE sha256 = ?", arguments: [digest])
                    guard let bytes, try images.keep(bytes) == .stored(sha256: digest) else {
                        throw FeedbackBackupError.unusable(path: file, reason: "the image \(digest) is damaged")
                    }
                }
                try database.execute(sql: "DROP TABLE kept_image; VACUUM")
                return content
            }
        } catch let error as DatabaseError {
            throw FeedbackBackupError.unusable(path: file, reason: "\(error)")
        }
    }

    private static func counts(_ database: Database) throws -> Content {
        Content(
            opinions: try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM feedback") ?? 0,
            images: try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM kept_image") ?? 0)
    }

    private static func check(_ database: Database, path: String) throws {
        let result = try String.fetchOne(database, sql: "PRAGMA integrity_check")
        guard result == "ok" else {
            throw FeedbackBackupError.unusable(path: path, reason: "it is damaged: \(result ?? "no answer")")
        }
    }

    /// Waits until a file, or a folder's list of names, is on the disk.
    private static func flush(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw FeedbackBackupError.unusable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw FeedbackBackupError.unusable(path: path, reason: String(cString: strerror(errno)))
        }
    }
}

/// Why a backup cannot be written or restored.
public enum FeedbackBackupError: Error, Equatable, CustomStringConvertible {
    /// A file cannot be used.
    case unusable(path: String, reason: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .unusable(let path, let reason): "\(path): \(reason)"
        }
    }
}
