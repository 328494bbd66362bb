/// Says how good answers are: the reward model, or in tests a rule.
public protocol AnswerScorer: Sendable {
    /// A score for each answer, images, questions and answers in order. The penalty for a missing end is not in it.
    func scores(of images: [AnsweredImage]) throws -> [Double]
}
