import Foundation

/// Reads JSON lines files with errors that name file and line.
enum PreferenceLines {
    /// What `read` makes of each line that is not blank, in order.
    static func load<Value>(
        path: String, _ read: (Data, JSONDecoder) throws -> Value
    ) throws(PreferenceError) -> [Value] {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        let decoder = JSONDecoder()
        var values: [Value] = []
        for (index, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) {
            do {
                values.append(try read(line, decoder))
            } catch {
                let reason = (error as? DecodingError)?.placeAndReason ?? "\(error)"
                throw .malformed(path: path, line: index + 1, reason: reason)
            }
        }
        return values
    }
}
