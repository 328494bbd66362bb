/// The reward model as PPO's reward: each answer's score is read at its last token.
public struct RewardModelScorer: AnswerScorer {
    private let model: RewardModel

    /// A scorer by `model`, which sees the same picture embeddings as the policy.
    public init(_ model: RewardModel) {
        self.model = model
    }

    /// The model's rewards.
    public func scores(of pictures: [AnsweredPicture]) throws -> [Double] {
        let prompts = pictures.flatMap { picture in
            picture.questions.map { question in
                RankedPrompt(
                    id: question.text, picture: picture.picture.reference, prefix: picture.prefix,
                    visual: picture.visual, embeddings: picture.embeddings, question: question.prompt,
                    answers: question.answers.map(\.tokens), rankings: [], family: "")
            }
        }
        return model.rewards(of: prompts).flatMap { $0.map(Double.init) }
    }
}
