import Datasets
import Evaluation
import Support
import Testing

/// The judge and the generator were written independently: the judge must accept the generator's demonstrations.
@Suite struct DemonstrationTests {
    @Test(arguments: Family.allCases) func areRightInFormAndNameNothingAbsent(family: Family) {
        for index in 0..<2_000 as Range<UInt64> {
            let split = SeedSplit.allCases[Int(index % 3)]
            let image = family.image(seed: split.seed(at: index))
            for question in image.questions {
                let verdict = GoldJudge.verdict(on: question.answer, to: question, about: image.scene.objects)
                #expect(
                    verdict.correctness == .right && verdict.obeysForm && verdict.endsProperly
                        && verdict.absentThings.isEmpty && verdict.needlessWords == 0,
                    "seed \(split.seed(at: index)): \(question.text) \(question.answer) \(verdict)")
            }
        }
    }

    /// No answer is right for all questions: another question's demonstration is wrong wherever the truths differ.
    @Test(arguments: [Family.counts, .attributes, .digits, .numbers]) func areWrongForOtherTruths(family: Family) {
        var generator = SplitMix64(seed: 2)
        for index in 0..<500 as Range<UInt64> {
            let image = family.image(seed: index)
            let question = generator.draw(from: image.questions)
            let other = generator.draw(from: image.questions)
            // A sentence may say more than the question asks for; a word cannot.
            guard other.form == .short, question.truth != other.truth,
                TruthKind(of: question.truth) == TruthKind(of: other.truth)
            else { continue }
            let verdict = GoldJudge.verdict(on: other.answer, to: question, about: image.scene.objects)
            #expect(verdict.correctness == .wrong, "seed \(index): \(question.text) \(other.answer)")
        }
    }
}
