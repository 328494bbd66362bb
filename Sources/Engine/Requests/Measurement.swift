public import Models

/// What a request reads off answers that are there already, instead of drawing one.
///
/// The answers are read one after the other, each behind the same prompt, whose positions before the last are computed
/// once. The scheduler cuts all of it into steps as it does with prompts, so other requests go on meanwhile; and what
/// is read is bitwise the same whatever runs beside it.
public struct Measurement: Sendable {
    /// One number for each answer.
    public enum Quantity: Sendable {
        /// What a head of the decoder's width reads off the answer: a reward. With an empty answer, at the prompt's
        /// last position: the value of what is to come.
        case score(RewardHead)
        /// Σ log π over the answer's tokens, in nats, of the full softmax.
        case logProbability
    }

    /// What is read.
    public var quantity: Quantity
    /// The answers as tokens, at least one; the end token is the last of an answer that ended.
    public var answers: [[Int32]]

    /// A reading of `answers`.
    public init(_ quantity: Quantity, of answers: [[Int32]]) {
        self.quantity = quantity
        self.answers = answers
    }

    /// Tokens of the longest answer.
    var longest: Int { answers.map(\.count).max() ?? 0 }

    /// The head that reads the last token; nil for log-probabilities alone.
    var head: ScalarHead? {
        switch quantity {
        case .score(let head): head.score
        case .logProbability: nil
        }
    }

    /// What a nat of the answer's log-probability counts; 0 if that is not read.
    var logProbWeight: Float {
        switch quantity {
        case .score(let head): head.logProbWeight
        case .logProbability: 1
        }
    }
}
