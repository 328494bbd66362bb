import Foundation

/// Statistics of one iteration's sampled answers. All means are over answers or their tokens, never over padding.
package struct RolloutStatistics: Sendable {
    /// The answers' metrics, in order.
    package struct Answers: Sendable {
        /// The scores, including penalties for missing ends.
        package var scores: [Double]
        /// Whether each answer ended with its end token.
        package var ended: [Bool]
        /// Log-probabilities of each answer's tokens under the policy, in nats.
        package var logProbs: [[Double]]
        /// Log-probabilities of each answer's tokens under the reference, in nats.
        package var reference: [[Double]]

        package init(scores: [Double], ended: [Bool], logProbs: [[Double]], reference: [[Double]]) {
            self.scores = scores
            self.ended = ended
            self.logProbs = logProbs
            self.reference = reference
        }
    }

    /// The mean score.
    package let reward: Double
    /// KL(π || π_ref) of an answer by k1: the mean of Σ d with d = log π - log π_ref.
    package let divergence: Double
    /// KL(π || π_ref) of an answer by k3, Σ (exp(-d) - 1 + d), which has less variance (Schulman 2020).
    package let divergenceK3: Double
    /// The share of answers without an end token.
    package let missingEnds: Double
    /// Tokens per answer, including the end token.
    package let length: Double

    package init(_ answers: Answers) {
        let count = Double(answers.scores.count)
        let differences = zip(answers.logProbs, answers.reference).map { zip($0, $1).map { $0 - $1 } }
        reward = answers.scores.reduce(0, +) / count
        divergence = differences.reduce(0.0) { $0 + $1.reduce(0, +) } / count
        divergenceK3 = differences.reduce(0.0) { $0 + $1.reduce(0) { $0 + exp(-$1) - 1 + $1 } } / count
        missingEnds = Double(answers.ended.count { !$0 }) / count
        length = Double(answers.logProbs.reduce(0) { $0 + $1.count }) / count
    }

    /// 1 - var(G - V) / var(G): the share of the returns' variance that the values explain. 0 if all returns are equal.
    package static func explainedVariance(returns: [Double], values: [Double]) -> Double {
        let whole = Moments(returns).variance
        guard whole > 0 else { return 0 }
        return 1 - Moments(zip(returns, values).map { $0 - $1 }).variance / whole
    }
}
