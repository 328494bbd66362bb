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

    /// What its repetitions depend on.
    struct Extent {
        /// About how many nodes it takes.
        var size: Int
        /// Whether it matches no text at all.
        var matchesEmpty: Bool
    }

    /// The extent of the pattern, given which rules match no text at all.
    func extent(
        _ work: WorkBudget, _ rules: (Int32) -> Bool = { _ in false }
    ) throws(GrammarError) -> Extent {
        try work.spend()
        switch self {
        case .empty, .start, .finish: return Extent(size: 0, matchesEmpty: true)
        case .set(let set): return Extent(size: Self.size(of: set), matchesEmpty: false)
        case .sequence(let parts):
            var sum = Extent(size: 0, matchesEmpty: true)
            for part in parts {
                let extent = try part.extent(work, rules)
                sum.size = min(Self.greatestSize, sum.size + extent.size)
                if !extent.matchesEmpty { sum.matchesEmpty = false }
            }
            return sum
        case .choice(let parts):
            var sum = Extent(size: 1, matchesEmpty: false)
            for part in parts {
                let extent = try part.extent(work, rules)
                sum.size = min(Self.greatestSize, sum.size + extent.size)
                if extent.matchesEmpty { sum.matchesEmpty = true }
            }
            return sum
        case .repetition(let part, let minimum, let maximum):
            let extent = try part.extent(work, rules)
            let rounds = min(Self.greatestSize, max(1, maximum ?? minimum))
            return Extent(
                size: min(Self.greatestSize, max(1, extent.size) * rounds),
                matchesEmpty: minimum == 0 || extent.matchesEmpty)
        case .rule(let rule): return Extent(size: 1, matchesEmpty: rules(rule))
        }
    }

    /// The rules that it names.
    var rules: [Int32] {
        switch self {
        case .empty, .set, .start, .finish: []
        case .sequence(let parts), .choice(let parts): parts.flatMap(\.rules)
        case .repetition(let part, _, _): part.rules
        case .rule(let rule): [rule]
        }
    }

    /// Where sizes are no longer told apart. Two of them multiplied are within an `Int`.
    private static let greatestSize = 1 << 20

    private static func size(of set: ScalarSet) -> Int { (set.ranges.last?.upperBound ?? 0) < 0x80 ? 1 : 8 }

    /// Where lengths are no longer told apart: beyond every bound that a schema can have. As many of them as a pattern
    /// can have parts are within an `Int` together.
    private static let greatestLength = 1 << 40

    /// A length that is repeated, within the limit of lengths.
    private static func product(_ length: Int, _ rounds: Int) -> Int {
        let (product, overflows) = length.multipliedReportingOverflow(by: rounds)
        return overflows ? greatestLength : min(greatestLength, product)
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
                sum.least = min(Self.greatestLength, sum.least + lengths.least)
                sum.greatest = sum.greatest.flatMap { one in
                    lengths.greatest.map { min(Self.greatestLength, one + $0) }
                }
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
                Self.product(lengths.least, minimum),
                maximum == 0 ? 0 : lengths.greatest.flatMap { one in maximum.map { Self.product(one, $0) } }
            )
        }
    }
}

/// How characters are written.
enum TextEncoding: Sendable {
    /// As they are, in UTF-8.
    case plain
    /// Inside a JSON string. Only what must be escaped is, and each character has one spelling. A control character
    /// without a short escape is written only where nothing else fits.
    case jsonString
}

extension GrammarBuilder {
    /// The first node of a pattern that is followed by `next`.
    mutating func pattern(
        _ pattern: Pattern, _ encoding: TextEncoding, next: Int32,
        matchesEmpty: (Int32) -> Bool = { _ in false }
    ) throws(GrammarError) -> Int32 {
        try work.spend()
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
            var words: [[UInt8]] = []
            for part in parts {
                if let word = part.word(encoding) {
                    words.append(word)
                } else {
                    choices.append(try self.pattern(part, encoding, next: next, matchesEmpty: matchesEmpty))
                }
            }
            if !words.isEmpty { choices.append(try self.words(words, next: next)) }
            return try choice(choices)
        case .repetition(let part, let minimum, let maximum):
            let extent = try part.extent(work, matchesEmpty)
            return try repetition(
                minimum, maximum, size: extent.size, matchesEmpty: extent.matchesEmpty, next: next
            ) { builder, next throws(GrammarError) in
                try builder.pattern(part, encoding, next: next, matchesEmpty: matchesEmpty)
            }
        case .rule(let rule): return try add(.call(rule: rule, next: next))
        }
    }

    private mutating func encoded(
        _ set: ScalarSet, _ encoding: TextEncoding, next: Int32
    ) throws(GrammarError) -> Int32 {
        try work.spend(set.ranges.count)
        switch encoding {
        case .plain: return try scalars(set, next: next)
        case .jsonString:
            let raw = try scalars(set.subtracting(JSONEscape.never), next: next)
            var escapes = ByteSet()
            for (scalar, letter) in JSONEscape.letters where set.contains(scalar) { escapes.insert(letter) }
            if escapes.isEmpty, !set.isEmpty, set.subtracting(JSONEscape.never).isEmpty {
                let words = set.ranges.flatMap { $0 }.compactMap(Unicode.Scalar.init).map(String.init)
                return try self.words(words.map(JSONEscape.content), next: next)
            }
            guard !escapes.isEmpty else { return raw }
            return try choice([raw, try bytes(ByteSet(UInt8(ascii: "\\")), next: try bytes(escapes, next: next))])
        }
    }
}

extension Pattern {
    /// The bytes of the only text that matches; nil if there are several or none.
    fileprivate func word(_ encoding: TextEncoding) -> [UInt8]? {
        switch self {
        case .set(let set):
            guard let scalar = set.only else { return nil }
            return encoding == .plain ? Array(String(scalar).utf8) : JSONEscape.written(scalar)
        case .sequence(let parts):
            var word: [UInt8] = []
            for part in parts {
                guard case .set = part, let bytes = part.word(encoding) else { return nil }
                word += bytes
            }
            return word
        case .empty, .choice, .repetition, .rule, .start, .finish: return nil
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

    /// A character in a string that a pattern describes; nil if it is never written there.
    static func written(_ scalar: Unicode.Scalar) -> [UInt8]? {
        if let letter = letters.first(where: { $0.scalar == scalar })?.letter { return [UInt8(ascii: "\\"), letter] }
        return never.contains(scalar) ? nil : Array(String(scalar).utf8)
    }

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
