import Datasets

/// Answers without vision: the training split's most frequent answer to the same words.
///
/// This is what a policy that sees nothing can learn. A question that the training split does not contain word for word
/// gets the most frequent answer of its family in the asked form.
struct QuestionOnlyBaseline {
    private struct Tally {
        var counts: [String: Int] = [:]

        /// The most frequent answer; of equally frequent ones the first in the alphabet.
        var commonest: String {
            counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key ?? ""
        }
    }

    private var byText: [String: Tally] = [:]
    private var byForm: [FamilyQuestion.Form: Tally] = [:]

    /// Tallies the questions of a training split.
    init(_ questions: some Sequence<some GeneratedQuestion>) {
        for question in questions {
            byText[question.text, default: Tally()].counts[question.answer, default: 0] += 1
            byForm[question.form, default: Tally()].counts[question.answer, default: 0] += 1
        }
    }

    /// The questions of a family's first training images.
    init(_ family: Family, images: Int) {
        self.init(
            (0..<UInt64(images)).lazy.flatMap { family.image(seed: SeedSplit.training.seed(at: $0)).questions })
    }

    /// The baseline's answer.
    func answer(to question: some GeneratedQuestion) -> String {
        (byText[question.text] ?? byForm[question.form])?.commonest ?? ""
    }
}
