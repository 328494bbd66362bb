/// What is wrong in a file and where.
public struct FileFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Bytes from the start of the file.
    public let offset: Int
    /// The part of the file that is wrong.
    public let field: String
    /// What should be there.
    public let expected: String
    /// What is there.
    public let found: String

    init(at offset: Int, _ field: String, expected: String, found: String) {
        self.offset = offset
        self.field = field
        self.expected = expected
        self.found = found
    }

    /// One line for a person.
    public var description: String { "byte \(offset), \(field): expected \(expected), found \(found)" }
}

/// Reads little-endian values from the front of some bytes and never past their end.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    /// The next byte to be read.
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Bytes not read yet.
    var remaining: Int { bytes.count - offset }

    /// Takes the next `count` bytes.
    mutating func take(_ count: Int, _ field: String) throws(FileFault) -> UnsafeRawBufferPointer {
        guard count <= remaining else {
            throw FileFault(at: offset, field, expected: "\(count) bytes", found: "\(remaining) before the end")
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Takes an integer.
    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _ field: String, as type: T.Type = T.self
    ) throws(FileFault) -> T {
        T(littleEndian: try take(MemoryLayout<T>.size, field).loadUnaligned(as: T.self))
    }

    /// Takes an integer of 64 bits that counts things, at most `limit`.
    mutating func count(_ field: String, limit: Int) throws(FileFault) -> Int {
        let start = offset
        let value = try integer(field, as: UInt64.self)
        guard let count = Int(exactly: value), count <= limit else {
            throw FileFault(at: start, field, expected: "a count of at most \(limit)", found: "\(value)")
        }
        return count
    }

    /// Takes text: its length in bytes (64 bits), then that many bytes of UTF-8.
    mutating func string(_ field: String, limit: Int = .max) throws(FileFault) -> String {
        let length = try count(field, limit: limit)
        let start = offset
        guard let text = String(validating: try take(length, field), as: UTF8.self) else {
            throw FileFault(at: start, field, expected: "UTF-8", found: "other bytes")
        }
        return text
    }
}
