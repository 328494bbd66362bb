/// A question about an image, the demonstrated answer, and the condition for a right answer.
public struct FamilyQuestion: Codable, Sendable, Equatable {
    /// The form in which the question asks to be answered.
    public enum Form: String, Codable, Sendable, CaseIterable {
        /// A word, a number, a word pair.
        case short
        /// One full sentence.
        case sentence
        /// One to three sentences that describe the image, or one sentence per object.
        case description
    }

    /// The family that the question comes from.
    public let family: Family
    /// The text as a person would type it.
    public let text: String
    /// The demonstrated answer: right, and in the requested form.
    public let answer: String
    /// The requested form.
    public let form: Form
    /// The condition for a right answer.
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

/// The condition for a right answer.
public enum GroundTruth: Codable, Sendable, Equatable {
    /// Yes or no.
    case yesNo(Bool)
    /// A count, as a digit or a number word.
    case count(Int)
    /// The characters written in the image.
    case text(String)
    /// Any one of the right words or word pairs, and none of the wrong ones, which the question offers or could mean.
    case words(right: [String], wrong: [String])
    /// The question presupposes an object that the image does not show. The right answer says so, and names no property
    /// of that object.
    case absent(thing: String)
    /// No image could answer the question: the right answer says that it cannot be seen.
    case unknowable
    /// A description of the scene's objects; the scene has the list.
    case description
}
