import Foundation
import Support

/// Reads JSON lines files with errors that name file and line.
enum PreferenceLines {
    /// What `convert` makes of each line that is not blank, in order, with the line's number, counted from 1. Unknown
    /// fields are errors.
    static func load<Line: Codable, Value>(
        _ type: Line.Type, path: String, _ convert: (Line) throws -> Value
    ) throws(PreferenceError) -> [(line: Int, value: Value)] {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        var values: [(line: Int, value: Value)] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) {
            do {
                values.append((index + 1, try convert(try decodeStrictJSON(type, from: [UInt8](line)))))
            } catch {
                let reason = (error as? JSONFault)?.reason ?? "\(error)"
                throw .malformed(path: path, line: index + 1, reason: reason)
            }
        }
        return values
    }
}
