public import Datasets
public import Foundation
import GRDB
public import Images

/// The part of a data folder that keeps what people say: the store and the images.
public struct FeedbackFolder: Sendable {
    /// The data folder.
    public let path: String
    /// Comparisons and opinions.
    public let store: FeedbackStore
    /// The images that they are about.
    public let images: ImageFolder
    /// Files that callers name by id.
    public let uploads: UploadFolder

    /// The path of the store in the data folder at `path`.
    public static func storePath(in path: String) -> String { path + "/feedback.sqlite" }

    /// Opens the data folder at `path`, or creates it.
    public init(path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        chmod(path, 0o700)
        store = try FeedbackStore(path: Self.storePath(in: path))
        images = ImageFolder(dataFolder: path)
        uploads = UploadFolder(dataFolder: path)
    }

    /// Keeps an image's file if it decodes within the limits.
    public typealias KeepImage = (Data, ImageLimits) throws(ImageFolderError) -> PreferenceImage

    /// Lets `body` keep images. If it throws, the new ones that nothing uses are deleted again.
    public func keepingImages<Value>(_ body: (_ keep: KeepImage) throws -> Value) throws -> Value {
        var new: [String] = []
        do {
            return try body { data, limits throws(ImageFolderError) in
                let isThere = images.contains(sha256: ImageFolder.digest(of: data))
                let image = try images.keep(data, limits: limits)
                if !isThere, case .stored(let digest) = image { new.append(digest) }
                return image
            }
        } catch {
            _ = try? store.write { database in try removeUnused(new, database) }
            throw error
        }
    }

    /// Deletes those of the images that no row of the store uses, and returns their number. A server that is about to
    /// use an image holds the same lock and looks for the file.
    func removeUnused(_ digests: [String], _ database: Database) throws -> Int {
        try digests.filter { digest in
            let uses = try Int.fetchOne(
                database, sql: "SELECT COUNT(*) FROM image WHERE sha256 = ?", arguments: [digest])
            guard uses == 0, images.contains(sha256: digest) else { return false }
            try images.remove(sha256: digest)
            return true
        }.count
    }
}
