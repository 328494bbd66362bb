import Datasets
import Testing

@Suite struct QuestionMeaningTests {
    @Test(
        arguments: [
            ("what shape is present?", .shape(told: nil)), ("what is the gray shape?", .shape(told: .gray)),
            ("what is the color of the shape?", .colour(told: nil)),
            ("what color is the circle?", .colour(told: .circle)),
            ("is there a triangle in the image?", .presence(of: .shape(.triangle), negated: false)),
            ("does the image not contain a teal shape?", .presence(of: .colour(.teal), negated: true)),
            ("is no rectangle present?", .presence(of: .shape(.rectangle), negated: true)),
        ] as [(String, QuestionMeaning)])
    func templatesAreRead(text: String, meaning: QuestionMeaning) {
        #expect(QuestionMeaning(text) == meaning)
    }

    @Test(arguments: [
        "", "?", "what shape is present", "is there a gray?", "is there a pink shape?", "what color is the gray shape?",
        "what is the circle?", "is there a  circle?", "Is there a circle?", "is there a circle and a circle?",
        "is there a *?",
    ])
    func otherTextsAreNot(text: String) {
        #expect(QuestionMeaning(text) == nil)
    }

    @Test func factsNarrowDown() throws {
        var facts = ImageFacts()
        func ask(_ text: String, _ answer: EasyVQAQuestion.Answer) throws -> EasyVQAQuestion {
            try #require(EasyVQAQuestion(text: text, answer: answer, image: 0))
        }
        #expect(facts.learn(try ask("is there a circle?", .no)))
        #expect(facts.shapes == [.rectangle, .triangle] && facts.shape == nil)
        #expect(facts.learn(try ask("is no triangle present?", .yes)))
        #expect(facts.shape == .rectangle && facts.colour == nil)
        #expect(facts.learn(try ask("does the image not contain a red shape?", .no)))
        #expect(facts.colour == .red)
        #expect(!facts.learn(try ask("what color is the shape?", .blue)))
        var fresh = ImageFacts()
        #expect(!fresh.learn(try ask("what color is the shape?", .yes)))
        #expect(!fresh.learn(try ask("is there a circle?", .circle)))
    }
}
