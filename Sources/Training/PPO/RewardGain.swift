/// How much higher a policy's answers score than the reference's answers to the same prompts, in standard deviations of
/// the reference's scores. Undefined if the reference's scores are all equal; the run's log then leaves it out.
package struct RewardGain: Sendable, Equatable {
    /// The mean difference.
    package let mean: Double
    /// Its standard error. Answers about one image are not independent, so the number of samples is the number of
    /// images.
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
