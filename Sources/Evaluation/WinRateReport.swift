import Datasets
import Foundation

/// The win rate of one policy's sampled answers against another's.
public struct WinRateReport: Codable, Sendable, Equatable {
    /// Two answers to one question.
    public struct Pair: Codable, Sendable, Equatable {
        /// The question's family.
        public let family: String
        /// The image's seed.
        public let seed: UInt64
        /// The question.
        public let question: String
        /// The policy's answer.
        public let first: String
        /// The reference's answer.
        public let second: String
        /// The first answer's gold score.
        public let firstScore: Double
        /// The second answer's.
        public let secondScore: Double
        /// Which one the judge prefers.
        public let preference: GoldJudge.Preference
    }

    /// The policy whose wins are counted.
    public let policy: EvaluatedPolicy
    /// The policy that it is compared with; the same policy for the control.
    public let reference: EvaluatedPolicy
    /// The sampling temperature.
    public let temperature: Double
    /// The seed that decided the questions and samples.
    public let seed: UInt64
    /// The number of questions searched for informative ones; nil if all questions were asked.
    public let searched: Int?
    /// The win rate over all questions.
    public let overall: WinRate
    /// The win rate by the family's name.
    public let families: [String: WinRate]
    /// The mean gold score of the policy's answers.
    public let meanScore: Double
    /// The mean gold score of the reference's answers.
    public let meanScoreAgainst: Double
    /// All pairs, in the order of their questions.
    public let pairs: [Pair]

    /// A policy with its answers.
    typealias Side = (policy: EvaluatedPolicy, answers: [JudgedAnswer<FamilySample>])

    init(_ settings: WinRateEvaluation.Settings, _ searched: Int?, _ first: Side, against second: Side) {
        policy = first.policy
        reference = second.policy
        temperature = settings.temperature
        seed = settings.seed
        self.searched = searched
        pairs = zip(first.answers, second.answers).map { first, second in
            Pair(
                family: first.sample.question.family.rawValue, seed: first.sample.seed,
                question: first.sample.question.text, first: first.answer, second: second.answer,
                firstScore: first.verdict.score, secondScore: second.verdict.score,
                preference: GoldJudge.preference(first.verdict, second.verdict))
        }
        overall = WinRate(pairs.map(\.preference))
        families = Dictionary(grouping: pairs, by: \.family).mapValues { WinRate($0.map(\.preference)) }
        let count = Double(max(pairs.count, 1))
        meanScore = pairs.reduce(0) { $0 + $1.firstScore } / count
        meanScoreAgainst = pairs.reduce(0) { $0 + $1.secondScore } / count
    }

    /// The tables of several reports: all questions together, then each family.
    public static func table(_ reports: [WinRateReport]) -> String {
        reports.map { report in
            let (name, reference) = (report.policy.name, report.reference.name)
            let other = report.policy == report.reference ? "itself" : reference
            let header = ["\(name) against \(other)", "pairs", "wins", "ties", "losses", "win rate", "(95 %)"]
            let named = Family.allCases.compactMap { family in
                report.families[family.rawValue].map { (family.rawValue, $0) }
            }
            let rows = ([("all", report.overall)] + named).map { name, rate in
                ["  " + name, "\(rate.total)", "\(rate.wins)", "\(rate.ties)", "\(rate.losses)"]
                    + [String(format: "%.1f %%", 100 * rate.rate)]
                    + [String(format: "%.1f to %.1f", 100 * rate.low, 100 * rate.high)]
            }
            let foot = String(
                format: "ties %.1f %%; mean gold score %.3f against %.3f", 100 * report.overall.tieShare,
                report.meanScore, report.meanScoreAgainst)
            let withDisagreement = report.searched.map { "; the contested ones of \($0) questions" } ?? ""
            return TextTable.text([header] + rows) + "\n" + foot + withDisagreement
        }.joined(separator: "\n\n")
    }
}
