import Foundation

/// Statistics of one iteration's sampled answers. All means are over answers or their tokens, never over padding.
package struct RolloutStatistics: Sendable {
    /// The inputs of the statistics, answer by answer.
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

/// How much higher a policy's answers score than the reference's answers to the same prompts, in standard deviations of
/// the reference's scores. Not a number if all the reference's scores are equal; a run's log then leaves it out.
package struct RewardGain: Sendable, Equatable {
    /// The mean difference.
    package let mean: Double
    /// Its standard error. Answers about one image are not independent, so the sample size is the number of images.
    package let error: Double

    /// - Parameters:
    ///   - scores: the scores of the policy's answers, image by image.
    ///   - reference: the scores of the reference's answers, in the same order.
    ///   - groups: the number of answers about each image.
    package init(scores: [Double], reference: [Double], groups: [Int]) {
        precondition(
            scores.count == reference.count && groups.reduce(0, +) == scores.count, "scores of other answers")
        let deviation = Moments(reference).variance.squareRoot()
        let differences = zip(scores, reference).map { $0 - $1 }
        let mean = Moments(differences).mean
        var first = 0
        // The ratio estimator's variance for clusters of unequal sizes (Cochran 1977, §11.8).
        let squares = groups.reduce(0.0) { sum, count in
            defer { first += count }
            let part = differences[first..<first + count].reduce(0, +) - Double(count) * mean
            return sum + part * part
        }
        let clusters = Double(groups.count)
        self.mean = mean / deviation
        self.error = (squares * clusters / (clusters - 1)).squareRoot() / Double(scores.count) / deviation
    }
}

/// The mean and variance of a set of numbers.
package struct Moments: Sendable {
    /// The number of values.
    package let count: Int
    /// The mean; 0 for no values.
    package let mean: Double
    /// The mean squared distance from the mean, with Bessel's correction; 0 for fewer than two values.
    package let variance: Double

    package init(_ values: some Sequence<Double>) {
        var count = 0
        var sum = 0.0
        for value in values {
            count += 1
            sum += value
        }
        let mean = sum / Double(max(1, count))
        let squares = values.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) }
        self.count = count
        self.mean = mean
        self.variance = squares / Double(max(1, count - 1))
    }
}
