/// A text with everything that the rules need from it.
struct AnswerReading {
    let text: AnswerText
    let negation: Negation
    let mentions: [Mention]

    init(_ raw: String) {
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
