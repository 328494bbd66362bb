/// One question of easy-VQA with its answer.
public struct EasyVQAQuestion: Sendable, Equatable {
    /// The 13 answers, in the order of easy-VQA's answers.txt; raw values are its words.
    public enum Answer: String, Sendable, CaseIterable {
        /// A shape.
        case circle
        /// A colour.
        case green, red, gray
        /// The thing asked about is so.
        case yes
        /// A colour.
        case teal, black
        /// A shape.
        case rectangle
        /// A colour.
        case yellow
        /// A shape.
        case triangle
        /// A colour.
        case brown, blue
        /// The thing asked about is not so.
        case no
    }

    /// How a question can be answered, told by its answer.
    public enum Kind: String, Sendable, CaseIterable {
        /// With yes or no.
        case yesNo
        /// With a shape or a colour.
        case open
    }

    /// In English, with its question mark.
    public let text: String
    /// The official answer.
    public let answer: Answer
    /// The number of the image in its split.
    public let image: Int
    /// What the text asks.
    public let meaning: QuestionMeaning

    /// Nil if the text is of none of the 24 templates.
    public init?(text: String, answer: Answer, image: Int) {
        guard let meaning = QuestionMeaning(text) else { return nil }
        self.text = text
        self.answer = answer
        self.image = image
        self.meaning = meaning
    }

    /// Yes/no or open.
    public var kind: Kind {
        answer == .yes || answer == .no ? .yesNo : .open
    }
}
