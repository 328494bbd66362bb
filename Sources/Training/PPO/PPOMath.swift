import Foundation

// The mathematics of PPO in the order of the algorithm: scores become rewards of tokens, rewards become advantages and
// returns, and both models take steps on clipped losses. Names follow the literature: logRatio is log π(y_t) - log
// π_old(y_t), and the ratio ρ is its exponential.

// MARK: 1. Rewards

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
        precondition(!logProbs.isEmpty && logProbs.count == reference.count, "one log-probability a token and model")
        var rewards = zip(logProbs, reference).map { -klWeight * ($0 - $1) }
        rewards[rewards.count - 1] += score
        return rewards
    }
}

// MARK: 2. Advantages

/// Scales numbers to variance 1 over all tokens of a batch.
///
/// (x - mean) / √(var + 1e-8), the variance with Bessel's correction as in TRL. openai/lm-human-preferences, the origin
/// of this step, divides by the number of tokens.
package enum Whitening {
    private static let epsilon = 1e-8

    /// - Parameters:
    ///   - values: the values of each answer's tokens; at least two tokens in all.
    ///   - keepsMean: whether the mean is added again, as for rewards, whose sign matters.
    package static func whitened(_ values: [[Double]], keepsMean: Bool) -> [[Double]] {
        let moments = Moments(values.lazy.joined())
        precondition(moments.count > 1, "\(moments.count) tokens have no variance")
        let deviation = (moments.variance + epsilon).squareRoot()
        return values.map { $0.map { ($0 - moments.mean) / deviation + (keepsMean ? moments.mean : 0) } }
    }
}

/// Generalised advantage estimation (Schulman et al. 2016, arXiv 1506.02438, eq. 16): δ_t = R_t + γ V_{t+1} - V_t and
/// A_t = δ_t + γ λ A_{t+1}. After the answer's end, V_{T+1} = A_{T+1} = 0.
package struct AdvantageEstimation: Sendable {
    /// The advantages A_t of the tokens.
    package let advantages: [Double]
    /// The targets of the values: G_t = A_t + V_t.
    package let returns: [Double]

    /// The estimate for one answer.
    ///
    /// - Parameters:
    ///   - rewards: R of each token.
    ///   - values: V at the positions that predict the tokens.
    ///   - discount: γ.
    ///   - lambda: λ, from 0 (one step) to 1 (the whole rest of the answer).
    package init(rewards: [Double], values: [Double], discount: Double = 1, lambda: Double) {
        precondition(rewards.count == values.count, "\(rewards.count) rewards, \(values.count) values")
        var advantages = [Double](repeating: 0, count: rewards.count)
        var next = (value: 0.0, advantage: 0.0)
        for index in rewards.indices.reversed() {
            let delta = rewards[index] + discount * next.value - values[index]
            advantages[index] = delta + discount * lambda * next.advantage
            next = (values[index], advantages[index])
        }
        self.advantages = advantages
        self.returns = zip(advantages, values).map { $0 + $1 }
    }
}

/// Where the baseline of advantages comes from.
public enum AdvantageSource: String, Codable, Sendable, CaseIterable {
    /// A value model, by generalised advantage estimation.
    case value
    /// The other answers to the question: their mean and deviation (GRPO: Shao et al. 2024, arXiv 2402.03300, §4.1.2).
    /// The divergence from the reference is a part of the loss, not of the reward.
    case group
    /// The mean of the other answers to the question (RLOO: Ahmadian et al. 2024, arXiv 2402.14740, §2.2).
    case leaveOneOut = "leave-one-out"
}

/// Advantages of whole answers, from the scores of all answers to a question. All tokens of an answer have the same.
package enum GroupAdvantage {
    /// Keeps the division finite, as in TRL.
    private static let epsilon = 1e-4

    /// (r - mean) / (deviation + 1e-4), the deviation with Bessel's correction as in TRL; 0 for an only answer.
    package static func normalized(_ scores: [Double], questions: [Range<Int>]) -> [Double] {
        questions.flatMap { answers in
            guard answers.count > 1 else { return [0.0] }
            let moments = Moments(scores[answers])
            return scores[answers].map { ($0 - moments.mean) / (moments.variance.squareRoot() + epsilon) }
        }
    }

    /// r minus the mean of the others; 0 for an only answer.
    package static func leaveOneOut(_ scores: [Double], questions: [Range<Int>]) -> [Double] {
        questions.flatMap { answers in
            let sum = scores[answers].reduce(0, +)
            return scores[answers].map { $0 - (answers.count > 1 ? (sum - $0) / Double(answers.count - 1) : $0) }
        }
    }
}

// MARK: 3. The policy's loss

/// The bound on an update's distance from the policy that sampled the answers.
public enum PolicyObjective: String, Codable, Sendable, CaseIterable {
    /// Probability ratios are clipped (Schulman et al. 2017, arXiv 1707.06347, eq. 7).
    case clipped
    /// Ratios are free, and the KL divergence from the old policy is penalized (ibid., eq. 8).
    case penalized
}

/// The policy's loss over tokens of a minibatch, and its gradient with respect to their log-probabilities.
///
/// With ρ = π(y_t) / π_old(y_t), over N tokens: clipped - (1/N) Σ min(ρ A, clip(ρ, 1 - ε, 1 + ε) A); penalized
/// (1/N) Σ (-ρ A + β k3), where k3 = ρ - 1 - log ρ estimates KL(π_old || π) and is never negative (Schulman 2020,
/// "Approximating KL divergence").
package struct PolicyLoss: Sendable {
    /// The share of these tokens in the minibatch's loss.
    package let loss: Double
    /// The gradient with respect to each log-probability.
    package let gradients: [Double]
    /// The distance of the policy from the one that sampled the tokens.
    package let ratios: RatioStatistics

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

    /// The loss plus `weight` times the divergence from the reference, (1/N) Σ k3 with k3 = exp(d) - d - 1 and
    /// d = log π_ref - log π (Shao et al. 2024, eq. 4).
    package func adding(
        divergenceFrom reference: [Double], logProbs: [Double], weight: Double, tokens: Int
    ) -> PolicyLoss {
        let distances = zip(reference, logProbs).map { $0 - $1 }
        let share = weight / Double(tokens)
        return PolicyLoss(
            loss: loss + share * distances.reduce(0) { $0 + exp($1) - $1 - 1 },
            gradients: zip(gradients, distances).map { $0 + share * (1 - exp($1)) }, ratios: ratios)
    }

    private init(loss: Double, gradients: [Double], ratios: RatioStatistics) {
        self.loss = loss
        self.gradients = gradients
        self.ratios = ratios
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
        var ratios = RatioStatistics()
        for index in old.indices {
            let logRatio = logProbs[index] - old[index]
            let (part, slope, isClipped) = term(exp(logRatio), advantages[index])
            loss += part / Double(tokens)
            gradients.append(slope / Double(tokens))
            ratios.count(logRatio: logRatio, isClipped: isClipped)
        }
        self.loss = loss
        self.gradients = gradients
        self.ratios = ratios
    }
}

/// Statistics of the tokens' ratios ρ = π / π_old, which measure the distance between the two policies.
package struct RatioStatistics: Sendable, Equatable {
    /// The number of tokens.
    package private(set) var tokens = 0
    /// The maximum of |ρ - 1|.
    package private(set) var maxRatioDeviation = 0.0
    private var clipped = 0
    private var squares = 0.0
    private var k3 = 0.0

    /// The statistics of no tokens.
    package init() {}

    mutating func count(logRatio: Double, isClipped: Bool) {
        tokens += 1
        clipped += isClipped ? 1 : 0
        squares += logRatio * logRatio
        k3 += exp(logRatio) - 1 - logRatio
        maxRatioDeviation = max(maxRatioDeviation, abs(exp(logRatio) - 1))
    }

    /// Adds the statistics of another pass.
    package mutating func add(_ other: RatioStatistics) {
        tokens += other.tokens
        clipped += other.clipped
        squares += other.squares
        k3 += other.k3
        maxRatioDeviation = max(maxRatioDeviation, other.maxRatioDeviation)
    }

    /// The share of tokens whose clipped term was the loss, so that their gradient is zero.
    package var clipFraction: Double { Double(clipped) / Double(max(1, tokens)) }

    /// KL(π_old || π) per token by k2, ½ mean (log ρ)² (Schulman 2020), as TRL logs it.
    package var approxKL: Double { squares / Double(2 * max(1, tokens)) }

    /// KL(π_old || π) per token by k3, the mean of ρ - 1 - log ρ (Schulman 2020).
    package var approxKLK3: Double { k3 / Double(max(1, tokens)) }
}

// MARK: 4. The value model's loss

/// The value model's loss over tokens of a minibatch, and its gradient with respect to their values.
///
/// (1/2N) Σ max((V - G)², (clip(V, V_old - c, V_old + c) - G)²): a value gains nothing by moving further than c in one
/// iteration (openai/lm-human-preferences; TRL).
package struct ValueLoss: Sendable {
    /// The share of these tokens in the minibatch's loss.
    package let loss: Double
    /// The gradient with respect to each value.
    package let gradients: [Double]
    /// The number of tokens whose clipped term was the loss.
    package let clipped: Int

    /// - Parameters:
    ///   - values: V.
    ///   - old: V_old, from before the iteration's updates.
    ///   - returns: G.
    ///   - tokens: N, the number of tokens of the whole minibatch.
    ///   - range: c.
    package init(values: [Double], old: [Double], returns: [Double], tokens: Int, range: Double) {
        precondition(values.count == old.count && old.count == returns.count && tokens >= old.count)
        var loss = 0.0
        var gradients: [Double] = []
        gradients.reserveCapacity(values.count)
        var clipped = 0
        for index in values.indices {
            let free = values[index] - returns[index]
            let held = min(max(values[index], old[index] - range), old[index] + range) - returns[index]
            let isClipped = held * held > free * free
            clipped += isClipped ? 1 : 0
            loss += max(free * free, held * held) / Double(2 * tokens)
            gradients.append(isClipped ? 0 : free / Double(tokens))
        }
        self.loss = loss
        self.gradients = gradients
        self.clipped = clipped
    }
}

// MARK: 5. The weight of the KL

/// How the weight of a KL divergence follows the measured divergence: it falls below the target and rises above it.
public enum KLControl: String, Codable, Sendable, CaseIterable {
    /// β (1 + e n / horizon) with e = clip(KL / target - 1, ±0.2) for n episodes (Ziegler et al. 2019, §2.2).
    case proportional
    /// β / 2 below target / 1.5, 2 β above 1.5 target (Schulman et al. 2017, §4).
    case `switch`

    /// The next weight after `weight`.
    ///
    /// - Parameters:
    ///   - divergence: the measured divergence, in nats, in the unit of `target`.
    ///   - episodes: the number since the last change of the weight.
    ///   - horizon: the number of episodes over which a proportional weight adapts.
    package func next(
        _ weight: Double, divergence: Double, target: Double, episodes: Int, horizon: Double
    ) -> Double {
        switch self {
        case .proportional:
            let error = min(max(divergence / target - 1, -0.2), 0.2)
            return weight * (1 + error * Double(episodes) / horizon)
        case .switch:
            if divergence < target / 1.5 { return weight / 2 }
            return divergence > target * 1.5 ? weight * 2 : weight
        }
    }
}
