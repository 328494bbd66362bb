/// Scales numbers to variance 1 over all tokens of a batch.
///
/// (x - mean) / √(var + 1e-8), the variance with Bessel's correction as in TRL. openai/lm-human-preferences, the origin
/// of this step, divides by the number of tokens.
package enum Whitening {
    private static let epsilon = 1e-8

    /// - Parameters:
    ///   - values: the values of each answer's tokens; at least two tokens in all.
    ///   - keepsMean: whether the mean is added again, as for rewards, whose sign matters.
    package static func whitened(_ values: [[Double]], keepsMean: Bool) -> [[Double]] {
        let moments = Moments(values.lazy.joined())
        precondition(moments.count > 1, "\(moments.count) tokens have no variance")
        let deviation = (moments.variance + epsilon).squareRoot()
        return values.map { $0.map { ($0 - moments.mean) / deviation + (keepsMean ? moments.mean : 0) } }
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
