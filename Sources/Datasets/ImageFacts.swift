/// What the questions about one image reveal about its one shape.
public struct ImageFacts: Sendable, Equatable {
    /// The forms that no question has ruled out.
    public private(set) var shapes = Set(Shape.allCases)
    /// The colours that no question has ruled out.
    public private(set) var colours = Set(Colour.allCases)

    /// The form, once only one is left.
    public var shape: Shape? { shapes.count == 1 ? shapes.first : nil }
    /// The colour, once only one is left.
    public var colour: Colour? { colours.count == 1 ? colours.first : nil }

    /// Nothing is known.
    public init() {}

    /// Takes in a question and its answer. Returns false if the answer does not fit the question, or contradicts what
    /// is known; then the facts are not to be used any more.
    public mutating func learn(_ question: EasyVQAQuestion) -> Bool {
        switch (question.meaning, question.answer) {
        case (.presence(let trait, let negated), .yes): keep(trait, isThere: !negated)
        case (.presence(let trait, let negated), .no): keep(trait, isThere: negated)
        case (.shape(let told), let answer):
            guard let shape = Shape(rawValue: answer.rawValue) else { return false }
            shapes.formIntersection([shape])
            if let told { colours.formIntersection([told]) }
        case (.colour(let told), let answer):
            guard let colour = Colour(rawValue: answer.rawValue) else { return false }
            colours.formIntersection([colour])
            if let told { shapes.formIntersection([told]) }
        case (.presence, _): return false
        }
        return !shapes.isEmpty && !colours.isEmpty
    }

    private mutating func keep(_ trait: QuestionMeaning.Trait, isThere: Bool) {
        switch (trait, isThere) {
        case (.shape(let shape), true): shapes.formIntersection([shape])
        case (.shape(let shape), false): shapes.remove(shape)
        case (.colour(let colour), true): colours.formIntersection([colour])
        case (.colour(let colour), false): colours.remove(colour)
        }
    }
}
