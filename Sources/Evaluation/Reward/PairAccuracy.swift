import Foundation

/// How often a reward model gives the higher reward to the better of two answers.
public struct PairAccuracy: Codable, Sendable, Equatable {
    /// The number of compared pairs.
    public let pairs: Int
    /// The share of pairs ordered as by the judge; equal rewards count half; 0.5 if there are no pairs.
    public let share: Double

    /// The accuracy on pairs with the given reward differences, better minus worse.
    init(margins: some Collection<Double>) {
        pairs = margins.count
        let right = margins.reduce(0.0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) }
        share = margins.isEmpty ? 0.5 : right / Double(margins.count)
    }

    /// "91.3 %", or a dash if there are no pairs.
    var percent: String { pairs == 0 ? "–" : String(format: "%.1f %%", 100 * share) }
}
