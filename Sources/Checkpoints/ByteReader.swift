/// What is wrong in a file, and where.
public struct FileFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Bytes from the start of the file.
    public let offset: Int
    /// The field of the file that is wrong.
    public let field: String
    /// The value that the format asks for.
    public let expected: String
    /// The value in the file.
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

/// Reads little-endian values from a buffer, from front to back, and never past its end.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    /// The index of the next byte.
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Unread bytes.
    var remaining: Int { bytes.count - offset }

    /// Reads the next `count` bytes.
    mutating func take(_ count: Int, _ field: String) throws(FileFault) -> UnsafeRawBufferPointer {
        guard count <= remaining else {
            throw FileFault(at: offset, field, expected: "\(count) bytes", found: "\(remaining) before the end")
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// Reads an integer.
    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(
        _ field: String, as type: T.Type = T.self
    ) throws(FileFault) -> T {
        T(littleEndian: try take(MemoryLayout<T>.size, field).loadUnaligned(as: T.self))
    }

    /// Reads a 64-bit count, which must not exceed `limit`.
    mutating func count(_ field: String, limit: Int) throws(FileFault) -> Int {
        let start = offset
        let value = try integer(field, as: UInt64.self)
        guard let count = Int(exactly: value), count <= limit else {
            throw FileFault(at: start, field, expected: "a count of at most \(limit)", found: "\(value)")
        }
        return count
    }

    /// Reads text: its length in bytes (64 bits), then that many bytes of UTF-8.
    mutating func string(_ field: String, limit: Int = .max) throws(FileFault) -> String {
        let length = try count(field, limit: limit)
        let start = offset
        guard let text = String(validating: try take(length, field), as: UTF8.self) else {
            throw FileFault(at: start, field, expected: "UTF-8", found: "other bytes")
        }
        return text
    }
}
