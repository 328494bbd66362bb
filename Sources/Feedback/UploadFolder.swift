import Foundation
import Synchronization

/// Image files that callers sent in advance, to name them by id: `files/<id>` with `files/<id>.json` beside it.
///
/// The description is written after the content, and removed before it, so that what has a description is complete.
public final class UploadFolder: Sendable {
    /// A file's description.
    public struct Upload: Sendable, Equatable, Codable {
        /// `file-` and 32 hexadecimal digits.
        public var id: String
        /// The number of bytes.
        public var bytes: Int
        /// When it came, in Unix seconds.
        public var created: Int
        /// Its name on the caller's machine.
        public var name: String
        /// The SHA-256 of its bytes.
        public var sha256: String
        /// Pixels per row of the upright image.
        public var width: Int
        /// Rows of the upright image.
        public var height: Int
        /// The media type of its bytes.
        public var mediaType: String
        /// The id of the key that sent it; nil without keys. Only that key sees it.
        public var owner: String?

        /// A description of `content`.
        public init(
            id: String, content: [UInt8], created: Int, name: String, width: Int, height: Int, mediaType: String,
            owner: String?
        ) {
            self.id = id
            self.bytes = content.count
            self.created = created
            self.name = name
            self.sha256 = ImageFolder.digest(of: Data(content))
            self.width = width
            self.height = height
            self.mediaType = mediaType
            self.owner = owner
        }
    }

    /// Why a file cannot be kept.
    public enum Refusal: Error, Equatable {
        /// All files together would exceed the limit, in bytes.
        case overQuota(used: Int, limit: Int)
        /// There are as many files as may be.
        case tooMany(limit: Int)
    }

    /// Most files: each takes room on the disk and in memory beyond its bytes.
    private static let maximumCount = 10_000

    private let path: String
    private let index: Mutex<[String: Upload]>

    /// The files in the data folder at `path`. What is not complete there is ignored.
    public init(dataFolder path: String) {
        self.path = path + "/files"
        var index: [String: Upload] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: self.path)) ?? [] {
            guard name.hasSuffix(".json"), let data = FileManager.default.contents(atPath: "\(self.path)/\(name)"),
                let upload = try? JSONDecoder().decode(Upload.self, from: data), name == "\(upload.id).json"
            else { continue }
            index[upload.id] = upload
        }
        self.index = Mutex(index)
    }

    /// Keeps a file.
    ///
    /// - Parameter quota: most bytes of all files together.
    /// - Throws: `Refusal`, or `ImageFolderError.unwritable`.
    public func keep(_ upload: Upload, content: [UInt8], quota: Int) throws {
        // Room is taken before the disk is asked, so that requests at the same time cannot exceed the limit together.
        try index.withLock { index throws(Refusal) in
            let used = index.values.reduce(0) { $0 + $1.bytes }
            guard used + upload.bytes <= quota else { throw .overQuota(used: used, limit: quota) }
            guard index.count < Self.maximumCount else { throw .tooMany(limit: Self.maximumCount) }
            index[upload.id] = upload
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            chmod(path, 0o700)
            try write(Data(content), to: file(upload.id))
            try write(try JSONEncoder().encode(upload), to: file(upload.id) + ".json")
        } catch {
            index.withLock { $0[upload.id] = nil }
            try? FileManager.default.removeItem(atPath: file(upload.id))
            throw ImageFolderError.unwritable(path: file(upload.id), reason: error.localizedDescription)
        }
    }

    /// The files of a key, the newest first.
    public func list(owner: String?) -> [Upload] {
        let uploads = index.withLock { Array($0.values) }.filter { $0.owner == owner && isThere($0) }
        return uploads.sorted { ($0.created, $0.id) > ($1.created, $1.id) }
    }

    /// The description of a file of a key; nil if there is none.
    public func upload(_ id: String, owner: String?) -> Upload? {
        index.withLock { $0[id] }.flatMap { $0.owner == owner && isThere($0) ? $0 : nil }
    }

    /// Whether the file is still there. Another process may have deleted it: then the index forgets it.
    private func isThere(_ upload: Upload) -> Bool {
        let isThere = FileManager.default.fileExists(atPath: file(upload.id) + ".json")
        if !isThere { index.withLock { $0[upload.id] = nil } }
        return isThere
    }

    /// The bytes of a file of a key; nil if there is none.
    public func content(_ id: String, owner: String?) -> [UInt8]? {
        guard let upload = upload(id, owner: owner) else { return nil }
        return FileManager.default.contents(atPath: file(upload.id)).map { [UInt8]($0) }
    }

    /// Deletes a file of a key; false if there is none.
    ///
    /// - Throws: `ImageFolderError.unwritable`.
    public func remove(_ id: String, owner: String?) throws(ImageFolderError) -> Bool {
        guard let upload = upload(id, owner: owner) else { return false }
        try remove(upload)
        return true
    }

    /// Deletes the files of all keys with that digest, and returns the number of files.
    func remove(sha256 digest: String) throws(ImageFolderError) -> Int {
        let uploads = index.withLock { Array($0.values) }.filter { $0.sha256 == digest }
        for upload in uploads { try remove(upload) }
        return uploads.count
    }

    private func remove(_ upload: Upload) throws(ImageFolderError) {
        do {
            try FileManager.default.removeItem(atPath: file(upload.id) + ".json")
            index.withLock { $0[upload.id] = nil }
            try FileManager.default.removeItem(atPath: file(upload.id))
        } catch {
            throw .unwritable(path: file(upload.id), reason: error.localizedDescription)
        }
    }

    /// The path of a file. The id comes from the index, never from a caller.
    private func file(_ id: String) -> String { "\(path)/\(id)" }

    private func write(_ data: Data, to path: String) throws {
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
}
