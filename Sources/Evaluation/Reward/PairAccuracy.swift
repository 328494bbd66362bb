import Foundation

/// How often a reward model gives the better of two answers the higher reward.
public struct PairAccuracy: Codable, Sendable, Equatable {
    /// Pairs that were compared.
    public let pairs: Int
    /// The share of them that it orders as the judge does; equal rewards count half; 0.5 if there are none.
    public let share: Double

    /// Of pairs whose reward differences, better minus worse, are given.
    init(margins: some Collection<Double>) {
        pairs = margins.count
        let right = margins.reduce(0.0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) }
        share = margins.isEmpty ? 0.5 : right / Double(margins.count)
    }

    /// "91.3 %", or a dash if there are no pairs.
    var percent: String { pairs == 0 ? "–" : String(format: "%.1f %%", 100 * share) }
}
