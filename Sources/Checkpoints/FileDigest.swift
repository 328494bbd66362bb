import Crypto
import Foundation

/// A file's size and SHA-256, which identify its bytes.
public struct FileDigest: Codable, Equatable, Sendable {
    /// The SHA-256, in 64 lower-case hexadecimal digits.
    public var sha256: String
    /// The size in bytes.
    public var bytes: Int

    /// The given digest.
    public init(sha256: String, bytes: Int) {
        self.sha256 = sha256
        self.bytes = bytes
    }

    /// Computes the digest of the file at `path`.
    public init(path: String) throws(FileError) {
        let file = try RegularFile(path: path)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var hasher = SHA256()
        var total = 0
        while true {
            let count = read(file.descriptor, buffer.baseAddress, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileError(path: path, operation: "read", code: errno)
            }
            hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            total += count
        }
        self.init(sha256: Self.hexadecimal(hasher.finalize()), bytes: total)
    }

    /// The SHA-256 of a text.
    package static func sha256(of text: String) -> String { sha256(of: Array(text.utf8)) }

    /// The SHA-256 of bytes.
    package static func sha256(of bytes: [UInt8]) -> String { hexadecimal(SHA256.hash(data: bytes)) }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.map { hexadecimal($0) }.joined()
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
    }

    /// Whether `text` can be a SHA-256.
    package static func isSHA256(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// A file that ends with the SHA-256 of all bytes before it, so that truncation and changes are detected.
public struct HashedFile: Sendable {
    /// Where the file was found.
    public let path: String
    /// Bytes before the digest.
    public let count: Int
    private let file: MappedFile

    /// Maps the file at `path` and verifies its digest.
    ///
    /// - Throws: `FileError`; also if the bytes do not match the digest.
    public init(path: String) throws(FileError) {
        let file = try MappedFile(path: path)
        guard file.count >= SHA256.byteCount else {
            throw FileError(path: path, operation: "read", reason: "it is too short to end with a SHA-256")
        }
        let count = file.count - SHA256.byteCount
        let digest = file.withBytes(0..<count) { bytes in
            var hasher = SHA256()
            hasher.update(bufferPointer: bytes)
            return Array(hasher.finalize())
        }
        guard file.withBytes(count..<file.count, Array.init) == digest else {
            throw FileError(path: path, operation: "read", reason: "its bytes do not have the SHA-256 at its end")
        }
        self.path = path
        self.count = count
        self.file = file
    }

    /// The bytes of `range`, which must lie before the digest.
    public func bytes(_ range: Range<Int>) -> [UInt8] {
        precondition(range.upperBound <= count, "bytes \(range) of \(count)")
        return file.withBytes(range, Array.init)
    }

    /// Writes `pieces` one after the other, then their digest, atomically to a file that only its owner may read.
    public static func write(_ pieces: some Sequence<[UInt8]>, to path: String) throws(FileError) {
        try AtomicFile.write(to: path, mode: 0o600) { append throws(FileError) in
            var hasher = SHA256()
            for piece in pieces {
                hasher.update(data: piece)
                try append(piece)
            }
            try append(Array(hasher.finalize()))
        }
    }
}
