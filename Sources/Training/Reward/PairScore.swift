import Datasets

/// How well rewards tell the preferred answers of pairs.
struct PairScore: Sendable {
    /// Pairs that are no ties.
    private(set) var pairs = 0
    /// Those whose preferred answer has the higher reward; equal rewards count half.
    private(set) var right = 0.0
    /// Rankings.
    private(set) var rankings = 0
    /// The sum of the rankings' losses, in nats.
    private var losses = 0.0
    /// The sum of the pairs' differences of rewards, preferred minus other.
    private var margins = 0.0

    /// Nothing yet.
    init() {}

    /// All of `scores` together.
    init(joining scores: some Sequence<PairScore>) {
        for score in scores {
            pairs += score.pairs
            right += score.right
            rankings += score.rankings
            losses += score.losses
            margins += score.margins
        }
    }

    /// The scores of prompts by family.
    static func families(_ prompts: [RankedPrompt], rewards: [[Float]]) -> [String: PairScore] {
        var scores: [String: PairScore] = [:]
        for (prompt, rewards) in zip(prompts, rewards) {
            scores[prompt.family, default: PairScore()].count(prompt, rewards: rewards)
        }
        return scores
    }

    /// The scores of each simulated labeler's rankings by its name, and of all people's together.
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

    /// The score over the pairs of answers that are both about the image itself.
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

    /// The share of pairs that it tells right.
    var accuracy: Double { right / Double(max(1, pairs)) }

    /// The mean loss of a ranking, in nats.
    var loss: Double { losses / Double(max(1, rankings)) }

    /// The mean difference of rewards of a pair.
    var margin: Double { margins / Double(max(1, pairs)) }
}
