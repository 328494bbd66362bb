public import Datasets

/// A question, answers to it, and how each labeler ranked them: all records of one comparison.
public struct RankedAnswers: Sendable, Equatable {
    /// What one labeler prefers.
    public struct Ranking: Sendable, Equatable {
        /// Who ranked.
        public let labeler: PreferenceRecord.Labeler
        /// At least one preference.
        public let pairs: [PreferenceRecord.Pair]

        package init(labeler: PreferenceRecord.Labeler, pairs: [PreferenceRecord.Pair]) {
            self.labeler = labeler
            self.pairs = pairs
        }
    }

    /// The comparison.
    public let id: String
    /// What the question is about; nil for text.
    public let picture: PictureReference?
    /// The user's turn.
    public let question: String
    /// Which of the picture's generated questions it is, if one.
    public let questionIndex: Int?
    /// The answers.
    public let candidates: [PreferenceRecord.Candidate]
    /// Of each labeler who has a preference; those who hold all answers equal have none.
    public var rankings: [Ranking]

    private init(_ record: PreferenceRecord) {
        id = record.id
        picture = record.picture
        question = record.question
        questionIndex = record.questionIndex
        candidates = record.candidates
        rankings = []
    }

    /// The comparisons of `records` in the order of their first records, without those that nobody has a preference in.
    ///
    /// - Throws: `RankedAnswersError.contradiction` if records of one comparison differ in what was ranked.
    public static func comparisons(
        of records: [PreferenceRecord]
    ) throws(RankedAnswersError) -> [RankedAnswers] {
        var places: [String: Int] = [:]
        var comparisons: [RankedAnswers] = []
        for record in records {
            let place = places[record.id] ?? comparisons.count
            if place == comparisons.count {
                places[record.id] = place
                comparisons.append(RankedAnswers(record))
            }
            let first = comparisons[place]
            guard
                first.picture == record.picture, first.question == record.question,
                first.candidates == record.candidates
            else { throw .contradiction(id: record.id) }
            if !record.pairs.isEmpty {
                comparisons[place].rankings.append(Ranking(labeler: record.labeler, pairs: record.pairs))
            }
        }
        return comparisons.filter { !$0.rankings.isEmpty }
    }

    /// The family of the picture, as reports name it.
    public var family: String {
        switch picture {
        case .generated(let family, _): family.rawValue
        case .easyVQA: "easy-vqa"
        case .stored: "sent"
        case nil: "text"
        }
    }
}

/// Why rankings cannot be learned from.
public enum RankedAnswersError: Error, Equatable, CustomStringConvertible {
    /// Two records of one comparison do not rank the same answers to the same question.
    case contradiction(id: String)
    /// A candidate has no token to read a reward at, or one that the model does not know.
    case candidate(id: String, index: Int, reason: String)
    /// A picture of another split than training asks for.
    case split(id: String, expected: SeedSplit, found: SeedSplit)
    /// Too few comparisons, or too few pictures to hold some out.
    case tooFew(what: String, expected: Int, found: Int)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .contradiction(let id): "comparison \(id): its records rank other answers, or answers to another question"
        case .candidate(let id, let index, let reason): "comparison \(id): candidates[\(index)] \(reason)"
        case .split(let id, let expected, let found):
            "comparison \(id): expected a picture for \(expected.rawValue), found one for \(found.rawValue)"
        case .tooFew(let what, let expected, let found): "expected at least \(expected) \(what), found \(found)"
        }
    }
}
