import Foundation

/// Reads JSON lines files with errors that name file and line.
enum PreferenceLines {
    /// What `read` makes of each line that is not blank, in order, with the line's number, counted from 1.
    static func load<Value>(
        path: String, _ read: (Data, JSONDecoder) throws -> Value
    ) throws(PreferenceError) -> [(line: Int, value: Value)] {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        let decoder = JSONDecoder()
        var values: [(line: Int, value: Value)] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) {
            do {
                values.append((index + 1, try read(line, decoder)))
            } catch {
                let reason = (error as? DecodingError)?.placeAndReason ?? "\(error)"
                throw .malformed(path: path, line: index + 1, reason: reason)
            }
        }
        return values
    }
}
