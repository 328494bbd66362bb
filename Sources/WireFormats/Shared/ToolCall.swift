public import Support

/// A call of a function: in an answer, or in the history of a request.
public struct ToolCall: Sendable, Equatable {
    /// The id by which the result refers to the call.
    public var id: String
    /// The function.
    public var name: String
    /// The arguments, a JSON object, or the beginning of one if the answer was cut.
    public var arguments: String

    /// A call.
    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }

    /// The call in OpenAI's format.
    public var json: JSON {
        [
            "id": .string(id), "type": "function",
            "function": ["name": .string(name), "arguments": .string(arguments)],
        ]
    }
}

/// A step of a call in an answer. The calls of a choice come one after the other: one `begin`, any number of
/// `arguments`, one `end`.
public struct ToolCallPiece: Sendable, Equatable {
    /// The steps.
    public enum Step: Sendable, Equatable {
        /// The model calls the function `name`.
        case begin(id: String, name: String)
        /// More of the arguments' JSON text; never empty.
        case arguments(String)
        /// The call ends. It is not complete if the answer was cut short.
        case end(isComplete: Bool)
    }

    /// The choice's index.
    public var choice: Int
    /// The index of the call in the choice.
    public var index: Int
    /// The step.
    public var step: Step
    /// The ids of the tokens since the piece before; nil if the request did not ask for them.
    public var tokenIDs: [Int32]?

    /// A step of a call.
    public init(choice: Int = 0, index: Int, step: Step) {
        self.choice = choice
        self.index = index
        self.step = step
    }
}

extension [ToolCall] {
    /// Adds a step of a call.
    public mutating func append(_ piece: ToolCallPiece) {
        switch piece.step {
        case .begin(let id, let name): append(ToolCall(id: id, name: name, arguments: ""))
        case .arguments(let text): if !isEmpty { self[count - 1].arguments += text }
        case .end: break
        }
    }
}

/// Finds calls of functions in a model's text, as it is generated.
///
/// A call is written as in Hermes and Qwen: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`. White space before
/// a call is not part of the text, and nothing behind a call is. Text that may still become a call is held back.
public struct ToolCallParser: Sendable {
    /// What a piece of the model's text turns out to be.
    public enum Output: Sendable, Equatable {
        /// Text of the answer.
        case text(String)
        /// A call of a function begins.
        case begin(name: String)
        /// More of its arguments.
        case arguments(String)
        /// The call ends.
        case end(isComplete: Bool)
    }

    /// What the model writes before and after a call.
    public static let (opening, closing) = ("<tool_call>", "</tool_call>")

    private enum State {
        case text
        /// Before the arguments.
        case head
        /// In the arguments, at a depth of brackets.
        case arguments(JSONExtent)
        /// Behind the arguments.
        case tail
    }

    private var state = State.text
    /// Bytes that were not passed on yet.
    private var held: [UInt8] = []
    /// The number of calls that are complete.
    public private(set) var completeCalls = 0
    /// Whether text may still come. Behind a call there are only other calls.
    private var mayHaveText: Bool

    /// A parser at the start of an answer.
    ///
    /// - Parameter mayHaveText: whether there may be text before a call or without one. Otherwise the answer is nothing
    ///   but calls, and what is no complete call is not passed on.
    public init(mayHaveText: Bool = true) {
        self.mayHaveText = mayHaveText
    }

    /// Adds a piece of text.
    public mutating func append(_ text: String) -> [Output] {
        held += Array(text.utf8)
        var outputs: [Output] = []
        while advance(&outputs) {}
        return outputs
    }

    /// Ends the text.
    ///
    /// - Parameter isCut: whether the answer was cut at its length. What would have become a call then is no text.
    public mutating func finish(isCut: Bool = false) -> [Output] {
        defer { held = [] }
        switch state {
        case .text:
            let isMark = Self.certainEnd(of: held) < held.count
            guard mayHaveText, !held.isEmpty, !(isCut && isMark) else { return [] }
            return [.text(String(decoding: held, as: UTF8.self))]
        case .arguments: return [.end(isComplete: false)]
        // A call without a name is none.
        case .head, .tail: return []
        }
    }

    /// Takes a step; false if it needs more text.
    private mutating func advance(_ outputs: inout [Output]) -> Bool {
        switch state {
        case .text: return findOpening(&outputs)
        case .head: return readHead(&outputs)
        case .arguments(var extent):
            let end = extent.end(in: held)
            let part = held[..<(end ?? held.count)]
            if !part.isEmpty { outputs.append(.arguments(String(decoding: part, as: UTF8.self))) }
            held.removeFirst(part.count)
            state = end == nil ? .arguments(extent) : .tail
            guard end != nil else { return false }
            outputs.append(.end(isComplete: true))
            completeCalls += 1
            return true
        case .tail:
            guard let end = Self.range(of: Self.closing, in: held) else { return false }
            held.removeFirst(end.upperBound)
            state = .text
            return true
        }
    }

    private mutating func findOpening(_ outputs: inout [Output]) -> Bool {
        let found = Self.range(of: Self.opening, in: held)
        var end = found?.lowerBound ?? Self.certainEnd(of: held)
        while end > 0, Self.isSpace(held[end - 1]) { end -= 1 }
        if end > 0 {
            if mayHaveText { outputs.append(.text(String(decoding: held[..<end], as: UTF8.self))) }
            held.removeFirst(end)
        }
        guard let found else { return false }
        held.removeFirst(found.upperBound - end)
        (state, mayHaveText) = (.head, false)
        return true
    }

    /// Reads `{"name": "…", "arguments": ` once it is complete.
    private mutating func readHead(_ outputs: inout [Output]) -> Bool {
        var cursor = held[...]
        func skip(_ text: String, _ cursor: inout ArraySlice<UInt8>) -> Bool {
            cursor = cursor.drop(while: Self.isSpace)
            guard cursor.starts(with: text.utf8) else { return false }
            cursor = cursor.dropFirst(text.utf8.count)
            return true
        }
        for text in ["{", "\"name\"", ":"] { guard skip(text, &cursor) else { return false } }
        cursor = cursor.drop(while: Self.isSpace)
        var extent = JSONExtent()
        guard let end = extent.end(in: Array(cursor)),
            case .string(let name)? = try? JSON.parse(Array(cursor.prefix(end)))
        else { return false }
        cursor = cursor.dropFirst(end)
        for text in [",", "\"arguments\"", ":"] { guard skip(text, &cursor) else { return false } }
        cursor = cursor.drop(while: Self.isSpace)
        guard !cursor.isEmpty else { return false }
        outputs.append(.begin(name: name))
        held = Array(cursor)
        state = .arguments(JSONExtent())
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func range(of text: String, in bytes: [UInt8]) -> Range<Int>? {
        let needle = Array(text.utf8)
        guard bytes.count >= needle.count else { return nil }
        let start = (0...bytes.count - needle.count).first { bytes[$0..<$0 + needle.count].elementsEqual(needle) }
        return start.map { $0..<$0 + needle.count }
    }

    /// The end of the text that cannot become the beginning of a call.
    private static func certainEnd(of bytes: [UInt8]) -> Int {
        let opening = Array(Self.opening.utf8)
        let length = stride(from: min(opening.count - 1, bytes.count), to: 0, by: -1).first {
            bytes.suffix($0).elementsEqual(opening.prefix($0))
        }
        return bytes.count - (length ?? 0)
    }
}

/// Finds the end of a JSON object, array or string in text that arrives in pieces.
private struct JSONExtent {
    private var depth = 0
    private var isString = false
    private var isEscaped = false

    /// The index behind the value; nil if it does not end in these bytes.
    mutating func end(in bytes: [UInt8]) -> Int? {
        for (index, byte) in bytes.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if isString {
                if byte == UInt8(ascii: "\\") { isEscaped = true }
                if byte == UInt8(ascii: "\"") { isString = false }
            } else if byte == UInt8(ascii: "\"") {
                isString = true
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                depth += 1
            } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                depth -= 1
            }
            if depth == 0, !isString { return index + 1 }
        }
        return nil
    }
}
