/// How much better a policy's answers score than the reference's to the same prompts, in standard deviations of the
/// reference's scores. No number where those are all alike; a run's log leaves it out then.
package struct RewardGain: Sendable, Equatable {
    /// The mean difference.
    package let mean: Double
    /// Its standard error. Answers about one image are not independent, so images are what is counted.
    package let error: Double

    /// - Parameters:
    ///   - scores: of the policy's answers, image by image.
    ///   - reference: of the reference's, in the same order.
    ///   - groups: answers about each image.
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
