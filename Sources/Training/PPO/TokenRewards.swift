/// What each token of an answer earns: R_t = -β (log π(y_t) - log π_ref(y_t)), and at the last token the answer's score
/// besides (Ziegler et al. 2019, arXiv 1909.08593, eq. 2).
package enum TokenRewards {
    /// The score that counts: an answer that did not come to its end token loses `missingEndPenalty`.
    package static func score(_ score: Double, ended: Bool, missingEndPenalty: Double) -> Double {
        ended ? score : score - missingEndPenalty
    }

    /// Each score less the mean of those of the same question's answers, as in RLOO (Ahmadian et al. 2024) and GRPO
    /// (Shao et al. 2024). How good the answers to a question are on the whole is most of what scores differ by, and
    /// nothing that the policy could change.
    ///
    /// - Parameter questions: the answers of each question; together all of them, in order.
    package static func relative(_ scores: [Double], questions: [Range<Int>]) -> [Double] {
        questions.flatMap { answers in
            let mean = scores[answers].reduce(0, +) / Double(answers.count)
            return scores[answers].map { $0 - mean }
        }
    }

    /// The rewards of one answer's tokens.
    ///
    /// - Parameters:
    ///   - score: of the whole answer, relative to the others.
    ///   - logProbs: of each token under the policy that drew it, in nats.
    ///   - reference: of the same tokens under the reference.
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
