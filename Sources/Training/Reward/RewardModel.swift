public import Models
import Tensors

/// The reward model in training: r(picture, question, answer) is the head's score at the answer's last token, by the
/// frozen decoder under the model's own adapter.
public struct RewardModel: Sendable {
    /// The backbone.
    public let base: FrozenDecoder
    /// What it changes of it.
    public let adapter: LowRankAdapter
    /// Reads the rewards.
    public let head: ScalarHead

    /// A model of the given parts.
    public init(base: FrozenDecoder, adapter: LowRankAdapter, head: ScalarHead) {
        self.base = base
        self.adapter = adapter
        self.head = head
    }

    /// Loss and gradients of one batch.
    package struct Gradients: Sendable {
        /// The mean over the prompts of the mean over each one's rankings, in nats.
        package let loss: Double
        /// Of each prompt's answers.
        package let rewards: [[Float]]
        /// Of the adapter's factors.
        package let adapter: LowRankAdapter
        /// Of the head.
        package let head: ScalarHead
        /// Rows that were computed.
        package let rows: Int
    }

    /// The rewards of each prompt's answers, prompts with the same picture one after the other computed together.
    ///
    /// - Parameter size: prompts of one pass.
    package func rewards(of prompts: [RankedPrompt], passes size: Int = 16) -> [[Float]] {
        stride(from: 0, to: prompts.count, by: size).flatMap { start in
            let batch = RankingBatch(prompts[start..<min(prompts.count, start + size)])
            let pass = TrainableDecoder(base, adapter: adapter)
                .forward(embeddings(of: batch), rows: batch.rows, outputs: batch.outputs)
            let rewards = head.scores(pass.hidden, on: base.compute)
            return batch.prompts.map { Array(rewards[$0.rewards]) }
        }
    }

    /// Forward and backward on ranked prompts; each has at least one ranking.
    package func gradients(of prompts: some Sequence<RankedPrompt>) -> Gradients {
        let batch = RankingBatch(prompts)
        let decoder = TrainableDecoder(base, adapter: adapter)
        let pass = decoder.forward(embeddings(of: batch), rows: batch.rows, outputs: batch.outputs)
        let rewards = head.scores(pass.hidden, on: base.compute)
        var drewards = [Float](repeating: 0, count: rewards.count)
        var loss = 0.0
        for prompt in batch.prompts {
            let weight = 1 / Double(batch.prompts.count * prompt.rankings.count)
            for ranking in prompt.rankings {
                let part = PairLoss(rewards: rewards[prompt.rewards].map(Double.init), pairs: ranking.pairs)
                loss += weight * part.loss
                for (place, gradient) in zip(prompt.rewards, part.gradients) {
                    drewards[place] += Float(weight * gradient)
                }
            }
        }
        let (dhidden, dhead) = head.backward(drewards, hidden: pass.hidden, on: base.compute)
        return Gradients(
            loss: loss, rewards: batch.prompts.map { Array(rewards[$0.rewards]) },
            adapter: decoder.backward(pass, dhidden: dhidden).adapter, head: dhead, rows: batch.rows.count)
    }

    /// What the decoder reads: tokens' embeddings, and the pictures' where they are.
    private func embeddings(of batch: RankingBatch) -> Tensor {
        var embeddings = base.embeddings(of: batch.rows.tokens)
        for picture in batch.pictures { embeddings.replaceRows(from: picture.row, with: picture.embeddings) }
        return embeddings
    }
}
