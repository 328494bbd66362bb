/// What each token of an answer earns: R_t = -β (log π(y_t) - log π_ref(y_t)), and at the last token the answer's score
/// besides (Ziegler et al. 2019, arXiv 1909.08593, eq. 2).
package enum TokenRewards {
    /// The score that counts: an answer that did not come to its end token loses `missingEndPenalty`.
    package static func score(_ score: Double, ended: Bool, missingEndPenalty: Double) -> Double {
        ended ? score : score - missingEndPenalty
    }

    /// The rewards of one answer's tokens.
    ///
    /// - Parameters:
    ///   - score: of the whole answer.
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
