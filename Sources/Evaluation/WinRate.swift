/// How often one side is preferred, ties counting half, with a 95 % confidence interval.
public struct WinRate: Codable, Sendable, Equatable {
    /// Pairs that the first side won.
    public let wins: Int
    /// Pairs without a winner.
    public let ties: Int
    /// Pairs that the second side won.
    public let losses: Int
    /// `(wins + ties / 2) / pairs`; one half if there are none.
    public let rate: Double
    /// The interval's lower end, Wilson's for a share of as many trials; with ties the exact interval is a little
    /// narrower.
    public let low: Double
    /// The interval's upper end.
    public let high: Double

    /// The rate of the given results.
    public init(wins: Int, ties: Int, losses: Int) {
        precondition(wins >= 0 && ties >= 0 && losses >= 0)
        self.wins = wins
        self.ties = ties
        self.losses = losses
        let total = wins + ties + losses
        guard total > 0 else {
            (rate, low, high) = (0.5, 0, 1)
            return
        }
        rate = (Double(wins) + Double(ties) / 2) / Double(total)
        let interval = Proportion.interval(of: rate, outOf: total)
        (low, high) = (max(interval.low, 0), min(interval.high, 1))
    }

    /// The rate of judged pairs.
    public init(_ preferences: some Collection<GoldJudge.Preference>) {
        self.init(
            wins: preferences.count { $0 == .first }, ties: preferences.count { $0 == .tie },
            losses: preferences.count { $0 == .second })
    }

    /// Pairs that were judged.
    public var total: Int { wins + ties + losses }

    /// Ties among them; 0 if there are none.
    public var tieShare: Double { total == 0 ? 0 : Double(ties) / Double(total) }
}
