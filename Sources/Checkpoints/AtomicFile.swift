import Foundation

/// Writes files so that a reader, or a crash at any moment, finds the old bytes or all of the new ones.
public enum AtomicFile {
    /// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and renames it.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        try write(to: path) { append throws(FileError) in try append(bytes) }
    }

    /// The same for a file that is made piece by piece: `body` gets a function that appends bytes. `mode` is what the
    /// owner, the group and others may do.
    public static func write(
        to path: String, mode: UInt32 = 0o644,
        _ body: (_ append: ([UInt8]) throws(FileError) -> Void) throws(FileError) -> Void
    ) throws(FileError) {
        let temporary = "\(path).\(getpid()).tmp"
        do throws(FileError) {
            try writeAndFlush(to: temporary, mode: mode, body)
            guard rename(temporary, path) == 0 else { throw FileError(path: path, operation: "rename", code: errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        try flush(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    private static func writeAndFlush(
        to path: String, mode: UInt32, _ body: (([UInt8]) throws(FileError) -> Void) throws(FileError) -> Void
    ) throws(FileError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "create", code: errno) }
        defer { close(descriptor) }
        try body { bytes throws(FileError) in try write(bytes, to: descriptor, path: path) }
        guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "flush", code: errno) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                written += count
            } else if count == 0 || errno != EINTR {
                throw FileError(path: path, operation: "write", code: errno)
            }
        }
    }

    /// Makes what was written to a file, or the names in a folder, survive a power cut.
    static func flush(_ path: String) throws(FileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open", code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "flush", code: errno) }
    }
}
