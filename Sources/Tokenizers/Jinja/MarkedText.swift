/// A string of a chat template as Python sees it, a row of Unicode scalars, in which every scalar knows its origin.
///
/// A trusted scalar stems from the template itself, every other one from the caller. Slices, joins and changes of case
/// keep the marks, so that the tokenizer can tell a turn's end that the template wrote from one that a person typed.
struct MarkedText: Sendable {
    /// A scalar with its mark.
    struct Character: Sendable, Hashable {
        private let bits: UInt32
        private static let mark: UInt32 = 1 << 31

        init(_ scalar: Unicode.Scalar, isTrusted: Bool) {
            bits = scalar.value | (isTrusted ? Self.mark : 0)
        }

        /// Whether the template wrote it.
        var isTrusted: Bool { bits & Self.mark != 0 }

        /// The scalar.
        var scalar: Unicode.Scalar { Unicode.Scalar(bits & ~Self.mark) ?? "\u{FFFD}" }

        /// Scalars are compared without their marks, as Python compares them.
        static func == (one: Character, other: Character) -> Bool { (one.bits ^ other.bits) & ~mark == 0 }

        func hash(into hasher: inout Hasher) { hasher.combine(bits & ~Self.mark) }
    }

    /// The scalars in order.
    var characters: [Character]
    /// Whether it is markup, as the filters `safe` and `escape` make it: text that is added to it is escaped.
    private(set) var isMarkup = false

    /// The given scalars.
    init(_ characters: some Sequence<Character>) {
        self.characters = Array(characters)
    }

    /// A text of one origin.
    init(_ text: some StringProtocol, isTrusted: Bool) {
        characters = text.unicodeScalars.map { Character($0, isTrusted: isTrusted) }
    }

    /// The text without marks.
    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: characters.lazy.map(\.scalar))
        return String(view)
    }

    /// The number of scalars.
    var count: Int { characters.count }

    /// Whether there is no scalar.
    var isEmpty: Bool { characters.isEmpty }

    /// Whether the template wrote all of it.
    var isTrusted: Bool { characters.allSatisfy(\.isTrusted) }

    /// UTF-8, with the ranges of bytes that the template wrote.
    var bytes: (text: [UInt8], trusted: [Range<Int>]) {
        var text: [UInt8] = []
        var trusted: [Range<Int>] = []
        text.reserveCapacity(characters.count)
        for character in characters {
            let start = text.count
            text.append(contentsOf: UTF8.encode(character.scalar) ?? UTF8.encodedReplacementCharacter)
            guard character.isTrusted else { continue }
            if let last = trusted.last, last.upperBound == start {
                trusted[trusted.count - 1] = last.lowerBound..<text.count
            } else {
                trusted.append(start..<text.count)
            }
        }
        return (text, trusted)
    }
}

extension MarkedText: Hashable, Comparable {
    static func == (one: MarkedText, other: MarkedText) -> Bool { one.characters == other.characters }

    func hash(into hasher: inout Hasher) { hasher.combine(characters) }

    static func < (one: MarkedText, other: MarkedText) -> Bool {
        one.characters.lexicographicallyPrecedes(other.characters) { $0.scalar.value < $1.scalar.value }
    }
}

extension MarkedText: ExpressibleByStringLiteral {
    /// A literal of the program is trusted.
    init(stringLiteral value: String) {
        self.init(value, isTrusted: true)
    }
}

extension MarkedText {
    static func + (one: MarkedText, other: MarkedText) -> MarkedText {
        MarkedText(one.characters + other.characters)
    }

    static func += (one: inout MarkedText, other: MarkedText) { one.characters += other.characters }

    /// The same text, as written by the caller.
    var untrusted: MarkedText { MarkedText(characters.lazy.map { Character($0.scalar, isTrusted: false) }) }

    /// Where `part` first begins at or after `start`; an empty part begins everywhere. It takes linear time (Knuth,
    /// Morris and Pratt, "Fast pattern matching in strings", 1977).
    func firstIndex(of part: MarkedText, from start: Int = 0) -> Int? {
        guard start + part.count <= count else { return nil }
        guard !part.isEmpty else { return start }
        let part = part.characters
        // The length of the longest proper prefix that ends at each place of the part.
        var borders = [0]
        func extended(_ length: Int, by character: Character) -> Int {
            var length = length
            while length > 0, part[length] != character { length = borders[length - 1] }
            return part[length] == character ? length + 1 : 0
        }
        for character in part.dropFirst() { borders.append(extended(borders[borders.count - 1], by: character)) }
        var matched = 0
        for index in start..<count {
            matched = extended(matched, by: characters[index])
            if matched == part.count { return index + 1 - matched }
        }
        return nil
    }

    /// Where `part` last begins.
    func lastIndex(of part: MarkedText) -> Int? {
        let reversed = MarkedText(characters.reversed())
        return reversed.firstIndex(of: MarkedText(part.characters.reversed())).map { count - $0 - part.count }
    }

    /// The text with every scalar changed; what takes its place has its mark.
    func mapping(_ change: (Unicode.Scalar) -> String) -> MarkedText {
        MarkedText(
            characters.flatMap { character in
                change(character.scalar).unicodeScalars.map { Character($0, isTrusted: character.isTrusted) }
            })
    }

    /// The same text as markup.
    var asMarkup: MarkedText {
        var text = self
        text.isMarkup = true
        return text
    }

    /// Markup that shows the text.
    var escaped: MarkedText {
        isMarkup ? self : mapping { Self.entities[$0] ?? String(Swift.Character($0)) }.asMarkup
    }

    private static let entities: [Unicode.Scalar: String] = [
        "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", "\"": "&#34;",
    ]

    /// Without the scalars at the ends that are to go.
    func trimming(leading: Bool = true, trailing: Bool = true, where goes: (Unicode.Scalar) -> Bool) -> MarkedText {
        var rest = characters[...]
        if leading { rest = rest.drop { goes($0.scalar) } }
        while trailing, let last = rest.last, goes(last.scalar) { rest.removeLast() }
        return MarkedText(rest)
    }

    /// The text with up to `limit` occurrences of `old` replaced. New text is trusted only where the template wrote
    /// both it and the text that it replaces.
    func replacing(_ old: MarkedText, with new: MarkedText, limit: Int) -> MarkedText {
        var result: [Character] = []
        var (start, left) = (0, limit)
        while left != 0, let at = firstIndex(of: old, from: start) {
            result += characters[start..<at]
            result += (characters[at..<at + old.count].allSatisfy(\.isTrusted) ? new : new.untrusted).characters
            start = at + old.count
            left -= 1
            guard old.isEmpty else { continue }
            // An empty text stands before every scalar and at the end.
            guard start < count else { return MarkedText(result) }
            result.append(characters[start])
            start += 1
        }
        return MarkedText(result + characters[start...])
    }
}

extension Unicode.Scalar {
    /// Whether Python's `str.isspace` holds.
    var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}
