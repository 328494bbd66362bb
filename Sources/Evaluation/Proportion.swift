/// A counted share with its 95 % confidence interval (Wilson 1927, "Probable inference, the law of succession, and
/// statistical inference").
public struct Proportion: Codable, Sendable, Equatable {
    /// The number of cases with the property.
    public let count: Int
    /// The number of cases.
    public let total: Int
    /// `count / total`; 0 if there are no cases.
    public let share: Double
    /// The interval's lower end.
    public let low: Double
    /// The interval's upper end.
    public let high: Double

    /// The 97.5th percentile of the standard normal distribution.
    private static let z = 1.959_963_984_540_054

    /// `count` out of `total`.
    public init(_ count: Int, of total: Int) {
        precondition(count >= 0 && count <= total, "\(count) of \(total)")
        self.count = count
        self.total = total
        guard total > 0 else {
            (share, low, high) = (0, 0, 1)
            return
        }
        share = Double(count) / Double(total)
        let interval = Self.interval(of: share, outOf: total)
        low = count == 0 ? 0 : interval.low
        high = count == total ? 1 : interval.high
    }

    /// The interval around a share observed in `total` > 0 trials.
    static func interval(of share: Double, outOf total: Int) -> (low: Double, high: Double) {
        let (n, squared) = (Double(total), Self.z * Self.z)
        let middle = (share + squared / (2 * n)) / (1 + squared / n)
        let half = Self.z / (1 + squared / n) * (share * (1 - share) / n + squared / (4 * n * n)).squareRoot()
        return (middle - half, middle + half)
    }
}
