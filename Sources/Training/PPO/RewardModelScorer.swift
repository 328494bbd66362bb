/// The reward model as PPO's reward: it reads each answer's score at the last token.
public struct RewardModelScorer: AnswerScorer {
    private let model: RewardModel

    /// A scorer with `model`, which gets the same image embeddings as the policy.
    public init(_ model: RewardModel) {
        self.model = model
    }

    /// The model's rewards.
    public func scores(of images: [AnsweredImage]) throws -> [Double] {
        let prompts = images.flatMap { image in
            image.questions.map { question in
                RankedPrompt(
                    id: question.text, image: image.prompts.reference, prefix: image.prefix,
                    visual: image.visual, embeddings: image.embeddings, question: question.prompt,
                    answers: question.answers.map(\.tokens), rankings: [], family: "")
            }
        }
        return model.rewards(of: prompts).flatMap { $0.map(Double.init) }
    }
}
