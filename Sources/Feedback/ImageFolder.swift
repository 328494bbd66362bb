import Crypto
public import Datasets
public import Foundation
public import Images

/// Keeps the images that people sent, by the SHA-256 of their files: `images/ab/<sha256>.png`, or `.jpg`.
public struct ImageFolder: Sendable {
    private let path: String

    /// The images of the data folder at `path`; the folder is created with the first image.
    public init(dataFolder path: String) {
        self.path = path + "/images"
    }

    /// Keeps an image file that decodes within `limits`; equal files are stored once.
    public func keep(
        _ data: Data, limits: ImageLimits = .standard
    ) throws(ImageFolderError) -> PreferenceImage {
        let bytes = [UInt8](data)
        let format: ImageFormat
        do {
            format = try ImageFormat(of: bytes)
            _ = try ImageFile.decode(bytes, limits: limits)
        } catch {
            throw .broken(error)
        }
        let digest = Self.digest(of: data)
        let file = self.file(digest, format)
        if FileManager.default.fileExists(atPath: file.path) { return .stored(sha256: digest) }
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            chmod(path, 0o700)
            try data.write(to: file, options: .atomic)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        } catch {
            throw .unwritable(path: file.path, reason: error.localizedDescription)
        }
        return .stored(sha256: digest)
    }

    /// The file of a stored image.
    public func file(sha256 digest: String) throws(ImageFolderError) -> Data {
        for format in ImageFormat.allCases {
            if let data = FileManager.default.contents(atPath: file(digest, format).path) { return data }
        }
        throw .missing(path: file(digest, .png).deletingPathExtension().path)
    }

    /// Whether the folder has the image.
    public func contains(sha256 digest: String) -> Bool {
        ImageFormat.allCases.contains { FileManager.default.fileExists(atPath: file(digest, $0).path) }
    }

    /// Deletes an image; nothing happens if there is none.
    func remove(sha256 digest: String) throws(ImageFolderError) {
        for format in ImageFormat.allCases {
            let file = file(digest, format)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            do { try FileManager.default.removeItem(at: file) } catch {
                throw .unwritable(path: file.path, reason: error.localizedDescription)
            }
        }
    }

    /// The digests of all images.
    func digests() -> [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.compactMap { name in
            let digest = URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent
            return digest.utf8.count == 64 ? digest : nil
        }.sorted()
    }

    /// The SHA-256 of a file, in hexadecimal digits.
    static func digest(of data: Data) -> String {
        SHA256.hash(data: data).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }

    private func file(_ digest: String, _ format: ImageFormat) -> URL {
        URL(fileURLWithPath: path).appending(path: "\(digest.prefix(2))/\(digest).\(format.fileExtension)")
    }
}

/// Why an image cannot be stored or read.
public enum ImageFolderError: Error, Equatable, CustomStringConvertible {
    /// The file is missing or cannot be read.
    case missing(path: String)
    /// The file is not a valid image.
    case broken(ImageError)
    /// The file cannot be written.
    case unwritable(path: String, reason: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .missing(let path): "\(path): there is no such image"
        case .broken(let error): "\(error)"
        case .unwritable(let path, let reason): "\(path): \(reason)"
        }
    }
}
