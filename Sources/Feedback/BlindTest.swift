import Datasets
import Foundation

/// Whether people prefer one of two policies, from rankings in which they did not know which answer was whose.
///
/// The test is sequential: it may be looked at after every ranking, and stopped when it is decided. Under "neither is
/// preferred", wins are a fair coin's. The mixture of all other coins, by a uniform prior, gives the likelihood ratio
/// (Robbins 1970, "Statistical methods related to the law of the iterated logarithm"; Johari, Pekelis and Walsh 2015,
/// "Always valid inference", arXiv 1512.04922)
///
///     Λ = 2ⁿ ∫ pʷ (1 - p)ˡ dp = 2ⁿ B(w + 1, l + 1),   n = w + l,
///
/// which by Ville's inequality (1939) ever exceeds 1/α with probability at most α. Ties are left out, as in the sign
/// test. Rankings count as independent: let several people rank several prompts.
public struct BlindTest: Sendable, Equatable {
    /// The result so far.
    public enum Verdict: String, Sendable, Codable {
        /// People prefer the first policy.
        case first
        /// People prefer the second policy.
        case second
        /// There are too few rankings to tell.
        case undecided
    }

    /// The allowed bounds on the probability of a wrong decision.
    public static let errors = 0.001...0.5
    /// The usual bound.
    public static let standardError = 0.05

    /// Rankings with the first policy's answers in front.
    public let wins: Int
    /// Rankings that put neither in front.
    public let ties: Int
    /// Rankings with the second policy's answers in front.
    public let losses: Int
    /// Upper bound on the probability that the test ever decides although neither is preferred.
    public let error: Double

    /// The test of the given results.
    ///
    /// - Parameter error: above 0, below 1.
    public init(wins: Int, ties: Int, losses: Int, error: Double = Self.standardError) {
        precondition(wins >= 0 && ties >= 0 && losses >= 0 && error > 0 && error < 1)
        (self.wins, self.ties, self.losses, self.error) = (wins, ties, losses, error)
    }

    /// The test on those judgements whose comparisons have answers of exactly these two policies. Each judgement counts
    /// once, however many answers it orders.
    ///
    /// - Parameters:
    ///   - first: a policy's name, of any generation, or name and generation as `sft@7`.
    ///   - second: the other one, which must not overlap with the first.
    public init(_ first: String, _ second: String, in judgements: [Judgement], error: Double = Self.standardError) {
        var counts = (wins: 0, ties: 0, losses: 0)
        for judgement in judgements {
            let sides = judgement.completions.map { Self.side(of: $0.policy ?? "", first, second) }
            guard Set(sides) == [1, -1] else { continue }
            // Twice the pairs that the first policy's answers win, minus those that they lose.
            let sum = judgement.pairs.reduce(0) { $0 + sides[$1.chosen] - sides[$1.rejected] }
            if sum > 0 { counts.wins += 1 } else if sum < 0 { counts.losses += 1 } else { counts.ties += 1 }
        }
        self.init(wins: counts.wins, ties: counts.ties, losses: counts.losses, error: error)
    }

    /// Whether some policy would be meant by both names: a policy's name and one of its generations, or equal names.
    public static func overlap(_ first: String, _ second: String) -> Bool {
        isMeant(first, by: second) || isMeant(second, by: first)
    }

    /// Whether `name`, with or without a generation, stands for `policy`.
    private static func isMeant(_ policy: String, by name: String) -> Bool {
        policy == name || policy.prefix { $0 != "@" } == name
    }

    /// 1 for an answer of the first policy, -1 for the second one's, 0 for any other.
    private static func side(of policy: String, _ first: String, _ second: String) -> Int {
        isMeant(policy, by: first) ? 1 : isMeant(policy, by: second) ? -1 : 0
    }

    private var total: Int { wins + ties + losses }

    /// The share of wins, ties counting half; one half without rankings.
    public var rate: Double { total == 0 ? 0.5 : (Double(wins) + Double(ties) / 2) / Double(total) }

    /// The verdict now.
    public var verdict: Verdict {
        guard logRatio(against: 0.5) >= -log(error) else { return .undecided }
        return wins > losses ? .first : .second
    }

    /// The share of wins among decided rankings, as an interval that holds at all times together with a probability of
    /// at least 1 - error: the coins that the test does not reject.
    public var interval: ClosedRange<Double> {
        let decided = Double(wins + losses)
        guard decided > 0 else { return 0...1 }
        let middle = Double(wins) / decided
        return end(from: middle, towards: 0)...end(from: middle, towards: 1)
    }

    /// The last coin that is not rejected on the way from the share of wins, which never is, to 0 or 1.
    private func end(from middle: Double, towards limit: Double) -> Double {
        let bound = -log(error)
        if logRatio(against: limit) < bound { return limit }
        var (inside, outside) = (middle, limit)
        for _ in 0..<60 {
            let next = (inside + outside) / 2
            if logRatio(against: next) < bound { inside = next } else { outside = next }
        }
        return inside
    }

    /// ln Λ against a coin with probability `p` of a win.
    private func logRatio(against p: Double) -> Double {
        let (w, l) = (Double(wins), Double(losses))
        let mixture = lgamma(w + 1) + lgamma(l + 1) - lgamma(w + l + 2)
        func term(_ count: Double, _ probability: Double) -> Double { count == 0 ? 0 : count * log(probability) }
        return mixture - term(w, p) - term(l, 1 - p)
    }
}
