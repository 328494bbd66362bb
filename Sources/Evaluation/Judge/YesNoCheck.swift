/// Whether an answer says yes or no to a question.
///
/// A word of agreement or refusal decides. Without one, a sentence decides that repeats the question in its word order,
/// negated or not ("There is no star"). An answer that says both counts as neither.
struct YesNoCheck {
    let reading: AnswerReading
    let question: AnswerReading

    private static let agreement: Set<String> = ["yes", "yeah", "yep", "yup", "indeed", "correct", "true", "certainly"]
    private static let refusal: Set<String> = ["nope", "nah", "incorrect", "false"]

    /// True for yes, false for no, nil for neither or both.
    var says: Bool? {
        let voices = Set(interjections + restatements)
        if voices.count == 1 { return voices.first }
        guard voices.isEmpty else { return nil }
        return bareVerb
    }

    /// Whether the answer is a yes. It then claims that the objects of the question are present.
    var confirms: Bool { says == true && !question.negation.touches(question.text.tokens.indices) }

    /// The verdicts of words like "yes" and "no" that stand by themselves.
    private var interjections: [Bool] {
        let tokens = reading.text.tokens
        return tokens.indices.compactMap { index in
            let token = tokens[index]
            if Self.agreement.contains(token) {
                let isNegated = index > 0 && tokens[index - 1] == "not"
                return !isNegated
            }
            return Self.refusal.contains(token) || Negation.isInterjection(token, at: index, in: tokens) ? false : nil
        }
    }

    /// The verdict of each clause that repeats the question's content.
    private var restatements: [Bool] {
        let asked = Self.content(question.text.tokens[...])
        let isAskedNegated = question.negation.touches(question.text.tokens.indices)
        return reading.text.clauses.compactMap { clause in
            let said = Self.content(reading.text.tokens[clause])
            guard !said.isEmpty, Self.isSubsequence(said, of: asked) else { return nil }
            let things = question.mentions.flatMap { Self.content(question.text.tokens[$0.range]) }
            guard Set(things).isSubset(of: said) else { return nil }
            return reading.negation.touches(clause) == isAskedNegated
        }
    }

    /// The verdict of a first clause with only a verb or negation: "it is", "there are none", "not really".
    private var bareVerb: Bool? {
        let tokens = reading.text.tokens
        let clauses = reading.text.clauses
        guard let first = clauses.first, Self.content(tokens[first]).isEmpty else { return nil }
        if reading.negation.touches(first) { return false }
        let pronouns: Set<String> = ["it", "they", "there", "that", "this", "i"]
        let verbs: Set<String> = ["is", "are", "does", "do", "has", "have"]
        guard pronouns.contains(tokens[first.lowerBound]), tokens[first].contains(where: verbs.contains) else {
            return nil
        }
        return true
    }

    private static func content(_ tokens: ArraySlice<String>) -> [String] {
        tokens.filter { !AnswerText.isMark($0) && !empty.contains($0) }.map(AnswerVocabulary.canonical)
    }

    private static func isSubsequence(_ some: [String], of all: [String]) -> Bool {
        var rest = all[...]
        return some.allSatisfy { word in
            guard let place = rest.firstIndex(of: word) else { return false }
            rest = rest[(place + 1)...]
            return true
        }
    }

    /// Words without content of their own.
    private static let empty: Set<String> = AnswerVocabulary.functionWords.subtracting([
        "below", "above", "left", "right", "beside", "between", "behind", "near", "all", "both", "each",
    ]).union([
        "any", "one", "none", "picture", "image", "some", "nothing", "such", "yes", "no", "really", "indeed", "only",
        "actually", "correct", "true", "certainly", "nope", "yeah", "yep", "yup", "false", "incorrect", "nah", "me",
        "anywhere", "find", "something", "anything",
    ])
}
