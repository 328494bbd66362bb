public import Models

/// Given answers to one prompt and what is computed from each of them: a reward, a value or a log-probability.
///
/// The engine takes the answers one after the other, each behind the same prompt, and computes all positions of the
/// prompt but its last once. The scheduler cuts the work into steps as it does with prompts, so other requests go on
/// meanwhile. A score is bitwise the same whatever runs beside it.
public struct Scoring: Sendable {
    /// One number for each answer.
    public enum Quantity: Sendable {
        /// A head's scalar at the answer's last token: a reward. With an empty answer the head reads the prompt's last
        /// position: the value of the answer to come.
        case head(RewardHead)
        /// Σ log π over the answer's tokens, in nats, of the full softmax.
        case logProbability
    }

    /// What is computed.
    public var quantity: Quantity
    /// The answers as tokens, at least one; the end token is the last of an answer that ended.
    public var answers: [[Int32]]

    /// The scoring of `answers`.
    public init(_ quantity: Quantity, of answers: [[Int32]]) {
        self.quantity = quantity
        self.answers = answers
    }

    /// Tokens of the longest answer.
    var longest: Int { answers.map(\.count).max() ?? 0 }

    /// The head that reads the last token; nil for log-probabilities alone.
    var head: ScalarHead? {
        switch quantity {
        case .head(let head): head.score
        case .logProbability: nil
        }
    }

    /// How much of a score one nat of the answer's log-probability is; 0 where log-probabilities are not needed.
    var logProbWeight: Float {
        switch quantity {
        case .head(let head): head.logProbWeight
        case .logProbability: 1
        }
    }

    /// The score of an answer, given the scalar of its head, if there is one, and its tokens with log-probabilities,
    /// if they are needed.
    func score(headScore: Float?, tokens: [GeneratedToken]) -> Double {
        let logProbability = tokens.reduce(0) { $0 + Double($1.logprob ?? 0) }
        return Double(headScore ?? 0) + Double(logProbWeight) * logProbability
    }
}
