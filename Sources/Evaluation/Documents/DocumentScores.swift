package import Datasets

/// How many characters of texts were read wrong.
///
/// The rate is Σ min(d(a, t), |t|) / Σ |t| over the texts t and their answers a, where d is the edit distance
/// (Levenshtein 1966) from the text to the nearest text that the answer may mean, and |t| the text's length in
/// characters. Lines are compared as one text in their order. An answer counts at most as many errors as its text has
/// characters, as an empty one does; one endless answer would hide the others.
package struct CharacterErrorRate: Codable, Sendable, Equatable {
    /// The number of texts.
    package let texts: Int
    /// The sum of the errors.
    package let errors: Int
    /// The sum of the texts' lengths in characters.
    package let characters: Int
    /// `errors / characters`; 0 if there are no characters.
    package let rate: Double

    /// The rate over the given texts.
    package init(_ texts: [(errors: Int, characters: Int)]) {
        self.texts = texts.count
        errors = texts.reduce(0) { $0 + min($1.errors, $1.characters) }
        characters = texts.reduce(0) { $0 + $1.characters }
        rate = characters == 0 ? 0 : Double(errors) / Double(characters)
    }
}

/// What a report counts of an answer about a document besides the verdict. A score is nil if the question does not ask
/// for it.
package struct DocumentScores: Sendable {
    /// The edit distance to the text that is asked for, and the text's length.
    package let characterErrors: (errors: Int, characters: Int)?
    /// Whether the value of a chart is within the judge's tolerance or 5 % of the value.
    package let isNearValue: Bool?
    /// Whether the answer says that it cannot tell what can be read, and gives nothing of it.
    package let isFalseRefusal: Bool?
    /// Whether the answer gives text or things that are not in the image.
    package let isInvented: Bool?

    /// The scores of an answer with its verdict.
    package init(_ answer: String, to question: DocumentQuestion, verdict: Verdict) {
        let reading = AnswerReading(answer)
        if case .transcript(let text) = question.truth {
            characterErrors = TranscriptCheck(reading: reading, truth: text).errors
        } else {
            characterErrors = nil
        }
        isNearValue = question.chartValue.map { value, tolerance in
            NumberCheck(reading: reading, question: AnswerReading(question.text))
                .says(value, within: max(tolerance, abs(value) / 20))
        }
        isFalseRefusal =
            question.isAnswerable
            ? verdict.correctness == .wrong && RefusalCheck(reading: reading).refuses : nil
        isInvented = question.canBeInvented ? !verdict.absentThings.isEmpty : nil
    }
}

extension DocumentQuestion {
    /// The value that a chart shows, with the judge's tolerance; nil if the question asks for another thing. Numbers of
    /// things have no tolerance and are not written in the chart.
    fileprivate var chartValue: (value: Double, tolerance: Double)? {
        guard [.bars, .graphs, .pies, .scatters].contains(family), case .number(let value, let within) = truth,
            within > 0 || isReadOff
        else { return nil }
        return (value, within)
    }

    /// Whether the image answers the question.
    fileprivate var isAnswerable: Bool {
        switch truth {
        case .unreadable, .unknowable, .absent: false
        case .yesNo, .count, .text, .words, .description, .transcript, .number, .time, .list: true
        }
    }

    /// Whether the judge looks for inventions in the answers.
    fileprivate var canBeInvented: Bool {
        switch truth {
        case .transcript, .unreadable, .absent, .description: true
        case .yesNo, .count, .text, .words, .unknowable, .number, .time, .list: false
        }
    }
}
