import Datasets
import Support

/// A generated question with answers as a half-trained policy gives them: right, wrong, long, hallucinating, hedging,
/// in another form, without an end.
struct SyntheticCandidates {
    let task: LabelingTask
    private let right: String
    private let wrong: [String]
    private let form: FamilyQuestion.Form
    private var random: SplitMix64

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let family = random.draw(from: Family.allCases)
        let image = family.image(seed: seed)
        let question = random.draw(from: image.questions)
        right = question.answer
        form = question.form
        // What is right about another image is a likely mistake about this one.
        let others = (1...3).flatMap { family.image(seed: seed + 5_000 * $0).questions }
        let mistakes = others.filter { $0.form == question.form && $0.answer != question.answer }.map(\.answer)
        wrong = mistakes.isEmpty ? ["a blue ring"] : mistakes
        task = LabelingTask(question, about: image.scene, at: .generated(family: family, seed: seed))
        self.random = random
    }

    /// Sampled answers, some of them alike.
    mutating func answers(_ count: Int) -> [SimulatedLabeler.Answer] {
        (0..<count).map { _ in answer() }
    }

    private mutating func answer() -> SimulatedLabeler.Answer {
        let said = random.draw(1...100) <= 60 ? right : random.draw(from: wrong)
        switch random.draw(1...100) {
        case ...62: return .init(text: said, finishReason: .stop)
        case ...74: return .init(text: inAnotherForm(said), finishReason: .stop)
        case ...82:
            let other = "\(random.draw(from: SceneColour.allCases)) \(random.draw(from: SceneShape.allCases))"
            return .init(text: "\(said) There is a \(other).", finishReason: .stop)
        case ...88: return .init(text: "I think \(said)", finishReason: .stop)
        case ...94:
            let long = "If one looks closely at the whole picture, what it shows here is clearly this: \(said)"
            return .init(text: long, finishReason: .stop)
        default: return .init(text: "\(said) And also", finishReason: .length)
        }
    }

    private func inAnotherForm(_ text: String) -> String {
        switch form {
        case .short: "The answer to this question is \(text)."
        case .sentence, .description: text.split(separator: " ").suffix(2).joined(separator: " ")
        }
    }
}
