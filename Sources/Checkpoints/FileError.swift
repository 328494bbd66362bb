import Foundation

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
