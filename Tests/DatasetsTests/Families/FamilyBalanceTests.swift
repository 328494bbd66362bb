import Datasets
import Testing

/// That a question's text does not tell its answer.
@Suite struct FamilyBalanceTests {
    private static let images: UInt64 = 4_000

    @Test(arguments: Family.allCases)
    func yesIsAsLikelyAsNoWhateverIsAsked(family: Family) {
        var answers: [String: (yes: Int, all: Int)] = [:]
        for seed in 0..<Self.images {
            for question in family.image(seed: seed).questions {
                guard case .yesNo(let isTrue) = question.truth else { continue }
                for key in ["", Self.bare(question.text), Self.masked(question.text)] {
                    let known = answers[key, default: (0, 0)]
                    answers[key] = (known.yes + (isTrue ? 1 : 0), known.all + 1)
                }
            }
        }
        for (text, count) in answers where count.all >= 40 {
            // Four and a half standard deviations, for there are thousands of texts.
            let share = Double(count.yes) / Double(count.all)
            let spread = 4.5 * (0.25 / Double(count.all)).squareRoot()
            #expect(abs(share - 0.5) < spread, "\(text): \(count)")
        }
        #expect(answers.contains { $0.value.all >= 40 && !$0.key.isEmpty })
    }

    @Test func countsAreUniform() {
        var answers: [String: [Int: Int]] = [:]
        for seed in 0..<Self.images {
            for question in Family.counts.image(seed: seed).questions {
                guard case .count(let count) = question.truth else { continue }
                for key in ["", Self.masked(question.text)] { answers[key, default: [:]][count, default: 0] += 1 }
            }
        }
        for (text, counts) in answers {
            let all = counts.values.reduce(0, +)
            guard all >= 500 else { continue }
            #expect(counts.keys.sorted() == Array(0...9))
            // Questions of one image share their count, hence more spread than alone.
            for count in 0...9 {
                let share = Double(counts[count] ?? 0) / Double(all)
                #expect(abs(share - 0.1) < 0.016 + 6 * (0.09 / Double(all)).squareRoot(), "\(text) \(count): \(share)")
            }
        }
    }

    @Test func thereIsAsOftenSomethingAsNothingToTellTheColourOf() {
        var (absent, all) = (0, 0)
        for seed in 0..<Self.images {
            for question in Family.absence.image(seed: seed).questions
            where SceneShape.allCases.contains(where: { question.text.contains("the \($0)") }) {
                guard ["color", "colour"].contains(where: question.text.lowercased().contains) else { continue }
                all += 1
                if case .absent = question.truth { absent += 1 }
            }
        }
        #expect(all > 1_000 && abs(Double(absent) / Double(all) - 0.5) < 0.05, "\(absent) of \(all)")
    }

    /// The question without a request, in small letters.
    private static func bare(_ text: String) -> String {
        let end = text.firstIndex { ".?".contains($0) }.map { text.index(after: $0) }
        return text[..<(end ?? text.endIndex)].lowercased()
    }

    /// The question without what it is about.
    private static func masked(_ text: String) -> String {
        let things = Set(
            SceneColour.allCases.map(\.rawValue)
                + SceneShape.allCases.flatMap { ["\($0)", "\($0)s", "\($0)es"] })
        return FamilyQuestionTests.words(text).filter { !things.contains($0) && Int($0) == nil }.joined(separator: " ")
    }
}
