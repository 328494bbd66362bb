import Crypto
public import Datasets
public import Foundation
public import Images

/// Keeps the pictures that people sent, by the SHA-256 of their PNG files: `images/ab/<sha256>.png`.
public struct PictureFolder: Sendable {
    private let path: String

    /// The pictures of the data folder at `path`; nothing is created before the first picture is kept.
    public init(dataFolder path: String) {
        self.path = path + "/images"
    }

    /// Keeps a PNG file that decodes; the same bytes are kept once.
    public func keep(_ png: Data) throws(PictureFolderError) -> PictureReference {
        do {
            _ = try PNG.decode([UInt8](png))
        } catch {
            throw .broken(error)
        }
        let digits = SHA256.hash(data: png).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }
        let digest = digits.joined()
        let file = self.file(digest)
        if FileManager.default.fileExists(atPath: file.path) { return .stored(sha256: digest) }
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try png.write(to: file, options: .atomic)
        } catch {
            throw .unwritable(path: file.path, reason: error.localizedDescription)
        }
        return .stored(sha256: digest)
    }

    /// The bytes of a kept picture.
    public func png(sha256 digest: String) throws(PictureFolderError) -> Data {
        guard let data = FileManager.default.contents(atPath: file(digest).path) else {
            throw .missing(path: file(digest).path)
        }
        return data
    }

    private func file(_ digest: String) -> URL {
        URL(fileURLWithPath: path).appending(path: "\(digest.prefix(2))/\(digest).png")
    }
}

/// Why a picture cannot be kept or had.
public enum PictureFolderError: Error, Equatable, CustomStringConvertible {
    /// It is not there, or cannot be read.
    case missing(path: String)
    /// It is no picture.
    case broken(PNGError)
    /// It cannot be written.
    case unwritable(path: String, reason: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .missing(let path): "\(path): there is no such picture"
        case .broken(let error): "\(error)"
        case .unwritable(let path, let reason): "\(path): \(reason)"
        }
    }
}
