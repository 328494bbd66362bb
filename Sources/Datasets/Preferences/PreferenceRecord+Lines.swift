public import Foundation

extension PreferenceRecord {
    /// The records of a JSON lines file, in order; blank lines are passed over.
    ///
    /// - Throws: `PreferenceError` naming the file and the line.
    public static func load(path: String) throws(PreferenceError) -> [PreferenceRecord] {
        try numbered(path: path).map(\.record)
    }

    /// The same, each with the number of its line, counted from 1.
    public static func numbered(path: String) throws(PreferenceError) -> [(line: Int, record: PreferenceRecord)] {
        try PreferenceLines.load(PreferenceRecord.self, path: path) { $0 }.map { (line: $0.line, record: $0.value) }
    }

    /// The record as one line of a JSON lines file, line feed included; fields in alphabetical order.
    public func line() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self) + [UInt8(ascii: "\n")]
    }
}

/// Why preferences cannot be read from a file.
public enum PreferenceError: Error, Equatable, CustomStringConvertible {
    /// The file is missing or cannot be read.
    case unreadable(path: String)
    /// A line, counted from 1, is no record.
    case malformed(path: String, line: Int, reason: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .unreadable(let path): "\(path): cannot be read"
        case .malformed(let path, let line, let reason): "\(path): line \(line): \(reason)"
        }
    }
}
