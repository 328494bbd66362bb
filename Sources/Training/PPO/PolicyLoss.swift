import Foundation

/// The bound on an update's distance from the policy that sampled the answers.
public enum PolicyObjective: String, Codable, Sendable, CaseIterable {
    /// Probability ratios are clipped (Schulman et al. 2017, arXiv 1707.06347, eq. 7).
    case clipped
    /// Ratios are free, and the divergence from the old policy is penalized (ibid., eq. 8).
    case penalized
}

/// The policy's loss over tokens of a minibatch, and its gradient with respect to their log-probabilities.
///
/// With ρ = π(y_t) / π_old(y_t), over N tokens: clipped - (1/N) Σ min(ρ A, clip(ρ, 1 - ε, 1 + ε) A); penalized
/// (1/N) Σ (-ρ A + β k3), where k3 = ρ - 1 - log ρ estimates KL(π_old || π) without a sign (Schulman 2020,
/// "Approximating KL divergence").
package struct PolicyLoss: Sendable {
    /// The share of these tokens in the minibatch's loss.
    package let loss: Double
    /// The gradient with respect to each log-probability.
    package let gradients: [Double]
    /// The policy's movement since the tokens were sampled.
    package let movement: PolicyMovement

    /// - Parameters:
    ///   - logProbs: the tokens' log-probabilities under the policy, in nats.
    ///   - old: the tokens' log-probabilities under the policy that sampled them.
    ///   - advantages: A.
    ///   - tokens: N, the number of tokens of the whole minibatch.
    ///   - range: ε.
    package static func clipped(
        logProbs: [Double], old: [Double], advantages: [Double], tokens: Int, range: Double
    ) -> PolicyLoss {
        PolicyLoss(logProbs: logProbs, old: old, advantages: advantages, tokens: tokens) { ratio, advantage in
            let free = ratio * advantage
            let clipped = min(max(ratio, 1 - range), 1 + range) * advantage
            return clipped < free ? (-clipped, 0, true) : (-free, -free, false)
        }
    }

    /// The loss with the divergence from the old policy, weighted by `weight`, instead of the clipping.
    package static func penalized(
        logProbs: [Double], old: [Double], advantages: [Double], tokens: Int, weight: Double
    ) -> PolicyLoss {
        PolicyLoss(logProbs: logProbs, old: old, advantages: advantages, tokens: tokens) { ratio, advantage in
            let gain = ratio * advantage
            return (-gain + weight * (ratio - 1 - log(ratio)), -gain + weight * (ratio - 1), false)
        }
    }

    /// `term` returns a token's loss, its derivative with respect to log ρ, and whether it was clipped.
    private init(
        logProbs: [Double], old: [Double], advantages: [Double], tokens: Int,
        term: (_ ratio: Double, _ advantage: Double) -> (loss: Double, slope: Double, isClipped: Bool)
    ) {
        precondition(logProbs.count == old.count && old.count == advantages.count && tokens >= old.count)
        var loss = 0.0
        var gradients: [Double] = []
        gradients.reserveCapacity(old.count)
        var movement = PolicyMovement()
        for index in old.indices {
            let change = logProbs[index] - old[index]
            let (part, slope, isClipped) = term(exp(change), advantages[index])
            loss += part / Double(tokens)
            gradients.append(slope / Double(tokens))
            movement.count(change: change, isClipped: isClipped)
        }
        self.loss = loss
        self.gradients = gradients
        self.movement = movement
    }
}

/// A policy's movement from the policy that sampled the tokens.
package struct PolicyMovement: Sendable, Equatable {
    /// The number of tokens.
    package private(set) var tokens = 0
    /// The maximum of |ρ - 1|.
    package private(set) var maxRatioDeviation = 0.0
    private var clipped = 0
    private var squares = 0.0
    private var divergences = 0.0

    /// The movement over no tokens.
    package init() {}

    mutating func count(change: Double, isClipped: Bool) {
        tokens += 1
        clipped += isClipped ? 1 : 0
        squares += change * change
        divergences += exp(change) - 1 - change
        maxRatioDeviation = max(maxRatioDeviation, abs(exp(change) - 1))
    }

    /// Adds the statistics of further tokens.
    package mutating func add(_ other: PolicyMovement) {
        tokens += other.tokens
        clipped += other.clipped
        squares += other.squares
        divergences += other.divergences
        maxRatioDeviation = max(maxRatioDeviation, other.maxRatioDeviation)
    }

    /// The share of tokens whose clipped term was the loss, so that their gradient is zero.
    package var clipFraction: Double { Double(clipped) / Double(max(1, tokens)) }

    /// ½ mean (log ρ)².
    package var approximateKL: Double { squares / Double(2 * max(1, tokens)) }

    /// The mean of ρ - 1 - log ρ, an estimate of KL(π_old || π) per token.
    package var divergence: Double { divergences / Double(max(1, tokens)) }
}
