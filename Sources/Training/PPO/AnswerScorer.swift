/// Scores answers: the reward model, or a rule in tests.
public protocol AnswerScorer: Sendable {
    /// A score for each answer, in the order of images, questions and answers, without the penalty for a missing end.
    func scores(of images: [AnsweredImage]) throws -> [Double]
}
