/// Reads regular expressions: what ECMAScript and Python have in common, apart from what needs memory of the text
/// (back references) or looks around it.
///
/// `\d`, `\w` and `\s` are ASCII, as in ECMAScript. Their opposites leave out what Python counts among them, so that a
/// text fits by both definitions.
struct RegexParser {
    private static let maximumDepth = 64
    static let maximumCount = 100_000

    private let scalars: [Unicode.Scalar]
    private let work: WorkBudget
    private var index = 0
    private var depth = 0

    private init(_ text: String, _ work: WorkBudget) {
        scalars = Array(text.unicodeScalars)
        self.work = work
    }

    /// The pattern that must match from the beginning of the text to its end.
    static func whole(_ text: String, _ work: WorkBudget) throws(GrammarError) -> Pattern {
        try anchored(try parse(text, work), around: .empty, atStart: true, atEnd: true)
    }

    /// The pattern of all texts in which `text` matches somewhere, as JSON Schema's `pattern` asks.
    static func anywhere(_ text: String, _ work: WorkBudget) throws(GrammarError) -> Pattern {
        try anchored(try parse(text, work), around: .anything, atStart: true, atEnd: true)
    }

    private static func parse(_ text: String, _ work: WorkBudget) throws(GrammarError) -> Pattern {
        try work.spend(text.utf8.count)
        var parser = RegexParser(text, work)
        let pattern = try parser.choice()
        guard parser.index == parser.scalars.count else {
            throw parser.fault("a closing parenthesis without its opening", at: parser.index)
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

    /// An error at the character `place`; the first one is 0 here, and 1 for people.
    private func fault(_ reason: String, at place: Int) -> GrammarError {
        GrammarError("\(reason), at character \(place + 1)")
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    private mutating func choice() throws(GrammarError) -> Pattern {
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
        case "*", "+", "?": throw fault("nothing to repeat", at: index)
        case "{" where bounds() != nil: throw fault("nothing to repeat", at: index)
        default: break
        }
        index += 1
        switch scalar {
        case "^": return .start
        case "$": return .finish
        case ".": return .set(.dot)
        case "\\": return .set(try escape(inClass: false))
        default: return .set(ScalarSet(scalar))
        }
    }

    private mutating func group() throws(GrammarError) -> Pattern {
        let start = index
        index += 1
        if take("?") {
            if take("P<") || (!take("<=") && !take("<!") && take("<")) {
                while next != nil, next != ">" { index += 1 }
                guard take(">") else { throw fault("a group's name without end", at: start) }
            } else if !take(":") {
                let kind = next.map { String($0) } ?? ""
                throw fault("(?\(kind) is not supported: only (…), (?:…) and (?<name>…) are", at: start)
            }
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else {
            throw fault("more than \(Self.maximumDepth) groups inside each other", at: start)
        }
        let pattern = try choice()
        guard take(")") else { throw fault("a group without closing parenthesis", at: start) }
        return pattern
    }

    /// The atom with the quantifier that follows it. Lazy quantifiers match the same texts.
    private mutating func quantified(_ atom: Pattern) throws(GrammarError) -> Pattern {
        let start = index
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
            throw fault("more than \(Self.maximumCount) repetitions", at: start)
        }
        guard bounds.minimum <= bounds.maximum ?? .max else { throw fault("repetitions out of order", at: start) }
        if atom == .start || atom == .finish { throw fault("nothing to repeat", at: start) }
        _ = take("?")
        if next == "+" || next == "*" || next == "?" { throw fault("a quantifier behind a quantifier", at: index) }
        return .repetition(atom, minimum: bounds.minimum, maximum: bounds.maximum)
    }

    /// The bounds `{m}`, `{m,}` or `{m,n}` that follow, with the index behind them; nil if the brace is plain text.
    private func bounds() -> ((minimum: Int, maximum: Int?), end: Int)? {
        var place = index + 1
        guard let minimum = Self.count(in: scalars, at: &place), place < scalars.count else { return nil }
        if scalars[place] == "}" { return ((minimum, minimum), place + 1) }
        guard scalars[place] == "," else { return nil }
        place += 1
        let maximum = Self.count(in: scalars, at: &place)
        guard place < scalars.count, scalars[place] == "}" else { return nil }
        return ((minimum, maximum), place + 1)
    }

    /// Reads a number of repetitions, and moves behind it; nil if there is no digit. Numbers beyond the limit are all
    /// the same.
    static func count(in scalars: [Unicode.Scalar], at place: inout Int) -> Int? {
        let start = place
        var count = 0
        while place < scalars.count, ("0"..."9").contains(scalars[place]) {
            count = min(maximumCount + 1, count * 10 + Int(scalars[place].value - 0x30))
            place += 1
        }
        return place > start ? count : nil
    }

    // MARK: Characters

    private mutating func characterClass() throws(GrammarError) -> ScalarSet {
        let start = index
        if let name = named([":"]) { throw fault("\(name) is not supported", at: start) }
        index += 1
        let isInverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = next, scalar != "]" {
            if let name = named([":", ".", "="]) { throw fault("\(name) is not supported", at: index) }
            let place = index
            let low = try classItem()
            guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                ranges += low.ranges
                continue
            }
            index += 1
            let high = try classItem()
            guard let first = low.only, let last = high.only else {
                throw fault("a class as the end of a range", at: place)
            }
            guard first <= last else { throw fault("a range out of order", at: place) }
            ranges.append(first.value...last.value)
        }
        guard take("]") else { throw fault("a character class without closing bracket", at: start) }
        try work.spend(ranges.count)
        let set = ScalarSet(ranges)
        return isInverted ? set.inverted : set
    }

    /// The name of a class of POSIX that begins here, such as `[:alpha:]`, `[.x.]` or `[=x=]`. Elsewhere it is one; in
    /// ECMAScript it would be its letters.
    private func named(_ marks: Set<Unicode.Scalar>) -> String? {
        guard next == "[", index + 1 < scalars.count, marks.contains(scalars[index + 1]) else { return nil }
        let mark = scalars[index + 1]
        let rest = scalars[(index + 2)...].prefix(32)
        guard let end = rest.firstIndex(where: { $0 == mark || $0 == "]" }), end > index + 2, end + 1 < scalars.count,
            scalars[end] == mark, scalars[end + 1] == "]"
        else { return nil }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: scalars[index...end + 1])
        return String(name)
    }

    private mutating func classItem() throws(GrammarError) -> ScalarSet {
        guard let scalar = next else { throw fault("a character class without closing bracket", at: index) }
        index += 1
        return scalar == "\\" ? try escape(inClass: true) : ScalarSet(scalar)
    }

    /// Reads the rest of an escape, behind its backslash.
    private mutating func escape(inClass: Bool) throws(GrammarError) -> ScalarSet {
        let start = index - 1
        guard let scalar = next else { throw fault("a backslash at the end", at: start) }
        index += 1
        switch scalar {
        case "d": return .digits
        case "w": return .word
        case "s": return .space
        case "D": return .noDigits
        case "W": return .noWord
        case "S": return .noSpace
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "t": return ScalarSet("\t")
        case "f": return ScalarSet("\u{C}")
        case "v": return ScalarSet("\u{B}")
        case "b" where inClass: return ScalarSet("\u{8}")
        case "0" where !(next.map { ("0"..."9").contains($0) } ?? false): return ScalarSet("\0")
        case "x": return try hex(digits: 2, from: start)
        case "u": return try hex(digits: 4, from: start)
        default:
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
            guard !isLetter else { throw fault("\\\(scalar) is not supported", at: start) }
            return ScalarSet(scalar)
        }
    }

    private mutating func hex(digits: Int, from start: Int) throws(GrammarError) -> ScalarSet {
        var value = try number(digits: digits)
        if (0xD800..<0xDC00).contains(value), take("\\u") {
            let low = try number(digits: 4)
            guard (0xDC00..<0xE000).contains(low) else { throw fault("a lone surrogate", at: start) }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw fault("a lone surrogate", at: start) }
        return ScalarSet(scalar)
    }

    private mutating func number(digits: Int) throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = next.flatMap({ UInt32(String($0), radix: 16) }) else {
                throw fault("expected \(digits) hex digits", at: index)
            }
            value = value << 4 | digit
            index += 1
        }
        return value
    }
}
