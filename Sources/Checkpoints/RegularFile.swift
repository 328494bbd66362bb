import Foundation
import Support

/// A regular file, open for reading. Models, policies, prefix caches and keys are opened with this type: reading a FIFO
/// would wait for a writer for ever, and a device has no end.
package final class RegularFile: Sendable {
    /// The path where it was found; symbolic links are followed.
    package let path: String
    /// Its size.
    package let byteCount: Int
    let descriptor: Int32

    /// Opens the file at `path`.
    ///
    /// - Throws: `FileError`, also if the path is not a regular file.
    package init(path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
        var status = stat()
        let code = fstat(descriptor, &status) == 0 ? 0 : errno
        guard code == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            if code != 0 { throw FileError(path: path, operation: "inspect", code: code) }
            throw FileError(path: path, operation: "read", reason: "it is not a regular file")
        }
        self.path = path
        self.byteCount = Int(status.st_size)
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }
}

/// A regular file mapped into memory for reading.
///
/// The kernel shares the pages with every other process that maps the file and drops them under pressure. The file must
/// not be shortened while it is mapped: reading a missing page ends the process (`SIGBUS`). All code here that replaces
/// a file writes a new one and renames it over the old one, which leaves existing mappings whole.
package final class MappedFile: @unchecked Sendable {
    // Sendable: the mapping is never written and lives as long as the object.

    /// Where the file was found.
    package let path: String
    /// The file's size in bytes.
    package let count: Int
    private let base: UnsafeMutableRawPointer?

    /// Maps the whole file at `path`.
    package init(path: String) throws(FileError) {
        let file = try RegularFile(path: path)
        self.path = path
        self.count = file.byteCount
        guard count > 0 else {
            self.base = nil
            return
        }
        let mapping = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
        guard let mapping, mapping != MAP_FAILED else { throw FileError(path: path, operation: "map", code: errno) }
        self.base = mapping
    }

    deinit {
        if let base { munmap(base, count) }
    }

    /// Calls `body` with the bytes of `range`, which must lie in the file.
    package func withBytes<R, E: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of \(count)")
        defer { withExtendedLifetime(self) {} }
        guard let base else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return try body(UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }
}

/// Reads a whole regular file of up to `limit` bytes: configurations and manifests, never weights.
package func readSmallFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    let file = try MappedFile(path: path)
    guard file.count <= limit else {
        throw FileError(path: path, operation: "read", reason: "it has \(file.count) bytes, expected at most \(limit)")
    }
    return file.withBytes(0..<file.count, Array.init)
}

/// Decodes a JSON file of up to 1 MiB from another program; fields that `T` lacks are ignored.
package func decodeSmallFile<T: Decodable>(_ type: T.Type, path: String) throws(FileError) -> T {
    let bytes = try readSmallFile(path, limit: 1 << 20)
    do { return try decodeJSON(type, from: bytes) } catch {
        throw FileError(path: path, operation: "read", reason: error.reason)
    }
}

/// The system refused to read or write a file.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file.
    public let path: String
    /// The operation that failed: `open`, `map`, `write` …
    public let operation: String
    /// Why it failed.
    public let reason: String

    /// A failure with a reason from Apus.
    package init(path: String, operation: String, reason: String) {
        self.path = path
        self.operation = operation
        self.reason = reason
    }

    /// A failure whose reason is the system's `errno`.
    package init(path: String, operation: String, code: Int32) {
        self.init(path: path, operation: operation, reason: String(cString: strerror(code)))
    }

    /// One line for a person.
    public var description: String { "\(path): cannot \(operation): \(reason)" }
}
