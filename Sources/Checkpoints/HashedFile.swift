import Crypto

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
