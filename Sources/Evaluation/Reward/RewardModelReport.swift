import Datasets
import Foundation

/// How well a reward model orders a policy's answers by the gold judge, and the gain of best-of-n.
public struct RewardModelReport: Codable, Sendable, Equatable {
    /// The policy that answered.
    public let policy: EvaluatedPolicy
    /// The seed that decided the questions and samples.
    public let seed: UInt64
    /// The accuracy over all pairs of answers that the judge does not rate equal.
    public let overall: PairAccuracy
    /// The accuracy over those pairs whose answers are both about the question's own image.
    public let own: PairAccuracy
    /// The accuracy by the family's name.
    public let families: [String: PairAccuracy]
    /// The accuracy over pairs of a right and a wrong answer of the same style.
    public let correctness: PairAccuracy
    /// The same accuracy with blank images.
    public let correctnessBlind: PairAccuracy
    /// Best-of-n among answers about the question's own image.
    public let bestOf: OptimizationCurve
    /// All questions and answers.
    public let prompts: [ScoredPrompt]

    package init(policy: EvaluatedPolicy, seed: UInt64, prompts: [ScoredPrompt]) {
        self.policy = policy
        self.seed = seed
        self.prompts = prompts
        func accuracy(_ prompts: [ScoredPrompt]) -> PairAccuracy {
            PairAccuracy(margins: prompts.flatMap(\.pairs).map { $0.better.reward - $0.worse.reward })
        }
        let own = prompts.map(\.withoutDistractors)
        overall = accuracy(prompts)
        self.own = accuracy(own)
        families = Dictionary(grouping: prompts, by: \.family.rawValue).mapValues(accuracy)
        let alike = prompts.flatMap(\.pairs).filter { $0.verdict.differsInCorrectnessOnly(from: $1.verdict) }
        correctness = PairAccuracy(margins: alike.map { $0.better.reward - $0.worse.reward })
        correctnessBlind = PairAccuracy(margins: alike.map { $0.better.blind - $0.worse.blind })
        bestOf = OptimizationCurve(bestOf: own)
    }

    /// The tables of pair accuracies and best-of-n.
    public var table: String {
        let named = Family.allCases.compactMap { family in families[family.rawValue].map { (family.rawValue, $0) } }
        let parts = [
            ("right and wrong of one style", correctness), ("the same without the picture", correctnessBlind),
            ("both about the picture itself", own),
        ]
        let pairs = ([("all", overall)] + named + parts).map { ["  " + $0, "\($1.pairs)", $1.percent] }
        let header = [
            "answers of \(policy.name) generation \(policy.generation)", "pairs", "ordered as the judge does",
        ]
        return TextTable.text([header] + pairs) + "\n\n" + bestOf.table
    }
}

extension OptimizationCurve {
    /// A row for each point, and the fit below.
    public var table: String {
        let header = [method == .bestOf ? "best of n" : "PPO iterations", "KL, nats", "reward", "gold score"]
        let rows = points.map { point in
            ["  \(point.step)", String(format: "%.3f", point.divergence)]
                + [point.reward, point.gold].map { String(format: "%+.3f", $0) }
        }
        let law = method == .bestOf ? "d (%.3f - %.3f d)" : "d (%.3f - %.3f log d)"
        let foot = fit.map { "\ngold score ≈ " + String(format: law, $0.alpha, $0.beta) + ", d = √KL" }
        return TextTable.text([header] + rows) + (foot ?? "")
    }
}
