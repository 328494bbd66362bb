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
    public let image: PreferenceImage?
    /// The user's turn.
    public let question: String
    /// Which of the image's generated questions it is, if one.
    public let questionIndex: Int?
    /// The answers.
    public let completions: [PreferenceRecord.RankedCompletion]
    /// Of each labeler who has a preference; those who hold all answers equal have none.
    public var rankings: [Ranking]

    private init(_ record: PreferenceRecord) {
        id = record.id
        image = record.image
        question = record.question
        questionIndex = record.questionIndex
        completions = record.completions
        rankings = []
    }

    /// The comparisons of `records` in the order of their first records, without those that nobody has a preference in.
    ///
    /// - Throws: `RankedAnswersError.contradiction` if records of one comparison differ in what was ranked.
    public static func comparisons(
        of records: [PreferenceRecord]
    ) throws(RankedAnswersError) -> [RankedAnswers] {
        var indices: [String: Int] = [:]
        var comparisons: [RankedAnswers] = []
        for record in records {
            let index = indices[record.id] ?? comparisons.count
            if index == comparisons.count {
                indices[record.id] = index
                comparisons.append(RankedAnswers(record))
            }
            let first = comparisons[index]
            guard
                first.image == record.image, first.question == record.question,
                first.completions == record.completions
            else { throw .contradiction(id: record.id) }
            if !record.pairs.isEmpty {
                comparisons[index].rankings.append(Ranking(labeler: record.labeler, pairs: record.pairs))
            }
        }
        return comparisons.filter { !$0.rankings.isEmpty }
    }

    /// The family of the image, as reports name it.
    public var family: String {
        switch image {
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
    case completion(id: String, index: Int, reason: String)
    /// An image of another split than training asks for.
    case split(id: String, expected: SeedSplit, found: SeedSplit)
    /// Too few comparisons, or too few images to hold some out.
    case tooFew(what: String, expected: Int, found: Int)

    /// What is wrong, and where.
    public var description: String {
        switch self {
        case .contradiction(let id): "comparison \(id): its records rank other answers, or answers to another question"
        case .completion(let id, let index, let reason): "comparison \(id): candidates[\(index)] \(reason)"
        case .split(let id, let expected, let found):
            "comparison \(id): expected a picture for \(expected.rawValue), found one for \(found.rawValue)"
        case .tooFew(let what, let expected, let found): "expected at least \(expected) \(what), found \(found)"
        }
    }
}
