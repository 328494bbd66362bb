/// A regular expression, or the body of a grammar's rule.
indirect enum Pattern: Equatable, Sendable {
    /// No text.
    case empty
    /// One of these scalars; no text fits an empty set.
    case set(ScalarSet)
    /// Parts in a row.
    case sequence([Pattern])
    /// One of several.
    case choice([Pattern])
    /// A part a number of times; without a maximum any number.
    case repetition(Pattern, minimum: Int, maximum: Int?)
    /// A rule of the grammar.
    case rule(Int32)
    /// The beginning of the text (`^`).
    case start
    /// The end of the text (`$`).
    case finish

    /// The scalars of a text in a row.
    static func literal(_ text: String) -> Pattern {
        .sequence(text.unicodeScalars.map { .set(ScalarSet($0)) })
    }

    /// Any text, line ends included.
    static let anything = Pattern.repetition(.set(.all), minimum: 0, maximum: nil)

    /// Whether it matches no text at all, given which rules do.
    func matchesEmpty(_ rules: (Int32) -> Bool = { _ in false }) -> Bool {
        switch self {
        case .empty, .start, .finish: true
        case .set: false
        case .sequence(let parts): parts.allSatisfy { $0.matchesEmpty(rules) }
        case .choice(let parts): parts.contains { $0.matchesEmpty(rules) }
        case .repetition(let part, let minimum, _): minimum == 0 || part.matchesEmpty(rules)
        case .rule(let rule): rules(rule)
        }
    }

    /// About how many nodes it takes.
    var size: Int {
        switch self {
        case .empty, .start, .finish: 0
        case .set(let set): (set.ranges.last?.upperBound ?? 0) < 0x80 ? 1 : 8
        case .rule: 1
        case .sequence(let parts): parts.reduce(0) { min(1 << 20, $0 + $1.size) }
        case .choice(let parts): parts.reduce(1) { min(1 << 20, $0 + $1.size) }
        case .repetition(let part, let minimum, let maximum):
            min(1 << 20, max(1, part.size) * min(1 << 20, max(1, maximum ?? minimum)))
        }
    }

    /// The least and the greatest number of scalars of a matching text; nil for no greatest. Nil if no text matches.
    var lengths: (least: Int, greatest: Int?)? {
        switch self {
        case .empty, .start, .finish: return (0, 0)
        case .set(let set): return set.isEmpty ? nil : (1, 1)
        case .rule: return (0, nil)
        case .sequence(let parts):
            var sum: (least: Int, greatest: Int?) = (0, 0)
            for part in parts {
                guard let lengths = part.lengths else { return nil }
                sum.least += lengths.least
                sum.greatest = sum.greatest.flatMap { one in lengths.greatest.map { one + $0 } }
            }
            return sum
        case .choice(let parts):
            let lengths = parts.compactMap(\.lengths)
            guard let least = lengths.map(\.least).min() else { return nil }
            let greatest = lengths.compactMap(\.greatest)
            return (least, greatest.count == lengths.count ? greatest.max() : nil)
        case .repetition(let part, let minimum, let maximum):
            guard let lengths = part.lengths else { return minimum == 0 ? (0, 0) : nil }
            if lengths.greatest == 0 { return (0, 0) }
            return (
                lengths.least * minimum,
                maximum == 0 ? 0 : lengths.greatest.flatMap { one in maximum.map { one * $0 } }
            )
        }
    }
}

/// How characters are written.
enum TextEncoding: Sendable {
    /// As they are, in UTF-8.
    case plain
    /// Inside a JSON string. Only what must be escaped is, and each character has one spelling.
    case jsonString
}

extension GrammarBuilder {
    /// The first node of a pattern that is followed by `next`.
    mutating func pattern(
        _ pattern: Pattern, _ encoding: TextEncoding, next: Int32,
        matchesEmpty: (Int32) -> Bool = { _ in false }
    ) throws(GrammarError) -> Int32 {
        switch pattern {
        case .empty, .start, .finish: return next
        case .set(let set): return try encoded(set, encoding, next: next)
        case .sequence(let parts):
            var node = next
            for part in parts.reversed() {
                node = try self.pattern(part, encoding, next: node, matchesEmpty: matchesEmpty)
            }
            return node
        case .choice(let parts):
            var choices: [Int32] = []
            for part in parts {
                choices.append(try self.pattern(part, encoding, next: next, matchesEmpty: matchesEmpty))
            }
            return try choice(choices)
        case .repetition(let part, let minimum, let maximum):
            return try repetition(
                minimum, maximum, size: part.size, matchesEmpty: part.matchesEmpty(matchesEmpty), next: next
            ) { builder, next throws(GrammarError) in
                try builder.pattern(part, encoding, next: next, matchesEmpty: matchesEmpty)
            }
        case .rule(let rule): return try add(.call(rule: rule, next: next))
        }
    }

    private mutating func encoded(
        _ set: ScalarSet, _ encoding: TextEncoding, next: Int32
    ) throws(GrammarError) -> Int32 {
        switch encoding {
        case .plain: return try scalars(set, next: next)
        case .jsonString:
            let raw = try scalars(set.subtracting(JSONEscape.never), next: next)
            var escapes = ByteSet()
            for (scalar, letter) in JSONEscape.letters where set.contains(scalar) { escapes.insert(letter) }
            guard !escapes.isEmpty else { return raw }
            return try choice([raw, try bytes(ByteSet(UInt8(ascii: "\\")), next: try bytes(escapes, next: next))])
        }
    }
}

/// Escapes in the JSON strings that models write.
enum JSONEscape {
    /// The characters that have a short escape, with the letter after the backslash.
    static let letters: [(scalar: Unicode.Scalar, letter: UInt8)] = [
        ("\"", UInt8(ascii: "\"")), ("\\", UInt8(ascii: "\\")), ("\u{8}", UInt8(ascii: "b")),
        ("\u{C}", UInt8(ascii: "f")), ("\n", UInt8(ascii: "n")), ("\r", UInt8(ascii: "r")), ("\t", UInt8(ascii: "t")),
    ]
    /// The characters that are never written as they are.
    static let never = ScalarSet([0...0x1F, 0x22...0x22, 0x5C...0x5C])

    /// A text as the content of a JSON string.
    static func content(of text: String) -> [UInt8] {
        text.unicodeScalars.flatMap { scalar -> [UInt8] in
            if let letter = letters.first(where: { $0.scalar == scalar })?.letter {
                return [UInt8(ascii: "\\"), letter]
            }
            guard scalar.value < 0x20 else { return Array(String(scalar).utf8) }
            let digits = String(scalar.value, radix: 16)
            return Array("\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8)
        }
    }
}
