/// Facts about an image's one shape, from the questions about the image.
public struct ImageFacts: Sendable, Equatable {
    /// The forms that no question has ruled out.
    public private(set) var shapes = Set(Shape.allCases)
    /// The colours that no question has ruled out.
    public private(set) var colours = Set(Colour.allCases)

    /// The form, once only one is left.
    public var shape: Shape? { shapes.count == 1 ? shapes.first : nil }
    /// The colour, once only one is left.
    public var colour: Colour? { colours.count == 1 ? colours.first : nil }

    /// No facts.
    public init() {}

    /// Adds the fact from a question and its answer. Returns false if the answer does not fit the question, or
    /// contradicts the known facts; the facts must not be used afterwards.
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

/// The meanings of easy-VQA's 24 question templates.
public enum QuestionMeaning: Sendable, Equatable {
    /// A property of a shape.
    public enum Trait: Sendable, Hashable {
        /// Its form.
        case shape(Shape)
        /// Its colour.
        case colour(Colour)
    }

    /// The form of the one shape; the question may name its colour.
    case shape(told: Colour?)
    /// The colour of the one shape; the question may name its form.
    case colour(told: Shape?)
    /// Whether a shape with this trait is present or, if `negated`, absent.
    case presence(of: Trait, negated: Bool)

    /// The meaning of a question; nil if it has none of the templates.
    public init?(_ text: String) {
        guard text.hasSuffix("?") else { return nil }
        var words = text.dropLast().split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        var trait: Trait?
        for index in words.indices {
            if let shape = Shape(rawValue: words[index]) {
                trait = .shape(shape)
                words[index] = "*"
            } else if let colour = Colour(rawValue: words[index]), words[index...].dropFirst().first == "shape" {
                trait = .colour(colour)
                words[index...(index + 1)] = ["*"]
                break
            }
        }
        guard let meaning = Self.read(words.joined(separator: " "), trait) else { return nil }
        self = meaning
    }

    private static func read(_ pattern: String, _ trait: Trait?) -> QuestionMeaning? {
        switch (pattern, trait) {
        case ("what shape is in the image", nil), ("what shape does the image contain", nil),
            ("what shape is present", nil):
            .shape(told: nil)
        case ("what is the *", .colour(let colour)): .shape(told: colour)
        case ("what color is the shape", nil), ("what is the color of the shape", nil): .colour(told: nil)
        case ("what color is the *", .shape(let shape)), ("what is the color of the *", .shape(let shape)):
            .colour(told: shape)
        case ("is a * present", let trait?), ("is there a *", let trait?), ("is there a * in the image", let trait?),
            ("does the image contain a *", let trait?):
            .presence(of: trait, negated: false)
        case ("is no * present", let trait?), ("is there not a *", let trait?),
            ("is there not a * in the image", let trait?), ("does the image not contain a *", let trait?):
            .presence(of: trait, negated: true)
        default: nil
        }
    }
}
