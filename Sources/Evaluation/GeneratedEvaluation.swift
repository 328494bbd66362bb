import Datasets
import Images

/// A question that a generator made, with all that the judge needs.
protocol GeneratedQuestion: Sendable {
    /// The text as a person would type it.
    var text: String { get }
    /// The demonstrated answer.
    var answer: String { get }
    /// The requested form.
    var form: FamilyQuestion.Form { get }
    /// The condition for a right answer.
    var truth: GroundTruth { get }
}

extension FamilyQuestion: GeneratedQuestion {}
extension DocumentQuestion: GeneratedQuestion {}

/// A generated question with the image that it is about.
protocol GeneratedSample: Sendable {
    associatedtype Question: GeneratedQuestion

    /// The question.
    var question: Question { get }
    /// The name of the question's family.
    var family: String { get }
    /// The image as a PNG file's bytes.
    var png: [UInt8] { get }
    /// The image's width and height in pixels.
    var size: (width: Int, height: Int) { get }
    /// Upper bound on the tokens of an answer.
    var maximumTokens: Int { get }

    /// The gold judge's verdict on an answer; `ended` is false if a limit cut it.
    func verdict(on answer: String, ended: Bool) -> Verdict
}

/// An answer with its verdict.
struct JudgedAnswer<Sample: GeneratedSample> {
    let sample: Sample
    let answer: String
    let verdict: Verdict

    init(sample: Sample, answer: String, ended: Bool) {
        self.sample = sample
        self.answer = answer
        verdict = sample.verdict(on: answer, ended: ended)
    }
}

/// The judged answers to all samples, under one control.
struct JudgedRun<Sample: GeneratedSample> {
    /// The answers, in the order of the samples.
    let answers: [JudgedAnswer<Sample>]
    /// Whether the question-only answer to each sample is right.
    let questionOnly: [Bool]
    let policy: EvaluatedPolicy
    let control: ImageControl
    let seed: UInt64
    /// From the first question to the last answer.
    let seconds: Double
}

/// Puts generated questions to a running server, greedily, and has the gold judge score the answers.
struct GeneratedEvaluation<Sample: GeneratedSample>: Sendable {
    let ask: AskClient
    let samples: [Sample]
    /// The answers without an image, by the name of the family.
    let questionOnly: [String: QuestionOnlyBaseline]
    /// Decides how images are swapped.
    let seed: UInt64
    /// Questions that are open at the same time.
    let concurrency: Int

    /// Asks every question once. Throws the first error.
    func run(
        _ control: ImageControl, progress: (_ done: Int, _ total: Int) -> Void
    ) async throws -> JudgedRun<Sample> {
        let clock = ContinuousClock()
        let began = clock.now
        let prompts = zip(samples, images(shownUnder: control)).map { sample, png in
            AskClient.Prompt(
                question: sample.question.text, png: png, maximumTokens: sample.maximumTokens, temperature: 0)
        }
        let policy = try await ask.policy()
        let answers = try await ask.answers(of: policy, to: prompts, concurrency: concurrency, progress: progress)
        let judged = zip(samples, answers).map { sample, answer in
            JudgedAnswer(sample: sample, answer: answer.text, ended: answer.ended)
        }
        return JudgedRun(
            answers: judged, questionOnly: samples.map(isRightBlindly), policy: policy, control: control, seed: seed,
            seconds: (clock.now - began) / .seconds(1))
    }

    /// The PNG that is shown with each sample.
    private func images(shownUnder control: ImageControl) -> [[UInt8]] {
        switch control {
        case .none: return samples.map(\.png)
        case .blank: return samples.map { ControlImages.blank(width: $0.size.width, height: $0.size.height) }
        case .swapped:
            // Swapped within a family: an image of another family would be recognised as wrong.
            var next: [Int: Int] = [:]
            for own in Dictionary(grouping: samples.indices, by: { samples[$0].family }).values {
                next.merge(ControlImages.circle(of: own, seed: seed)) { first, _ in first }
            }
            return samples.indices.map { samples[next[$0] ?? $0].png }
        }
    }

    private func isRightBlindly(_ sample: Sample) -> Bool {
        guard let answer = questionOnly[sample.family]?.answer(to: sample.question) else { return false }
        return sample.verdict(on: answer, ended: true).correctness == .right
    }
}
