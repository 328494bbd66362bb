import Datasets
import Foundation
public import Tensors

/// What a reward model tells of held-out rankings, and what it tells without the images.
public struct RewardEvaluation: Codable, Sendable, Equatable {
    /// Metrics over the pairs of some prompts.
    public struct Metrics: Codable, Sendable, Equatable {
        /// Pairs that are no ties.
        public let pairs: Int
        /// The share of them whose preferred answer has the higher reward; equal rewards count half.
        public let accuracy: Double
        /// The mean loss of a ranking, in nats.
        public let loss: Double

        fileprivate init(_ score: PairScore) {
            pairs = score.pairs
            accuracy = score.accuracy
            loss = score.loss
        }
    }

    /// Pairs of which the model is about equally sure.
    public struct Bin: Codable, Sendable, Equatable {
        /// How many.
        public let pairs: Int
        /// The mean probability that it gives the answer with the higher reward: from 0.5 to 1.
        public let predicted: Double
        /// The share in which labelers preferred that answer; equal rewards count half.
        public let observed: Double
    }

    /// Over all prompts.
    public let all: Metrics
    /// Over the pairs of answers that are both about the image itself.
    public let own: Metrics
    /// By family.
    public let families: [String: Metrics]
    /// By who ranked: each simulated labeler, one of which nothing is trained on, and `human` for all people.
    public let labelers: [String: Metrics]
    /// Bins of the predicted probability, each 0.05 wide; those without pairs are left out. Probabilities are of the
    /// rewards as trained, before they are normalised.
    public let calibration: [Bin]
    /// The mean distance of predicted from observed, weighted by pairs.
    public let calibrationError: Double
    /// Blind control: over the prompts with an image, each tile replaced by a blank one.
    public let blind: Metrics
    /// Blind control by family.
    public let blindFamilies: [String: Metrics]

    /// Measures `model`.
    ///
    /// - Parameter blank: what the decoder reads of a blank tile, `[tokens of a view, hidden]`.
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

    /// Observed against predicted, and the diagonal on which they would be equal.
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
                let predicted = PairLoss.probability(abs(difference))
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
    /// The same prompt about an image of blank tiles; nil for a text, or an image that is no whole number of tiles.
    fileprivate func blinded(by blank: Tensor) -> RankedPrompt? {
        guard let embeddings, embeddings.rows % blank.rows == 0 else { return nil }
        return RankedPrompt(
            id: id, image: image, prefix: prefix, visual: visual,
            embeddings: Tensor.stacking(Array(repeating: blank, count: embeddings.rows / blank.rows)),
            question: question, answers: answers, rankings: rankings, family: family)
    }
}
