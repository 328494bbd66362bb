/// A question about an image, the demonstrated answer, and what makes any answer right.
public struct FamilyQuestion: Codable, Sendable, Equatable {
    /// How the question wants to be answered.
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// A word, a number, a word pair.
        case short
        /// One full sentence.
        case sentence
        /// One to three sentences that tell what is there, or one for each thing.
        case description
    }

    /// Where it comes from.
    public let family: Family
    /// As a person would type it.
    public let text: String
    /// The answer to learn from: right, and in the asked form.
    public let answer: String
    /// The asked form.
    public let form: Form
    /// What makes an answer right.
    public let truth: GroundTruth

    /// A question.
    public init(family: Family, text: String, answer: String, form: Form, truth: GroundTruth) {
        self.family = family
        self.text = text
        self.answer = answer
        self.form = form
        self.truth = truth
    }
}

/// What makes an answer right.
public enum GroundTruth: Codable, Sendable, Equatable {
    /// Yes or no.
    case yesNo(Bool)
    /// So many, as a digit or a number word.
    case count(Int)
    /// The characters written in the image.
    case text(String)
    /// Any one of these words or word pairs, and none of the others that the question offers or could mean.
    case words(right: [String], wrong: [String])
    /// The question takes for granted something that is not there: the right answer says so, naming no property of it.
    case absent(thing: String)
    /// No image could tell: the right answer says that it cannot be seen.
    case unknowable
    /// A description of the scene's objects, which are the scene's own.
    case description
}
