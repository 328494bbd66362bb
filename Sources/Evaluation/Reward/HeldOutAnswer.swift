public import Datasets

/// A policy's answer to a validation prompt of its training run.
public struct HeldOutAnswer: Sendable {
    private let image: PreferenceImage
    private let question: String
    private let text: String
    private let ended: Bool
    fileprivate let reward: Double
    fileprivate let divergence: Double

    /// - Parameters:
    ///   - reward: the reward model's score.
    ///   - divergence: Σ log π - log π_ref over the answer's tokens, in nats.
    public init(
        image: PreferenceImage, question: String, text: String, ended: Bool, reward: Double, divergence: Double
    ) {
        self.image = image
        self.question = question
        self.text = text
        self.ended = ended
        self.reward = reward
        self.divergence = divergence
    }

    /// The gold judge's score; nil if the question is not a generated one.
    fileprivate var gold: Double? {
        guard case .generated(let family, let seed) = image else { return nil }
        let drawn = family.image(seed: seed)
        guard let asked = drawn.questions.first(where: { $0.text == question }) else { return nil }
        return GoldJudge.score(text, to: asked, about: drawn.scene, ended: ended)
    }
}

extension OptimizationCurve {
    /// The curve of a PPO run from its validations: for each, the number of finished iterations and the answers to the
    /// same prompts. The first validation is the start.
    public init(ppo validations: [(iteration: Int, answers: [HeldOutAnswer])]) {
        let means = validations.map { validation in
            let judged = validation.answers.compactMap { answer in answer.gold.map { (answer, $0) } }
            let count = Double(max(1, judged.count))
            return (
                iteration: validation.iteration, reward: judged.reduce(0) { $0 + $1.0.reward } / count,
                gold: judged.reduce(0) { $0 + $1.1 } / count,
                divergence: judged.reduce(0) { $0 + $1.0.divergence } / count
            )
        }
        self.init(
            .ppo,
            means.map { mean in
                Point(
                    step: mean.iteration, divergence: mean.divergence, reward: mean.reward - means[0].reward,
                    gold: mean.gold - means[0].gold)
            })
    }
}
