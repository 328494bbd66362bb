import Crypto
import Foundation
public import Images

/// An image of a user's own data: a file, or bytes that stand in the data themselves. Its pixels are decoded when they
/// are needed.
public struct OwnImage: Sendable, Hashable {
    private enum Content: Hashable {
        case file(String)
        case bytes([UInt8])
    }

    private let content: Content
    /// The SHA-256 of width, height and decoded pixels, in hexadecimal digits: equal images have equal digests,
    /// whatever the format of their files.
    public let digest: String
    /// Pixels per row.
    public let width: Int
    /// The number of rows.
    public let height: Int
    /// The format of the bytes.
    public let format: ImageFormat

    init(file path: String) throws(OwnFieldFault) {
        try self.init(.file(path), bytes: OwnFile.image(path))
    }

    init(bytes: [UInt8]) throws(OwnFieldFault) {
        try self.init(.bytes(bytes), bytes: bytes)
    }

    private init(_ content: Content, bytes: [UInt8]) throws(OwnFieldFault) {
        let image: RGBImage
        do {
            format = try ImageFormat(of: bytes)
            image = try ImageFile.decode(bytes).rgb
        } catch { throw OwnFieldFault("\(error)") }
        self.content = content
        (width, height) = (image.width, image.height)
        digest = Self.digest(of: image)
    }

    /// The encoded image.
    ///
    /// - Throws: `OwnDataError` if its file can no longer be read.
    public func bytes() throws(OwnDataError) -> [UInt8] {
        switch content {
        case .bytes(let bytes): return bytes
        case .file(let path):
            do { return try OwnFile.image(path) } catch { throw .unusable(path: path, reason: error.reason) }
        }
    }

    /// The pixels.
    ///
    /// - Throws: `OwnDataError` if its file can no longer be read, or shows something else than before.
    public func decoded() throws(OwnDataError) -> RGBImage {
        let (bytes, path) = (try bytes(), place)
        let image: RGBImage
        do { image = try ImageFile.decode(bytes).rgb } catch { throw .unusable(path: path, reason: "\(error)") }
        guard Self.digest(of: image) == digest else {
            throw .unusable(path: path, reason: "the image has changed since the data were read")
        }
        return image
    }

    private var place: String {
        if case .file(let path) = content { path } else { "an image in the data" }
    }

    private static func digest(of image: RGBImage) -> String {
        var hasher = SHA256()
        hasher.update(data: Data("\(image.width) \(image.height)\n".utf8))
        hasher.update(data: image.pixels)
        return hasher.finalize().hexadecimal
    }

    /// Equal images may come from different files.
    public static func == (one: OwnImage, other: OwnImage) -> Bool { one.digest == other.digest }

    /// Hashes the digest alone.
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

extension SHA256.Digest {
    /// 64 hexadecimal digits in lower case.
    var hexadecimal: String {
        map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}

/// Reads the images that one file of data names. Many questions may be about one image, which is then decoded once.
struct OwnImageReader {
    /// Upper bound on the images of one conversation.
    static let maximumImages = 32

    private let folder: String
    private var images: [String: Result<OwnImage, OwnFieldFault>] = [:]

    /// A reader of images below `folder`.
    init(folder: String) {
        self.folder = URL(fileURLWithPath: folder.isEmpty ? "." : folder).resolvingSymlinksInPath().path
    }

    /// The image that a text names: a data URL, or a path relative to the folder.
    mutating func image(named name: String, field: String) throws(OwnFieldFault) -> OwnImage {
        if name.hasPrefix("data:") { return try at(field) { () throws(OwnFieldFault) in try Self.inline(name) } }
        let result =
            images[name]
            ?? Result { () throws(OwnFieldFault) in
                let path = try path(of: name)
                return try at(Self.shown(name)) { () throws(OwnFieldFault) in try OwnImage(file: path) }
            }
        images[name] = result
        return try at(field) { () throws(OwnFieldFault) in try result.get() }
    }

    /// The image that `base64` encodes.
    func image(base64: String, field: String) throws(OwnFieldFault) -> OwnImage {
        try at(field) { () throws(OwnFieldFault) in try Self.image(base64: base64) }
    }

    private func at<Value>(
        _ field: String, _ body: () throws(OwnFieldFault) -> Value
    ) throws(OwnFieldFault) -> Value {
        do { return try body() } catch { throw OwnFieldFault("\(field): \(error.reason)") }
    }

    private static func inline(_ url: String) throws(OwnFieldFault) -> OwnImage {
        guard let comma = url.firstIndex(of: ","), url[..<comma].hasSuffix(";base64") else {
            throw OwnFieldFault("expected a data URL like data:image/png;base64,…")
        }
        return try image(base64: String(url[url.index(after: comma)...]))
    }

    private static func image(base64: String) throws(OwnFieldFault) -> OwnImage {
        guard let data = Data(base64Encoded: base64), !data.isEmpty else { throw OwnFieldFault("this is no base64") }
        return try OwnImage(bytes: [UInt8](data))
    }

    /// The path of a file below the folder; symbolic links may not lead out of it.
    private func path(of name: String) throws(OwnFieldFault) -> String {
        if name.hasPrefix("http://") || name.hasPrefix("https://") {
            throw OwnFieldFault("\(Self.shown(name)) is a web address; download the image and name its file")
        }
        if name.contains("://") { throw OwnFieldFault("\(Self.shown(name)): expected a path or a data URL") }
        guard !name.isEmpty, !name.utf8.contains(0) else { throw OwnFieldFault("expected the path of an image") }
        guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else {
            throw OwnFieldFault(
                "\(Self.shown(name)): expected a path below the folder of the data, without .. or a / at its start"
            )
        }
        let path = URL(fileURLWithPath: "\(folder)/\(name)").resolvingSymlinksInPath().path
        guard path.hasPrefix(folder == "/" ? "/" : folder + "/") else {
            throw OwnFieldFault("\(Self.shown(name)): a symbolic link leads out of the folder of the data")
        }
        return path
    }

    private static func shown(_ name: String) -> String {
        name.count > 120 ? name.prefix(120) + "…" : name
    }
}

/// Reads regular files within limits.
enum OwnFile {
    /// How much is read at a time.
    private static let chunk = 1 << 20

    /// The bytes of a file.
    ///
    /// - Parameters:
    ///   - limit: upper bound on the file's bytes.
    ///   - line: upper bound on the bytes of a line, unless the file is a JSON array, which may be on one line. Reading
    ///     stops there, so that no line takes more memory.
    static func read(_ path: String, limit: Int, line: Int = .max) throws(OwnFieldFault) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw OwnFieldFault("cannot be read: \(String(cString: strerror(errno)))") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw OwnFieldFault("cannot be read: it is not a regular file")
        }
        guard status.st_size <= limit else {
            throw OwnFieldFault("the file has \(status.st_size) bytes, expected at most \(limit)")
        }
        do {
            var bytes: [UInt8] = []
            var (number, start) = (1, 0)
            while let data = try handle.read(upToCount: chunk), !data.isEmpty {
                guard bytes.count + data.count <= limit else {
                    throw OwnFieldFault("the file has more than \(limit) bytes")
                }
                bytes += data
                if line == .max || isArray(bytes) { continue }
                for index in bytes.indices.suffix(data.count) where bytes[index] == UInt8(ascii: "\n") {
                    (number, start) = (number + 1, index + 1)
                }
                guard bytes.count - start <= line else {
                    throw OwnFieldFault("line \(number) has more than \(line) bytes")
                }
            }
            return bytes
        } catch let error as OwnFieldFault { throw error } catch {
            throw OwnFieldFault("cannot be read: \(error.localizedDescription)")
        }
    }

    private static func isArray(_ bytes: [UInt8]) -> Bool {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        return text.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "[")
    }

    /// The bytes of an image's file.
    static func image(_ path: String) throws(OwnFieldFault) -> [UInt8] {
        try read(path, limit: ImageLimits.standard.maximumBytes)
    }
}
