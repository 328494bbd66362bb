/// A text with everything that the rules need from it.
struct AnswerReading {
    /// The text as it was given.
    let raw: String
    let text: AnswerText
    let negation: Negation
    let mentions: [Mention]

    init(_ raw: String) {
        self.raw = raw
        text = AnswerText(raw)
        negation = Negation(text)
        mentions = MentionParser.mentions(in: text)
    }

    /// The things that the text claims to be present.
    var asserted: [Mention] { mentions.filter { !$0.isDenied } }

    /// Whether the words of the phrase occur consecutively in `range`.
    func says(_ phrase: [String], in range: Range<Int>? = nil) -> Bool {
        !places(of: phrase, in: range).isEmpty
    }

    /// The ranges where the words occur consecutively, compared in their canonical form.
    func places(of phrase: [String], in range: Range<Int>? = nil) -> [Range<Int>] {
        let words = phrase.map(AnswerVocabulary.canonical)
        let within = range ?? text.tokens.indices
        guard !words.isEmpty, within.count >= words.count else { return [] }
        return (within.lowerBound...(within.upperBound - words.count)).compactMap { start in
            let end = start + words.count
            return text.tokens[start..<end].map(AnswerVocabulary.canonical) == words ? start..<end : nil
        }
    }

    /// Whether the text says that the image does not answer the question.
    var abstains: Bool { Self.abstentions.contains { says($0) } }

    private static let abstentions = [
        "can not", "could not", "do not know", "not sure", "not certain", "unable", "not able", "impossible",
        "not possible", "no way", "does not show", "does not say", "does not tell", "not visible", "not shown",
        "unknown", "unclear", "not clear", "not say", "not tell", "invisible", "no idea", "not enough information",
    ].map { $0.split(separator: " ").map(String.init) }
}

/// Numbers as digits and in words.
enum AnswerNumbers {
    /// A number among tokens.
    struct Found: Equatable {
        /// Its value; nil if it has too many digits.
        let value: Int?
        /// Its digits: the written ones, or the digits of the value.
        let digits: String
        /// Its tokens.
        let range: Range<Int>
    }

    /// The number that begins at `start`: one token of digits, or the longest run of number words that makes one number
    /// ("four hundred and two" does; "four two" is two numbers).
    static func number(in tokens: [String], at start: Int) -> Found? {
        let token = tokens[start]
        if token.allSatisfy({ ("0"..."9").contains($0) }) {
            return Found(value: Int(token), digits: token, range: start..<(start + 1))
        }
        var (total, current, index) = (0, 0, start)
        // Bound that the last word sets: the next number word must be below this.
        var room = 1_000_000
        while index < tokens.count {
            let word = tokens[index]
            if let unit = units[word], unit < room, unit > 0 || index == start {
                current += unit
                room = 0
            } else if let ten = tens[word], room >= 100 {
                current += ten
                room = 10
            } else if word == "hundred", (1...9).contains(current) || index == start {
                current = max(current, 1) * 100
                room = 100
            } else if word == "thousand", total == 0, current > 0 || index == start {
                total = max(current, 1) * 1000
                (current, room) = (0, 1000)
            } else if word == "and", room == 100 || room == 1000, index > start, index + 1 < tokens.count,
                units[tokens[index + 1]] != nil || tens[tokens[index + 1]] != nil
            {
                index += 1
                continue
            } else {
                break
            }
            index += 1
        }
        guard index > start else { return nil }
        return Found(value: total + current, digits: String(total + current), range: start..<index)
    }

    /// All numbers, from left to right. "One" as a pronoun ("the red one", "this one", "no one") is not a number.
    static func all(in tokens: [String]) -> [Found] {
        var found: [Found] = []
        var index = 0
        while index < tokens.count {
            if let number = number(in: tokens, at: index), !isPronoun(tokens, number) {
                found.append(number)
                index = number.range.upperBound
            } else {
                index += 1
            }
        }
        return found
    }

    private static func isPronoun(_ tokens: [String], _ number: Found) -> Bool {
        guard tokens[number.range.lowerBound] == "one", number.range.count == 1, number.range.lowerBound > 0 else {
            return false
        }
        let before = tokens[number.range.lowerBound - 1]
        return ["the", "this", "that", "which", "each", "every", "no", "any", "another", "other", "not"]
            .contains(before) || AnswerVocabulary.isAdjective(before)
    }

    private static let units: [String: Int] = Dictionary(
        uniqueKeysWithValues: [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        ].enumerated().map { ($1, $0) })

    private static let tens: [String: Int] = Dictionary(
        uniqueKeysWithValues: ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
            .enumerated().map { ($1, 10 * ($0 + 2)) })
}

/// The words of an answer that only name the object of a comparison.
///
/// "The circle is larger than the star" answers "Which is larger?" with the circle. The reversed sentence ("The star is
/// smaller than the circle") has the same answer.
struct Comparison {
    private let reference: Set<Int>

    private static let opposites = ["larger": "smaller", "smaller": "larger", "more": "fewer", "fewer": "more"]

    init(reading: AnswerReading, question: AnswerReading) {
        var reference: Set<Int> = []
        let tokens = reading.text.tokens
        for clause in reading.text.clauses {
            guard let pivot = clause.first(where: { Self.isPivot(tokens, $0) }) else { continue }
            let isTurned = tokens[clause.lowerBound..<pivot].contains { word in
                guard let opposite = Self.opposites[word] else { return false }
                return !question.says([word]) && question.says([opposite])
            }
            reference.formUnion(isTurned ? clause.lowerBound..<pivot : pivot + 1..<clause.upperBound)
        }
        self.reference = reference
    }

    /// Whether the token at `index` belongs to the object of the comparison.
    func isReference(_ index: Int) -> Bool { reference.contains(index) }

    /// Whether the token is "than" or a relation to the words after it.
    private static func isPivot(_ tokens: [String], _ index: Int) -> Bool {
        switch tokens[index] {
        case "than", "below", "above", "beside", "near": index > 0
        case "of": index > 0 && ["left", "right", "top", "front"].contains(tokens[index - 1])
        case "to": index > 0 && tokens[index - 1] == "next"
        default: false
        }
    }
}

/// The negated words of a text: from a negator to the end of its clause.
struct Negation {
    private let negated: [Bool]

    /// Words that negate the words after them.
    static let negators: Set<String> = [
        "no", "not", "none", "never", "without", "neither", "nor", "nothing", "lacks",
    ]

    /// Words after which "and" begins a clause of its own.
    private static let openers: Set<String> = ["a", "an", "the", "there", "it", "they", "i", "one"]

    init(_ text: AnswerText) { self.init(text.tokens) }

    init(_ tokens: [String]) {
        var negated = [Bool](repeating: false, count: tokens.count)
        var isOpen = false
        for (index, token) in tokens.enumerated() {
            let next = index + 1 < tokens.count ? tokens[index + 1] : "."
            if AnswerText.isMark(token) || AnswerText.turns.contains(token)
                || token == "and" && (Self.openers.contains(next) || AnswerNumbers.number(in: [next], at: 0) != nil)
            {
                isOpen = false
            } else if Self.negators.contains(token), !Self.isInterjection(token, at: index, in: tokens) {
                isOpen = true
            }
            negated[index] = isOpen
        }
        self.negated = negated
    }

    /// Whether the token at `index` is negated or is a negator.
    func covers(_ index: Int) -> Bool { negated[index] }

    /// Whether any token of a range is negated.
    func touches(_ range: Range<Int>) -> Bool { negated[range].contains(true) }

    /// Whether a "no" is an answer and not a determiner before a noun.
    static func isInterjection(_ token: String, at index: Int, in tokens: [String]) -> Bool {
        guard token == "no" else { return false }
        guard index + 1 < tokens.count, !AnswerText.isMark(tokens[index + 1]) else { return true }
        return (index == 0 || AnswerText.isMark(tokens[index - 1]))
            && ["there", "it", "they", "i", "the", "that", "this", "you", "we"].contains(tokens[index + 1])
    }
}
