import Datasets
import Evaluation
import Foundation
import Support
import TestSupport
import Testing
import Typography

/// Answers about documents with the verdicts of a person.
@Suite struct DocumentJudgeTests {
    private struct Case {
        let truth: GroundTruth
        let question: String
        let right: [String]
        let wrong: [String]
        var family = DocumentFamily.words

        func correctness(of answer: String) -> Verdict.Correctness { verdict(on: answer).correctness }

        func verdict(on answer: String) -> Verdict {
            let asked = DocumentQuestion(
                family: family, text: question, answer: right[0], form: .short, truth: truth, isReadOff: true,
                isHeldOutWording: false)
            return GoldJudge.verdict(on: answer, to: asked, about: [])
        }
    }

    private static let cases = [
        Case(
            truth: .transcript("SALE"), question: "What does it say?",
            right: [
                "SALE", "SALE.", "“SALE”", "\"SALE\"", "It says SALE.", "It says “SALE”.", "It says \"SALE.\"",
                "The word is SALE", "The sign reads SALE.", "The text says: SALE", "SALE\n", "The text is “SALE”.",
            ],
            wrong: [
                "", "sale", "Sale", "SALES", "SAL", "It says SALT.", "S A L E", "The word is SALE or SALT.",
                "It does not say “SALE”.", "I cannot read it.", "yes", "It is not SALE.", "“SALE” or “SALT”",
            ]),
        Case(
            truth: .transcript("Open the door, please."), question: "Read the line.",
            right: ["Open the door, please.", "Open  the door,\nplease.", "The line says “Open the door, please.”"],
            wrong: ["Open the door please.", "Open the door, please", "open the door, please.", "Open the"]),
        Case(
            truth: .transcript("It is 5 o'clock"), question: "What does it say?",
            right: ["It is 5 o'clock", "It is 5 o’clock.", "It says “It is 5 o'clock”."],
            wrong: ["5 o'clock", "It is 5"]),
        Case(
            truth: .transcript("He said \"no\""), question: "What does it say?",
            right: ["He said \"no\"", "It says “He said \"no\"”."], wrong: ["no", "He said no"]),
        Case(
            truth: .transcript("AB-12/c"), question: "What is the code?",
            right: ["AB-12/c", "The code is AB-12/c.", "AB–12/c"], wrong: ["AB-12/C", "AB12c", "AB-12", "AB-13/c"]),
        Case(
            truth: .transcript("S"), question: "What is the first letter?",
            right: ["S", "s", "The first letter is S.", "“S”"], wrong: ["A", "SALE", "no", "S or A"]),
        Case(
            truth: .number(12.5, within: 0), question: "What does the tea cost?",
            right: [
                "$12.50", "12.50", "12.5", "12,50 EUR", "The tea costs $12.50.", "It is 12.50.", "$12.50.", "USD 12.50",
            ],
            wrong: ["12", "$12.05", "1250", "12.50 or 13.50", "twelve", "I do not know.", "", "$1.25", "-12.50"]),
        Case(
            truth: .number(1250, within: 0), question: "What is the total?",
            right: ["1,250", "1250", "The total is 1'250.", "1,250.00", "1.250,00 EUR"], wrong: ["1.25", "250", "125"]),
        Case(
            truth: .number(3, within: 0), question: "How many buttons are there?",
            right: ["3", "three", "There are three buttons.", "3 buttons", "There are 3."],
            wrong: ["2", "four", "none", "2 or 3", "no"]),
        Case(
            truth: .number(0, within: 0), question: "How many dice show a 6?",
            right: ["0", "none", "None of the dice show a 6.", "zero", "No die shows a 6."],
            wrong: ["1", "6", "one", "yes"]),
        Case(
            truth: .number(2, within: 0), question: "How many dice show a 3?",
            right: ["2", "2 dice show a 3.", "two"], wrong: ["3", "5 dice show a 3."]),
        Case(
            truth: .number(40, within: 5), question: "What is the value of 2019?",
            right: ["40", "38", "about 44", "The value of 2019 is 45.", "In 2019 it was 37."],
            wrong: ["34", "46", "2019", "400", "40 or 60"]),
        Case(
            truth: .time(hour: 3, minute: 25), question: "What time is it?",
            right: [
                "3:25", "It is 3:25.", "15:25", "03:25", "twenty-five past three", "25 past 3",
                "It is three twenty-five.",
                "3:25 pm", "It's 3:25 p.m.",
            ],
            wrong: ["3:20", "5:15", "25:3", "quarter past three", "3", "It is 5:25.", "no", "3:25 or 5:15", ""]),
        Case(
            truth: .time(hour: 12, minute: 45), question: "What time is it?",
            right: ["12:45", "quarter to one", "0:45", "a quarter to 1", "fifteen before one"],
            wrong: ["11:45", "quarter past one", "12:15", "1:45"]),
        Case(
            truth: .time(hour: 4, minute: 0), question: "What time is it?",
            right: ["4:00", "four o'clock", "It is 4.", "4 o’clock"], wrong: ["5:00", "4:05", "12:20"]),
        Case(
            truth: .time(hour: 7, minute: 30), question: "What time is it?",
            right: ["7:30", "half past seven", "seven thirty"], wrong: ["half past eight", "6:35", "7:00"]),
        Case(
            truth: .list(of: ["Save", "Don't save", "Cancel"], noneOf: ["OK"], isOrdered: false),
            question: "Which buttons are there?",
            right: [
                "Save, Don't save, Cancel", "The buttons are “Save”, “Don’t save” and “Cancel”.",
                "Cancel, Don't save and Save", "save, don't save, cancel",
            ],
            wrong: ["Save, Cancel", "Save", "Save, Don't save, Cancel, OK", "", "three"]),
        Case(
            truth: .list(of: ["Dark mode"], noneOf: ["Wi-Fi", "Mute"], isOrdered: false),
            question: "Which boxes are checked?",
            right: ["Dark mode", "Dark mode is checked.", "Dark mode, but not Wi-Fi"],
            wrong: ["Wi-Fi", "Dark mode and Mute", "none", "Dark mode, Wi-Fi, Mute"]),
        Case(
            truth: .list(of: ["red", "white", "red"], noneOf: ["blue", "green"], isOrdered: true),
            question: "What are the colors from left to right?",
            right: ["red, white, red", "They are red, white and red."],
            wrong: ["white, red, white", "red, white", "red, red, white", "red, white, blue"]),
        Case(
            truth: .unreadable, question: "What does it say?",
            right: [
                "I cannot read it. The text is too blurred.", "I can't tell what it says.",
                "I cannot tell. I only see noise.",
                "It is too blurred to read.", "There is no text in the picture.", "I do not see any text.",
                "I am not able to read this.", "The text is illegible.",
                "I cannot tell. I only see soft spots in red and blue.",
            ],
            wrong: [
                "It says “hello”.", "hello", "It says hello.", "I cannot tell, but it says hello.", "12", "yes",
                "I think it says no.", "There is a red circle.", "I cannot tell. There is a dog.", "",
                "I cannot read it, maybe hello.", "a black black circle", "The total is 12.50.",
            ]),
        Case(
            truth: .words(right: ["Tea"], wrong: ["Iced Tea", "Coffee"]), question: "Which item is the cheapest?",
            right: ["Tea", "The Tea is the cheapest.", "tea", "It is the tea."],
            wrong: ["Iced Tea", "Coffee", "Tea or Coffee", "", "I do not know."]),
    ]

    @Test func agreesWithAPersonOnEveryCase() {
        for one in Self.cases {
            for answer in one.right {
                #expect(one.correctness(of: answer) == .right, "\(one.question) \(one.truth): \(answer)")
            }
            for answer in one.wrong {
                #expect(one.correctness(of: answer) != .right, "\(one.question) \(one.truth): \(answer)")
            }
        }
    }

    @Test func nearTextsArePartlyRight() {
        let line = Case(
            truth: .transcript("The quick brown fox"), question: "Read the line.", right: ["The quick brown fox"],
            wrong: [])
        #expect(abs(line.verdict(on: "The quick brawn fox").share - 18.0 / 19) < 1e-9)
        #expect(line.verdict(on: "The quick").correctness == .wrong)
        #expect(line.verdict(on: "It says “The quick brown box”.").correctness == .partly)
        #expect(line.verdict(on: "The quick brown fox jumps").share < 0.8)
    }

    @Test func inventedTextIsCounted() {
        let blurred = Case(truth: .unreadable, question: "What does it say?", right: ["I cannot read it."], wrong: [])
        #expect(blurred.verdict(on: "It says “hello”.").absentThings == ["text"])
        #expect(blurred.verdict(on: "I cannot read it.").absentThings.isEmpty)
        let word = Case(truth: .transcript("SALE"), question: "What does it say?", right: ["SALE"], wrong: [])
        #expect(word.verdict(on: "It says “Banana bread”.").absentThings == ["text"])
        #expect(word.verdict(on: "I cannot read it.").absentThings.isEmpty)
        #expect(word.verdict(on: "SALT").absentThings.isEmpty)
        #expect(word.verdict(on: "There is no title.").absentThings.isEmpty)
        #expect(word.verdict(on: "There is no title, only “Banana bread”.").absentThings == ["text"])
    }

    /// Every demonstration is right, in its form, and ends properly.
    @Test(arguments: DocumentFamily.allCases)
    func demonstratedAnswersAreRight(family: DocumentFamily) throws {
        let studio = try Self.studio()
        for split in SeedSplit.allCases {
            for index in 0..<60 as Range<UInt64> {
                let document = family.document(seed: split.seed(at: index), from: studio)
                for question in document.questions {
                    let verdict = GoldJudge.verdict(
                        on: question.answer, to: question, about: document.sceneObjects)
                    let name = "seed \(split.seed(at: index)): \(question.text) \(question.answer) \(question.truth)"
                    #expect(verdict.correctness == .right, "\(name)")
                    #expect(verdict.absentThings.isEmpty, "\(name) \(verdict.absentThings)")
                    #expect(verdict.obeysForm && verdict.endsProperly && verdict.needlessWords == 0, "\(name)")
                }
            }
        }
    }

    /// The answer to another image's question of the same family is seldom right.
    @Test(arguments: DocumentFamily.allCases.filter { $0 != .unreadable })
    func answersToOtherImagesAreSeldomRight(family: DocumentFamily) throws {
        let studio = try Self.studio()
        let documents = (0..<80 as Range<UInt64>).map { family.document(seed: $0, from: studio) }
        var (right, all) = (0, 0)
        for (document, other) in zip(documents, documents.dropFirst()) {
            for question in document.questions {
                if case .yesNo = question.truth { continue }
                guard let answer = other.questions.first(where: { $0.form == question.form })?.answer else { continue }
                all += 1
                let verdict = GoldJudge.verdict(on: answer, to: question, about: document.sceneObjects)
                right += verdict.correctness == .right ? 1 : 0
            }
        }
        #expect(all > 50 && right * 5 < all, "\(right) of \(all)")
    }

    /// Two small fonts in the public domain, and made-up words.
    static func studio() throws -> DocumentStudio {
        let folder = URL(filePath: #filePath).appending(path: "../../TypographyTests/Fixtures").standardized.path
        let families = [
            FontFamily(
                "Tuffy", .sans, maker: "Thatcher Ulrich", licence: "public domain", package: "fonts-tuffy",
                faces: [.init("Regular", "Tuffy-ASCII.ttf")]),
            FontFamily(
                "OCR-B", .mono, maker: "Norbert Schwarz", licence: "public domain", package: "fonts-ocr-b",
                split: .heldOut, faces: [.init("Regular", "OCRB.otf")]),
        ]
        var generator = SplitMix64(seed: 3)
        let words = (0..<4_000).map { _ in
            (0..<generator.draw(2...4)).map { _ in
                "\(generator.draw(from: Array("bcdfghjklmnpqrstvwxz")))\(generator.draw(from: Array("aeiouy")))"
            }.joined()
        }
        return try DocumentStudio(
            fonts: OpenFonts(FontCollection(folder: folder, families: families)), words: WordList(words: words),
            pictograms: DrawnPictograms())
    }
}
