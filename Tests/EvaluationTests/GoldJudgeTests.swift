import Datasets
import Evaluation
import Foundation
import Support
import TestSupport
import Testing

@Suite struct GoldJudgeTests {
    private let cases: [JudgeCase]

    init() throws {
        let text = try String(contentsOf: fixtureURL("judge-cases.txt"), encoding: .utf8)
        cases = try JudgeCase.load(text)
    }

    @Test func agreesWithAPersonOnEveryCase() {
        #expect(cases.count > 300)
        for one in cases {
            let verdict = one.verdict
            #expect(verdict.correctness == one.correctness, "\(one)")
            #expect(verdict.obeysForm == one.obeysForm, "\(one)")
            #expect(verdict.endsProperly == one.endsProperly, "\(one)")
            #expect((verdict.needlessWords > 0) == one.isNeedlesslyLong, "\(one)")
            #expect(verdict.absentThings == one.absentThings, "\(one)")
            if let share = one.share { #expect(abs(verdict.share - share) < 0.006, "\(one)") }
        }
    }

    /// Every verdict, truth and form must be among the cases, or the table would prove nothing about it.
    @Test func casesAreOfEveryKind() {
        #expect(Set(cases.map(\.correctness)) == Set(Verdict.Correctness.allCases))
        #expect(Set(cases.map(\.question.form)) == Set(FamilyQuestion.Form.allCases))
        // Documents have kinds of their own, and cases of their own.
        let documents: Set<TruthKind> = [.transcript, .number, .time, .list, .unreadable]
        #expect(
            Set(cases.map { TruthKind(of: $0.question.truth) }) == Set(TruthKind.allCases).subtracting(documents))
        for correctness in Verdict.Correctness.allCases {
            #expect(cases.count { $0.correctness == correctness } >= 15)
        }
    }

    @Test func doesNotMindCase() {
        for one in cases {
            for answer in [one.answer.uppercased(), one.answer.lowercased()] {
                let verdict = one.judged(answer)
                #expect(verdict.share == one.verdict.share, "\(one)")
                #expect(verdict.absentThings == one.verdict.absentThings, "\(one)")
            }
        }
    }

    @Test func doesNotMindAFullStop() {
        for one in cases where one.answer.last?.isLetter == true {
            #expect(one.judged(one.answer + ".").share == one.verdict.share, "\(one)")
            #expect(one.judged(one.answer + "!").share == one.verdict.share, "\(one)")
        }
    }

    @Test func doesNotMindWhiteSpace() {
        for one in cases where !one.answer.isEmpty {
            let spread = "\n " + one.answer.replacingOccurrences(of: " ", with: "  ") + " \t"
            #expect(one.judged(spread).share == one.verdict.share, "\(one)")
        }
    }

    @Test func readsNumbersInWordsAndDigitsAlike() {
        let words = ["two": "2", "three": "3", "four": "4", "seven": "7"]
        for one in cases where !one.answer.contains("hundred") {
            let digits = one.answer.split(separator: " ").map { words[String($0)] ?? String($0) }
            #expect(one.judged(digits.joined(separator: " ")).share == one.verdict.share, "\(one)")
        }
    }

    @Test func readsEveryNumberWord() {
        let formatter = NumberFormatter()
        formatter.numberStyle = .spellOut
        formatter.locale = Locale(identifier: "en_US")
        for number in 0..<10_000 where number < 200 || number.isMultiple(of: 37) {
            guard let word = formatter.string(from: NSNumber(value: number)) else { continue }
            let question = FamilyQuestion(
                family: .numbers, text: "Which number is it?", answer: "\(number)", form: .short,
                truth: .text("\(number)"))
            let right = GoldJudge.verdict(on: word, to: question, about: [])
            #expect(right.correctness == .right, "\(word)")
            let wrong = FamilyQuestion(
                family: .numbers, text: question.text, answer: question.answer, form: .short,
                truth: .text("\(number + 1)"))
            #expect(GoldJudge.verdict(on: word, to: wrong, about: []).correctness == .wrong, "\(word)")
        }
    }

    @Test func anAnswerThatWasCutDoesNotEndProperly() {
        for one in cases {
            let verdict = GoldJudge.verdict(on: one.answer, to: one.question, about: one.objects, ended: false)
            #expect(!verdict.endsProperly && verdict.share == one.verdict.share)
        }
    }

    @Test func takesAnyText() {
        var generator = SplitMix64(seed: 4)
        let pieces = [
            "no", "not", "a", "the", "one", "hundred", "and", "thousand", "it", "is", "red", "circle", "plus", ".", ",",
            "'", "n't", "left of", "above", "7", "99999999999999999999", "\u{301}", "é", "-", "\n", "square", "that",
        ]
        for _ in 0..<2_000 {
            let text = (0..<generator.draw(0...12)).map { _ in generator.draw(from: pieces) }.joined(separator: " ")
            let verdict = generator.draw(from: cases).judged(text)
            #expect((0...1).contains(verdict.share), "\(text)")
        }
    }
}

@Suite struct PreferenceTests {
    private let verdicts: [Verdict]

    init() throws {
        let text = try String(contentsOf: fixtureURL("judge-cases.txt"), encoding: .utf8)
        verdicts = try JudgeCase.load(text).map(\.verdict)
    }

    @Test func isAntisymmetric() {
        for first in verdicts {
            for second in verdicts {
                let there = GoldJudge.preference(first, second)
                let back = GoldJudge.preference(second, first)
                #expect((there == .first) == (back == .second) && (there == .tie) == (back == .tie))
            }
        }
    }

    @Test func isTransitive() {
        var generator = SplitMix64(seed: 1)
        for _ in 0..<20_000 {
            let (a, b, c) = (
                generator.draw(from: verdicts), generator.draw(from: verdicts), generator.draw(from: verdicts)
            )
            let (ab, bc) = (GoldJudge.preference(a, b), GoldJudge.preference(b, c))
            guard ab != .second, bc != .second else { continue }
            let expected: GoldJudge.Preference = ab == .tie && bc == .tie ? .tie : .first
            #expect(GoldJudge.preference(a, c) == expected)
        }
    }

    @Test func rightComesBeforeWrong() {
        for right in verdicts where right.correctness == .right {
            for wrong in verdicts where wrong.correctness == .wrong {
                #expect(GoldJudge.preference(right, wrong) == .first)
            }
        }
    }

    /// A full sentence and a longer one are equally good; words beyond need are worse.
    @Test func doesNotLikeLength() {
        let question = FamilyQuestion(
            family: .absence, text: "What color is the star?", answer: "There is no star.", form: .sentence,
            truth: .absent(thing: "star"))
        func verdict(_ answer: String) -> Verdict { GoldJudge.verdict(on: answer, to: question, about: []) }
        let brief = verdict("There is no star.")
        #expect(GoldJudge.preference(verdict("There is no star in the picture."), brief) == .tie)
        let long = verdict("There is no star in the picture, and I have looked for it in every corner of it twice.")
        #expect(long.correctness == .right && GoldJudge.preference(brief, long) == .first)
    }

    @Test func fewerAbsentThingsAreBetter() {
        let question = FamilyQuestion(
            family: .absence, text: "What color is the star?", answer: "There is no star.", form: .sentence,
            truth: .absent(thing: "star"))
        let honest = GoldJudge.verdict(on: "I do not know.", to: question, about: [])
        let invented = GoldJudge.verdict(on: "The star is red.", to: question, about: [])
        #expect(honest.correctness == .wrong && invented.correctness == .wrong)
        #expect(GoldJudge.preference(honest, invented) == .first)
    }
}

extension JudgeCase {
    /// The verdict on another answer to the same question.
    func judged(_ answer: String) -> Verdict { GoldJudge.verdict(on: answer, to: question, about: objects) }
}
