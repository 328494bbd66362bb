public import Datasets

/// The loss of one ranking: L = - (1 / pairs) Σ log σ(r(chosen) - r(rejected)) over all pairs that are not ties (Ouyang
/// et al. 2022, eq. 1, with C(K, 2) pairs if there are no ties).
public struct PairLoss: Sendable {
    /// The loss in nats.
    public let loss: Double
    /// The gradient with respect to each reward.
    public let gradients: [Double]

    /// The loss of `pairs`, at least one, between completions with the given rewards.
    public init(rewards: [Double], pairs: [PreferenceRecord.Pair]) {
        precondition(!pairs.isEmpty, "a ranking without a preference")
        let weight = 1 / Double(pairs.count)
        var loss = 0.0
        var gradients = [Double](repeating: 0, count: rewards.count)
        for pair in pairs {
            let difference = rewards[pair.chosen] - rewards[pair.rejected]
            loss += weight * Logistic.loss(difference)
            let slope = weight * Logistic.probability(-difference)
            gradients[pair.chosen] -= slope
            gradients[pair.rejected] += slope
        }
        self.loss = loss
        self.gradients = gradients
    }
}

/// How well rewards predict the preferred answers of pairs.
struct PairScore: Sendable {
    /// The number of pairs that are not ties.
    private(set) var pairs = 0
    /// The number of pairs whose preferred answer has the higher reward; equal rewards count half.
    private(set) var right = 0.0
    /// The number of rankings.
    private(set) var rankings = 0
    /// The sum of the rankings' losses, in nats.
    private var losses = 0.0
    /// The sum of the pairs' reward differences, preferred minus other.
    private var margins = 0.0

    /// The movement over no tokens.
    init() {}

    /// The combined score of all `scores`.
    init(joining scores: some Sequence<PairScore>) {
        for score in scores {
            pairs += score.pairs
            right += score.right
            rankings += score.rankings
            losses += score.losses
            margins += score.margins
        }
    }

    /// The scores by family of the prompts.
    static func families(_ prompts: [RankedPrompt], rewards: [[Float]]) -> [String: PairScore] {
        var scores: [String: PairScore] = [:]
        for (prompt, rewards) in zip(prompts, rewards) {
            scores[prompt.family, default: PairScore()].count(prompt, rewards: rewards)
        }
        return scores
    }

    /// The scores of each simulated labeler's rankings, by its name, and of all people's rankings together.
    static func labelers(_ prompts: [RankedPrompt], rewards: [[Float]]) -> [String: PairScore] {
        var scores: [String: PairScore] = [:]
        for (prompt, rewards) in zip(prompts, rewards) {
            for ranking in prompt.rankings {
                let name = ranking.labeler.kind == .human ? "human" : ranking.labeler.id
                scores[name, default: PairScore()].count(ranking, rewards: rewards)
            }
        }
        return scores
    }

    /// The score over pairs of answers that are both about the question's own image.
    static func own(_ prompts: [RankedPrompt], rewards: [[Float]]) -> PairScore {
        var score = PairScore()
        for (prompt, rewards) in zip(prompts, rewards) {
            for ranking in prompt.rankings {
                let pairs = ranking.pairs.filter {
                    !prompt.distractors.contains($0.chosen) && !prompt.distractors.contains($0.rejected)
                }
                if !pairs.isEmpty { score.count(.init(labeler: ranking.labeler, pairs: pairs), rewards: rewards) }
            }
        }
        return score
    }

    mutating func count(_ prompt: RankedPrompt, rewards: [Float]) {
        for ranking in prompt.rankings { count(ranking, rewards: rewards) }
    }

    private mutating func count(_ ranking: RankedAnswers.Ranking, rewards: [Float]) {
        rankings += 1
        losses += PairLoss(rewards: rewards.map(Double.init), pairs: ranking.pairs).loss
        for pair in ranking.pairs {
            let difference = Double(rewards[pair.chosen] - rewards[pair.rejected])
            pairs += 1
            margins += difference
            right += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
        }
    }

    /// The share of pairs whose preferred answer has the higher reward.
    var accuracy: Double { right / Double(max(1, pairs)) }

    /// The mean loss per ranking, in nats.
    var loss: Double { losses / Double(max(1, rankings)) }

    /// The mean reward difference per pair.
    var margin: Double { margins / Double(max(1, pairs)) }
}
