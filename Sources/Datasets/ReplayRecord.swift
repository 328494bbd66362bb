import Foundation

/// A text conversation with a reply by the base model: training on it beside images preserves the base model's
/// language.
///
/// Stored as JSON lines: `{"prompt": [ids], "reply": [ids]}`; the reply ends with the end token.
public struct ReplayRecord: Codable, Sendable, Equatable {
    /// The rendered prompt.
    public var prompt: [Int32]
    /// The model's reply.
    public var reply: [Int32]

    /// A conversation of the given tokens.
    public init(prompt: [Int32], reply: [Int32]) {
        self.prompt = prompt
        self.reply = reply
    }

    /// The records of a JSON lines file, in order.
    ///
    /// - Parameter vocabulary: token ids must lie in `0..<vocabulary`.
    /// - Throws: `ReplayError` naming the file and line.
    public static func load(path: String, vocabulary: Int) throws(ReplayError) -> [ReplayRecord] {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
        var records: [ReplayRecord] = []
        let decoder = JSONDecoder()
        for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
            guard let record = try? decoder.decode(ReplayRecord.self, from: line) else {
                throw .malformed(path: path, line: index + 1, expected: "an object of two lists, prompt and reply")
            }
            guard !record.prompt.isEmpty, !record.reply.isEmpty else {
                throw .malformed(path: path, line: index + 1, expected: "a prompt and a reply of at least one token")
            }
            guard (record.prompt + record.reply).allSatisfy({ $0 >= 0 && $0 < vocabulary }) else {
                throw .malformed(path: path, line: index + 1, expected: "token ids below \(vocabulary)")
            }
            records.append(record)
        }
        return records
    }
}

/// Why replay records cannot be read.
public enum ReplayError: Error, Equatable, CustomStringConvertible {
    /// The file is missing or cannot be read.
    case unreadable(path: String)
    /// A line is not a valid record. Empty lines are not counted.
    case malformed(path: String, line: Int, expected: String)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .unreadable(let path): "\(path): cannot be read"
        case .malformed(let path, let line, let expected): "\(path): line \(line): expected \(expected)"
        }
    }
}
