/// The number of pairs on which two rankings of the same answers agree. Pairs that either ranking ties are not counted.
public struct LabelerAgreement: Sendable, Equatable {
    /// Pairs that both rankings order.
    public private(set) var pairs = 0
    /// Pairs that both rankings order in the same way.
    public private(set) var equal = 0

    /// No pairs counted.
    public init() {}

    /// The share of pairs ordered in the same way, 0 to 1; nil before the first pair.
    public var share: Double? { pairs == 0 ? nil : Double(equal) / Double(pairs) }

    /// Counts the pairs of two rankings, given as tiers of indices.
    public mutating func count(_ one: [[Int]], _ other: [[Int]]) {
        let first = Self.ranks(one)
        let second = Self.ranks(other)
        for (left, rank) in first {
            for (right, otherRank) in first where left < right && rank != otherRank {
                guard let a = second[left], let b = second[right], a != b else { continue }
                pairs += 1
                if (rank < otherRank) == (a < b) { equal += 1 }
            }
        }
    }

    private static func ranks(_ tiers: [[Int]]) -> [Int: Int] {
        var ranks: [Int: Int] = [:]
        for (rank, tier) in tiers.enumerated() {
            for index in tier { ranks[index] = rank }
        }
        return ranks
    }
}
