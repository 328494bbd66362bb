/// The negated words of a text: from a negator to the end of its clause.
struct Negation {
    private let negated: [Bool]

    /// Words that negate the words after them.
    static let negators: Set<String> = [
        "no", "not", "none", "never", "without", "neither", "nor", "nothing", "lacks",
    ]

    /// Words after which "and" begins a clause of its own.
    private static let openers: Set<String> = ["a", "an", "the", "there", "it", "they", "i", "one"]

    init(_ text: AnswerText) {
        let tokens = text.tokens
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
