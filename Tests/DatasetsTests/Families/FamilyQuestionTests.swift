import Datasets
import Testing

/// How questions are worded and answered.
@Suite struct FamilyQuestionTests {
    @Test(arguments: Family.allCases)
    func imagesHaveFourToEightQuestions(family: Family) {
        for seed in FamilyImageTests.seeds {
            let questions = family.image(seed: seed).questions
            #expect((4...8).contains(questions.count), "seed \(seed)")
            #expect(Set(questions.map { $0.text.lowercased() }).count == questions.count, "seed \(seed)")
            #expect(questions.allSatisfy { $0.family == family })
        }
    }

    @Test(arguments: Family.allCases)
    func everyWordingIsUsedAndEveryQuestionIsWordedSo(family: Family) throws {
        let patterns = family.wordings.flatMap(\.texts)
        var unused = Set(patterns)
        for seed in 0..<1_500 as Range<UInt64> {
            for question in family.image(seed: seed).questions {
                let fitting = patterns.filter { Self.fits(question.text, $0) }
                #expect(!fitting.isEmpty, "\(question.text)")
                unused.subtract(fitting)
            }
        }
        #expect(unused.isEmpty)
        #expect(family.wordings.allSatisfy { (3...20).contains($0.texts.count) })
    }

    /// Whether a question can be a wording filled in, whatever its first letter and the request behind it.
    private static func fits(_ text: String, _ wording: String) -> Bool {
        var rest = text.lowercased()[...]
        let parts = wording.lowercased().split(omittingEmptySubsequences: false) { "#123".contains($0) }
            .filter { !$0.isEmpty }
        for (index, part) in parts.enumerated() {
            guard let range = rest.firstRange(of: part), index > 0 || range.lowerBound == rest.startIndex else {
                return false
            }
            rest = rest[range.upperBound...]
        }
        return true
    }

    @Test(arguments: Family.allCases)
    func answersHaveTheAskedForm(family: Family) {
        for seed in FamilyImageTests.seeds {
            for question in family.image(seed: seed).questions {
                let answer = question.answer
                let isSentence = answer.hasSuffix(".") && answer.first?.isUppercase == true && answer.contains(" ")
                switch (question.form, question.truth) {
                case (.short, .absent): #expect(answer == "none" || isSentence, "\(answer)")
                case (.short, _):
                    #expect(!answer.hasSuffix(".") && answer == answer.lowercased() && !answer.isEmpty, "\(answer)")
                case (.sentence, _), (.description, _): #expect(isSentence, "\(answer)")
                }
                let asksForWord = question.text.contains("one word") || question.text.contains("One word")
                if asksForWord { #expect(!answer.contains(" "), "\(question.text) \(answer)") }
                if question.text.contains("sentence.") { #expect(isSentence, "\(question.text) \(answer)") }
                #expect(!answer.contains("  ") && !question.text.contains("#") && !answer.contains("#"))
            }
        }
    }

    @Test(arguments: Family.allCases)
    func demonstratedAnswersFitTheTruth(family: Family) {
        for seed in FamilyImageTests.seeds {
            for question in family.image(seed: seed).questions {
                let words = Self.words(question.answer)
                switch question.truth {
                case .yesNo(let isTrue): #expect(words.first == (isTrue ? "yes" : "no"), "\(question)")
                case .count(let count):
                    #expect(words.contains("\(count)") || count == 0 && words.contains("no"), "\(question)")
                case .text(let text): #expect(words.contains(text), "\(question)")
                case .words(let right, let wrong):
                    #expect(right.contains { Self.says(question.answer, $0) }, "\(question)")
                    #expect(!wrong.contains { Self.says(question.answer, $0) }, "\(question)")
                case .absent(let thing):
                    #expect(question.answer == "none" || question.answer == "There is no \(thing).", "\(question)")
                case .unknowable: #expect(question.answer == "I cannot see that in the picture.")
                case .description: #expect(question.form == .description)
                case .transcript, .number, .time, .list, .unreadable:
                    Issue.record("truths of documents only: \(question)")
                }
            }
        }
    }

    @Test func articlesAndPluralsAreRight() {
        for family in Family.allCases {
            for seed in FamilyImageTests.seeds {
                for question in family.image(seed: seed).questions {
                    for text in [question.text, question.answer] { Self.expectEnglish(text) }
                }
            }
        }
    }

    private static func expectEnglish(_ text: String) {
        let words = words(text)
        for (word, next) in zip(words, words.dropFirst()) {
            let takesAn = next.first.map { "aeiou".contains($0) } == true || next == "8"
            if word == "a" { #expect(!takesAn, "\(text)") }
            if word == "an" { #expect(takesAn, "\(text)") }
        }
        for (index, word) in words.enumerated() {
            guard let number = Int(word) else { continue }
            let nouns = words[(index + 1)...].prefix(2)
            if let noun = nouns.first(where: plurals.contains) { #expect(number != 1, "\(text) \(noun)") }
            if let noun = nouns.first(where: singulars.contains) { #expect(number == 1, "\(text) \(noun)") }
        }
    }

    private static let singulars = Set(SceneShape.allCases.map(\.rawValue) + ["thing", "object", "shape"])
    private static let plurals = Set(singulars.map { $0 == "cross" ? "crosses" : $0 + "s" })

    /// Lower-case words.
    static func words(_ text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    /// Whether the words of `phrase` follow each other in `answer`.
    private static func says(_ answer: String, _ phrase: String) -> Bool {
        let (words, wanted) = (words(answer), words(phrase))
        return words.indices.contains { Array(words[$0...].prefix(wanted.count)) == wanted }
    }
}
