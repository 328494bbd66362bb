/// Reads regular expressions: what ECMAScript and Python have in common, apart from what needs memory of the text
/// (back references) or looks around it.
///
/// `\d`, `\w` and `\s` are ASCII, as in ECMAScript. Their opposites leave out what Python counts among them, so that a
/// text fits by both definitions.
struct RegexParser {
    private static let maximumDepth = 64
    static let maximumCount = 100_000

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0

    private init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    /// The pattern that must match from the beginning of the text to its end.
    static func whole(_ text: String) throws(GrammarError) -> Pattern {
        try anchored(try parse(text), around: .empty, atStart: true, atEnd: true)
    }

    /// The pattern of all texts in which `text` matches somewhere, as JSON Schema's `pattern` asks.
    static func anywhere(_ text: String) throws(GrammarError) -> Pattern {
        try anchored(try parse(text), around: .anything, atStart: true, atEnd: true)
    }

    private static func parse(_ text: String) throws(GrammarError) -> Pattern {
        var parser = RegexParser(text)
        let pattern = try parser.choice()
        guard parser.index == parser.scalars.count else {
            throw parser.fault("a closing parenthesis without its opening")
        }
        return pattern
    }

    /// The pattern with `around` before and after it, except where an anchor is.
    private static func anchored(
        _ pattern: Pattern, around: Pattern, atStart: Bool, atEnd: Bool
    ) throws(GrammarError) -> Pattern {
        switch pattern {
        case .start where atStart: return atEnd ? around : .empty
        case .finish where atEnd: return atStart ? around : .empty
        case .start: throw GrammarError("the anchor ^ is supported only at the beginning")
        case .finish: throw GrammarError("the anchor $ is supported only at the end")
        case .choice(let parts):
            var anchored: [Pattern] = []
            for part in parts {
                anchored.append(try self.anchored(part, around: around, atStart: atStart, atEnd: atEnd))
            }
            return .choice(anchored)
        case .sequence(let parts) where parts.count > 1:
            var anchored: [Pattern] = []
            for (index, part) in parts.enumerated() {
                anchored.append(
                    try self.anchored(
                        part, around: around, atStart: atStart && index == 0, atEnd: atEnd && index == parts.count - 1))
            }
            return .sequence(anchored)
        case .sequence(let parts) where parts.count == 1:
            return try anchored(parts[0], around: around, atStart: atStart, atEnd: atEnd)
        case .repetition(let part, _, _): _ = try anchored(part, around: .empty, atStart: false, atEnd: false)
        case .empty where atStart && atEnd: return around
        case .empty, .set, .rule, .sequence: break
        }
        return .sequence((atStart ? [around] : []) + [pattern] + (atEnd ? [around] : []))
    }

    private func fault(_ reason: String) -> GrammarError {
        GrammarError("\(reason), at character \(index + 1)")
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    private mutating func choice() throws(GrammarError) -> Pattern {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) groups inside each other") }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() throws(GrammarError) -> Pattern {
        var parts: [Pattern] = []
        while let next, next != "|", next != ")" {
            let atom = try atom()
            parts.append(try quantified(atom))
        }
        return parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func atom() throws(GrammarError) -> Pattern {
        guard let scalar = next else { return .empty }
        switch scalar {
        case "(": return try group()
        case "[": return .set(try characterClass())
        case "*", "+", "?": throw fault("nothing to repeat")
        case "{" where bounds() != nil: throw fault("nothing to repeat")
        default: break
        }
        index += 1
        switch scalar {
        case "^": return .start
        case "$": return .finish
        case ".": return .set(ScalarSet("\n\r\u{2028}\u{2029}").inverted)
        case "\\": return .set(try escape(inClass: false))
        default: return .set(ScalarSet(scalar))
        }
    }

    private mutating func group() throws(GrammarError) -> Pattern {
        index += 1
        if take("?") {
            if take("P<") || (!take("<=") && !take("<!") && take("<")) {
                while next != nil, next != ">" { index += 1 }
                guard take(">") else { throw fault("a group's name without end") }
            } else if !take(":") {
                throw fault("(?\(next.map { String($0) } ?? "") is not supported: only (…), (?:…) and (?<name>…) are")
            }
        }
        let pattern = try choice()
        guard take(")") else { throw fault("a group without closing parenthesis") }
        return pattern
    }

    /// The atom with the quantifier that follows it. Lazy quantifiers match the same texts.
    private mutating func quantified(_ atom: Pattern) throws(GrammarError) -> Pattern {
        var bounds: (minimum: Int, maximum: Int?)
        switch next {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            guard let (found, end) = self.bounds() else { return atom }
            bounds = found
            index = end - 1
        default: return atom
        }
        index += 1
        guard max(bounds.minimum, bounds.maximum ?? 0) <= Self.maximumCount else {
            throw fault("more than \(Self.maximumCount) repetitions")
        }
        guard bounds.minimum <= bounds.maximum ?? .max else { throw fault("repetitions out of order") }
        if atom == .start || atom == .finish { throw fault("nothing to repeat") }
        _ = take("?")
        if next == "+" || next == "*" || next == "?" { throw fault("a quantifier behind a quantifier") }
        return .repetition(atom, minimum: bounds.minimum, maximum: bounds.maximum)
    }

    /// The bounds `{m}`, `{m,}` or `{m,n}` that follow, with the index behind them; nil if the brace is plain text.
    private func bounds() -> ((minimum: Int, maximum: Int?), end: Int)? {
        guard let close = scalars[index...].prefix(24).firstIndex(of: "}") else { return nil }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[index + 1..<close])
        let parts = String(text).split(separator: ",", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let minimum = Self.count(parts[0]) else { return nil }
        if parts.count == 1 { return ((minimum, minimum), close + 1) }
        if parts[1].isEmpty { return ((minimum, nil), close + 1) }
        return Self.count(parts[1]).map { ((minimum, $0), close + 1) }
    }

    private static func count(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }

    // MARK: Characters

    private mutating func characterClass() throws(GrammarError) -> ScalarSet {
        index += 1
        let isInverted = take("^")
        var set = ScalarSet()
        while let scalar = next, scalar != "]" {
            let low = try classItem()
            guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                set = set.union(low)
                continue
            }
            index += 1
            let high = try classItem()
            guard let first = low.only, let last = high.only else { throw fault("a class as the end of a range") }
            guard first <= last else { throw fault("a range out of order") }
            set = set.union(ScalarSet([first...last]))
        }
        guard take("]") else { throw fault("a character class without closing bracket") }
        return isInverted ? set.inverted : set
    }

    private mutating func classItem() throws(GrammarError) -> ScalarSet {
        guard let scalar = next else { throw fault("a character class without closing bracket") }
        index += 1
        return scalar == "\\" ? try escape(inClass: true) : ScalarSet(scalar)
    }

    private mutating func escape(inClass: Bool) throws(GrammarError) -> ScalarSet {
        guard let scalar = next else { throw fault("a backslash at the end") }
        index += 1
        switch scalar {
        case "d": return Self.digits
        case "w": return Self.word
        case "s": return Self.space
        case "D": return Self.digits.inverted.subtracting(Self.otherDigits)
        case "W": return Self.word.inverted.intersection(ScalarSet([0...0x7F]))
        case "S": return Self.space.inverted.subtracting(Self.otherSpace)
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "t": return ScalarSet("\t")
        case "f": return ScalarSet("\u{C}")
        case "v": return ScalarSet("\u{B}")
        case "b" where inClass: return ScalarSet("\u{8}")
        case "0" where !(next.map { ("0"..."9").contains($0) } ?? false): return ScalarSet("\0")
        case "x": return try hex(digits: 2)
        case "u": return try hex(digits: 4)
        default:
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
            guard !isLetter else { throw fault("\\\(scalar) is not supported") }
            return ScalarSet(scalar)
        }
    }

    private mutating func hex(digits: Int) throws(GrammarError) -> ScalarSet {
        var value = try number(digits: digits)
        if (0xD800..<0xDC00).contains(value), take("\\u") {
            let low = try number(digits: 4)
            guard (0xDC00..<0xE000).contains(low) else { throw fault("a lone surrogate") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw fault("a lone surrogate") }
        return ScalarSet(scalar)
    }

    private mutating func number(digits: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = next.flatMap({ UInt32(String($0), radix: 16) }) else {
                throw fault("expected \(digits) hex digits")
            }
            value = value << 4 | digit
            index += 1
        }
        return value
    }

    private static let digits = ScalarSet("0123456789")
    private static let word = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    private static let space = ScalarSet([0x09...0x0D, 0x20...0x20])
    /// White space beyond ASCII, and the separators of ASCII that Python counts as white space.
    private static let otherSpace = ScalarSet([
        0x1C...0x1F, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// Decimal digits beyond ASCII.
    private static let otherDigits = ScalarSet(
        (0x80...0x1FFFF).compactMap { value -> ClosedRange<UInt32>? in
            guard let scalar = Unicode.Scalar(UInt32(value)),
                scalar.properties.generalCategory == .decimalNumber
            else { return nil }
            return scalar.value...scalar.value
        })
}

extension ScalarSet {
    /// The only scalar; nil if there are several or none.
    fileprivate var only: UInt32? {
        guard ranges.count == 1, ranges[0].lowerBound == ranges[0].upperBound else { return nil }
        return ranges[0].lowerBound
    }
}
