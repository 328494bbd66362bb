import Datasets
import Foundation
public import Tensors

/// A reward model's accuracy on held-out rankings, and its accuracy without the images.
public struct RewardEvaluation: Codable, Sendable, Equatable {
    /// Metrics over the pairs of some prompts.
    public struct Metrics: Codable, Sendable, Equatable {
        /// The number of pairs that are not ties.
        public let pairs: Int
        /// The share of pairs whose preferred answer has the higher reward; equal rewards count half.
        public let accuracy: Double
        /// The mean loss per ranking, in nats.
        public let loss: Double

        fileprivate init(_ score: PairScore) {
            pairs = score.pairs
            accuracy = score.accuracy
            loss = score.loss
        }
    }

    /// Pairs with similar predicted probabilities.
    public struct Bin: Codable, Sendable, Equatable {
        /// The number of pairs.
        public let pairs: Int
        /// The mean predicted probability of the answer with the higher reward: from 0.5 to 1.
        public let predicted: Double
        /// The share of pairs where labelers preferred that answer; equal rewards count half.
        public let observed: Double
    }

    /// Metrics over all prompts.
    public let all: Metrics
    /// Metrics over pairs of answers that are both about the question's own image.
    public let own: Metrics
    /// Metrics by family.
    public let families: [String: Metrics]
    /// Metrics by labeler: each simulated labeler, one of them held out from training, and `human` for all people.
    public let labelers: [String: Metrics]
    /// Bins of the predicted probability, each 0.05 wide, without empty bins. The probabilities are of the rewards as
    /// trained, before normalisation.
    public let calibration: [Bin]
    /// The mean distance between predicted and observed shares, weighted by pairs.
    public let calibrationError: Double
    /// The blind control: metrics over the prompts with an image, whose tiles are all replaced by blank ones.
    public let blind: Metrics
    /// The blind control by family.
    public let blindFamilies: [String: Metrics]

    /// Measures `model`.
    ///
    /// - Parameter blank: the embeddings of a blank tile, `[tokens of a tile, hidden]`.
    public init(_ model: RewardModel, heldOut: [RankedPrompt], blank: Tensor) {
        let rewards = model.rewards(of: heldOut)
        let scores = PairScore.families(heldOut, rewards: rewards)
        all = Metrics(PairScore(joining: scores.values))
        own = Metrics(PairScore.own(heldOut, rewards: rewards))
        families = scores.mapValues(Metrics.init)
        labelers = PairScore.labelers(heldOut, rewards: rewards).mapValues(Metrics.init)
        calibration = Self.bins(heldOut, rewards: rewards)
        let pairs = all.pairs
        calibrationError = calibration.reduce(0) {
            $0 + abs($1.predicted - $1.observed) * Double($1.pairs) / Double(max(1, pairs))
        }
        let blinded = heldOut.compactMap { $0.blinded(by: blank) }
        let blindScores = PairScore.families(blinded, rewards: model.rewards(of: blinded))
        blind = Metrics(PairScore(joining: blindScores.values))
        blindFamilies = blindScores.mapValues(Metrics.init)
    }

    /// Observed against predicted shares, and the diagonal of equality.
    public var calibrationPlot: LinePlot {
        LinePlot(
            title: "how often the answer with the higher reward is preferred, by predicted probability",
            series: [
                .init(name: "observed", points: calibration.map { ($0.predicted, $0.observed) }),
                .init(name: "equal", points: [(0.5, 0.5), (1, 1)]),
            ])
    }

    private static func bins(_ prompts: [RankedPrompt], rewards: [[Float]]) -> [Bin] {
        let count = 10
        var sums = [(pairs: Int, predicted: Double, observed: Double)](repeating: (0, 0, 0), count: count)
        for (prompt, rewards) in zip(prompts, rewards) {
            for pair in prompt.rankings.flatMap(\.pairs) {
                let difference = Double(rewards[pair.chosen] - rewards[pair.rejected])
                let predicted = Logistic.probability(abs(difference))
                let bin = min(count - 1, Int((predicted - 0.5) * 2 * Double(count)))
                sums[bin].pairs += 1
                sums[bin].predicted += predicted
                sums[bin].observed += difference > 0 ? 1 : difference == 0 ? 0.5 : 0
            }
        }
        return sums.filter { $0.pairs > 0 }.map {
            Bin(
                pairs: $0.pairs, predicted: $0.predicted / Double($0.pairs), observed: $0.observed / Double($0.pairs))
        }
    }
}

extension RankedPrompt {
    /// The prompt with blank tiles; nil for text, or if the image's tokens are not a whole number of tiles.
    fileprivate func blinded(by blank: Tensor) -> RankedPrompt? {
        guard let embeddings, embeddings.rows % blank.rows == 0 else { return nil }
        return RankedPrompt(
            id: id, image: image, prefix: prefix, tiles: tiles,
            embeddings: Tensor.stacking(Array(repeating: blank, count: embeddings.rows / blank.rows)),
            question: question, answers: answers, rankings: rankings, family: family)
    }
}
