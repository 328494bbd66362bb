public import Tokenizers

/// An example of a user's own data: a conversation with images in place, and the answer that belongs to it.
///
/// A conversation of several turns gives one example for each answer in it.
public struct OwnExample: Sendable, Equatable {
    /// The part of the data that an example's file puts it in.
    public enum Split: String, Sendable, CaseIterable {
        /// To learn from.
        case train
        /// To measure on.
        case validation
        /// To measure on.
        case test

        /// Whether training must not see it.
        public var isHeldOut: Bool { self != .train }
    }

    /// The file and line that an example was read from.
    public struct Source: Sendable, Hashable, CustomStringConvertible {
        /// The file, as it was named.
        public let file: String
        /// The line at which the example begins, counted from 1.
        public let line: Int

        /// FILE:LINE.
        public var description: String { "\(file):\(line)" }
    }

    /// The turns before the answer; the last one is the user's. Images are numbers in `images`.
    public let messages: [ChatMessage]
    /// The images, in the order in which the conversation shows them.
    public let images: [OwnImage]
    /// The answer; nil for a prompt without one, which rankings can use.
    public let answer: String?
    /// The part of the data that the file names; nil if it names none.
    public let split: Split?
    /// Where it was read.
    public let source: Source

    /// The text of the user's last turn.
    public var question: String {
        (messages.last?.content ?? []).map { if case .text(let text) = $0 { text } else { "" } }.joined()
    }

    /// Whether the user's last turn shows an image behind text. Apus's page and `/v1/ask` show images first.
    public var showsImageAfterText: Bool {
        let content = messages.last?.content ?? []
        guard let text = content.firstIndex(where: { if case .text = $0 { true } else { false } }) else { return false }
        return content[text...].contains { if case .image = $0 { true } else { false } }
    }
}

/// A line that cannot be used, and why.
public struct OwnDataFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file and line.
    public let source: OwnExample.Source
    /// The field and what is wrong with it.
    public let reason: String

    /// A fault at a place in a file.
    public init(source: OwnExample.Source, reason: String) {
        self.source = source
        self.reason = reason
    }

    /// FILE:LINE and the reason.
    public var description: String { "\(source): \(reason)" }
}

/// Why a file or folder cannot be read at all, or cannot be trained on.
public enum OwnDataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file or folder; `reason` says what is wrong and what to do.
    case unusable(path: String, reason: String)
    /// Lines that cannot be used: the first ones, and the number of all.
    case badLines(first: [OwnDataFault], count: Int)

    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .unusable(let path, let reason): "\(path): \(reason)"
        case .badLines(let first, let count):
            first.map(\.description).joined(separator: "\n")
                + "\n\(count) \(count == 1 ? "line" : "lines") cannot be used; `apus data check` names all of them"
        }
    }
}

/// What is wrong with a value inside a line: the field and the problem.
struct OwnFieldFault: Error, Equatable {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
