import Foundation

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
