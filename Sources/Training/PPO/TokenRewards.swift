/// The rewards of an answer's tokens: R_t = -β (log π(y_t) - log π_ref(y_t)), plus the answer's score at the last token
/// (Ziegler et al. 2019, arXiv 1909.08593, eq. 2).
package enum TokenRewards {
    /// The penalized score: an answer without its end token loses `missingEndPenalty`.
    package static func score(_ score: Double, ended: Bool, missingEndPenalty: Double) -> Double {
        ended ? score : score - missingEndPenalty
    }

    /// Each score minus the mean score of the same question's answers, as in RLOO (Ahmadian et al. 2024) and GRPO (Shao
    /// et al. 2024). Most of the variance between scores is between questions, which the policy cannot change.
    ///
    /// - Parameter questions: the range of answers of each question; together all answers, in order.
    package static func relative(_ scores: [Double], questions: [Range<Int>]) -> [Double] {
        questions.flatMap { answers in
            let mean = scores[answers].reduce(0, +) / Double(answers.count)
            return scores[answers].map { $0 - mean }
        }
    }

    /// The rewards of one answer's tokens.
    ///
    /// - Parameters:
    ///   - score: the score of the whole answer, relative to the other answers.
    ///   - logProbs: each token's log-probability under the policy that sampled it, in nats.
    ///   - reference: the same tokens' log-probabilities under the reference.
    ///   - klWeight: β.
    package static func rewards(
        score: Double, logProbs: [Double], reference: [Double], klWeight: Double
    ) -> [Double] {
        precondition(!logProbs.isEmpty && logProbs.count == reference.count, "an answer's tokens twice")
        var rewards = zip(logProbs, reference).map { -klWeight * ($0 - $1) }
        rewards[rewards.count - 1] += score
        return rewards
    }
}
