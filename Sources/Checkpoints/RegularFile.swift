import Foundation

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
