/// Metrics brought to variance 1 over all tokens of a batch.
///
/// (x - mean) / √(var + 1e-8), the variance with Bessel's correction as in TRL; openai/lm-human-preferences, where the
/// step comes from, divides by the number of tokens.
package enum Whitening {
    private static let epsilon = 1e-8

    /// - Parameters:
    ///   - values: of the tokens of each answer; at least two tokens in all.
    ///   - keepsMean: whether the mean is added again, as for rewards, whose sign says something.
    package static func whitened(_ values: [[Double]], keepsMean: Bool) -> [[Double]] {
        let moments = Moments(values.lazy.joined())
        precondition(moments.count > 1, "\(moments.count) tokens have no variance")
        let deviation = (moments.variance + epsilon).squareRoot()
        return values.map { $0.map { ($0 - moments.mean) / deviation + (keepsMean ? moments.mean : 0) } }
    }
}

/// Mean and variance of some numbers.
package struct Moments: Sendable {
    /// How many there are.
    package let count: Int
    /// Their mean; 0 for none.
    package let mean: Double
    /// The mean squared distance from the mean with Bessel's correction; 0 for fewer than two.
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
