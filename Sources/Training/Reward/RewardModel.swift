public import Models
import Tensors

/// The reward model in training: the head computes r(image, question, answer) from the hidden state of the answer's
/// last token and from the answer's log-probability, both by the frozen decoder with the model's own adapter.
public struct RewardModel: Sendable {
    /// The frozen decoder.
    public let base: FrozenDecoder
    /// The adapter on the decoder.
    public let adapter: LowRankAdapter
    /// The head that computes the rewards.
    public let head: RewardHead

    /// A model of the given decoder, adapter and head.
    public init(base: FrozenDecoder, adapter: LowRankAdapter, head: RewardHead) {
        self.base = base
        self.adapter = adapter
        self.head = head
    }

    /// The loss and gradients of one batch.
    package struct Gradients: Sendable {
        /// The mean over prompts of the mean over each prompt's rankings, in nats.
        package let loss: Double
        /// The rewards of each prompt's answers.
        package let rewards: [[Float]]
        /// The gradients of the adapter's factors.
        package let adapter: LowRankAdapter
        /// The gradients of the head.
        package let head: RewardHead
        /// The number of computed rows.
        package let rows: Int
    }

    /// The rewards of each prompt's answers. Consecutive prompts with the same image are computed together.
    ///
    /// - Parameter size: the number of prompts per pass.
    package func rewards(of prompts: [RankedPrompt], passes size: Int = 16) -> [[Float]] {
        stride(from: 0, to: prompts.count, by: size).flatMap { start in
            let batch = RankingBatch(prompts[start..<min(prompts.count, start + size)])
            let pass = TrainableDecoder(base, adapter: adapter)
                .forward(batch.trees.embeddings(in: base), rows: batch.trees.rows, outputs: batch.outputs)
            return batch.byPrompt(reading(pass.hidden, of: batch).rewards)
        }
    }

    /// Forward and backward on ranked prompts, each with at least one ranking.
    package func gradients(of prompts: some Sequence<RankedPrompt>) -> Gradients {
        let batch = RankingBatch(prompts)
        let decoder = TrainableDecoder(base, adapter: adapter)
        let pass = decoder.forward(batch.trees.embeddings(in: base), rows: batch.trees.rows, outputs: batch.outputs)
        var reading = reading(pass.hidden, of: batch)
        let rewards = batch.byPrompt(reading.rewards)
        var drewards = [Float](repeating: 0, count: reading.rewards.count)
        var loss = 0.0
        for (prompt, rewards) in zip(batch.prompts, rewards) {
            for ranking in prompt.rankings {
                let weight = ranking.weight / Double(batch.prompts.count * prompt.rankings.count)
                let part = PairLoss(rewards: rewards.map(Double.init), pairs: ranking.pairs)
                loss += weight * part.loss
                for (index, gradient) in zip(prompt.indices, part.gradients) {
                    drewards[index] += Float(weight * gradient)
                }
            }
        }
        let (dhidden, dhead) = backward(drewards, &reading, of: batch)
        return Gradients(
            loss: loss, rewards: rewards,
            adapter: decoder.backward(pass, dhidden: dhidden).adapter, head: dhead, rows: batch.trees.rows.count)
    }

    // MARK: The head

    /// The head's inputs and rewards for one batch.
    private struct Reading {
        /// The hidden states of the answers' last rows, `[answers, hidden]`.
        let ends: Tensor
        /// The logits of the rows that predict the answers' tokens, `[tokens, vocabulary]`.
        var logits: Tensor
        let entropy: CrossEntropy
        /// Σ log π of each answer, in nats.
        let logProbWeights: [Float]
        let rewards: [Float]
    }

    private func reading(_ hidden: Tensor, of batch: RankingBatch) -> Reading {
        let tokens = batch.trees.targets.count
        let ends = hidden.rows(tokens..<hidden.rows)
        let logits = base.logits(hidden.rows(0..<tokens))
        let entropy = base.compute.crossEntropy(logits, targets: batch.trees.targets)
        let logProbWeights = batch.trees.answers.map { -entropy.losses[$0].reduce(0, +) }
        let rewards = zip(head.score.scores(ends, on: base.compute), logProbWeights).map {
            $0 + head.logProbWeight * $1
        }
        return Reading(
            ends: ends, logits: logits, entropy: entropy, logProbWeights: logProbWeights, rewards: rewards)
    }

    /// Replaces the logits by their gradients.
    private func backward(
        _ drewards: [Float], _ reading: inout Reading, of batch: RankingBatch
    ) -> (dhidden: Tensor, dhead: RewardHead) {
        let (dends, dscore) = head.score.backward(drewards, hidden: reading.ends, on: base.compute)
        let coefficients = zip(batch.trees.answers, drewards).flatMap { tokens, slope in
            Array(repeating: -head.logProbWeight * slope, count: tokens.count)
        }
        base.compute.crossEntropyBackward(
            &reading.logits, targets: batch.trees.targets, loss: reading.entropy, coefficients: coefficients)
        let dtokens = base.logitsBackward(reading.logits)
        return (
            Tensor.stacking([dtokens, dends]),
            RewardHead(
                score: dscore, logProbWeight: zip(drewards, reading.logProbWeights).reduce(0) { $0 + $1.0 * $1.1 })
        )
    }
}

/// The shift and gain that normalise a trained reward model's scores: r' = gain · (r - shift).
///
/// The pair loss determines neither. The shift is the mean reward of demonstrations, which then score 0 on average
/// (Ouyang et al. 2022, §3.5). The gain gives the rewards of a policy's answers a deviation of 1 (Ziegler et al. 2019,
/// §2.1). Only then does a KL weight, or half a deviation, mean the same for every reward model.
public struct RewardNormalization: Codable, Sendable, Equatable {
    /// The mean reward of the demonstrations.
    public let shift: Double
    /// 1 / the standard deviation of the samples' rewards.
    public let gain: Double
    /// The number of scored demonstrations.
    public let demonstrations: Int
    /// The number of scored samples.
    public let samples: Int

    /// Measures `model` on prompts. The samples are their answers about the question's own image; the demonstrations
    /// are a demonstrated answer to each prompt that has one.
    ///
    /// - Parameter demonstrations: the tokens of the demonstrated answer to each prompt, including the end token; nil
    ///   if there is none.
    /// - Throws: `RankedAnswersError.tooFew` without demonstrations, or if the samples' rewards are all equal.
    public init(
        _ model: RewardModel, prompts: [RankedPrompt], demonstrations: [[Int32]?]
    ) throws(RankedAnswersError) {
        precondition(prompts.count == demonstrations.count, "a demonstration, or none, for each prompt")
        let rewards = model.rewards(
            of: zip(prompts, demonstrations).map { $0.scoring($0.answers + ($1.map { [$0] } ?? [])) })
        var demonstrated: [Double] = []
        var sampled: [Double] = []
        for (prompt, rewards) in zip(prompts, rewards) {
            sampled += prompt.answers.indices.filter { !prompt.distractors.contains($0) }.map { Double(rewards[$0]) }
            demonstrated += rewards.dropFirst(prompt.answers.count).map(Double.init)
        }
        guard !demonstrated.isEmpty else { throw .tooFew(what: "demonstrations", expected: 1, found: 0) }
        let mean = Self.mean(sampled)
        let deviation = Self.mean(sampled.map { ($0 - mean) * ($0 - mean) }).squareRoot()
        guard deviation.isFinite, deviation > 0 else {
            throw .tooFew(what: "different rewards of samples", expected: 2, found: 1)
        }
        self.shift = Self.mean(demonstrated)
        self.gain = 1 / deviation
        self.demonstrations = demonstrated.count
        self.samples = sampled.count
    }

    private static func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(max(1, values.count))
    }
}
