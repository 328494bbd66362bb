import Foundation

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
}
