package import Datasets
import Foundation

// Losses that train a policy on preferences without a reward model. All compare the policy π with the policy it starts
// from, π_ref: an answer's log-ratio is log π(y|x) - log π_ref(y|x), summed over its tokens, in nats.

/// The loss of a preferred pair.
public enum PairObjective: String, Codable, Sendable, CaseIterable {
    /// -log σ(β h), with h the difference of the two answers' log-ratios (Rafailov et al. 2023, arXiv 2305.18290,
    /// eq. 7). With label smoothing ε, a share ε of the pairs counts as wrong (cDPO: Mitchell 2023, "A note on DPO with
    /// noisy preferences").
    case sigmoid
    /// (h - 1 / 2β)² (Azar et al. 2023, arXiv 2310.12036, eq. 17), where log-ratios are means over tokens, as in TRL: a
    /// long answer would otherwise be far from 1 / 2β from the start.
    case ipo
}

/// The loss of all ordered pairs of a ranking: their mean, and its gradient with respect to each answer's
/// log-probability under the policy.
package struct PreferenceLoss: Sendable {
    /// In nats for `sigmoid`, in nats² for `ipo`.
    package let loss: Double
    /// The gradient with respect to log π of each answer.
    package let gradients: [Double]

    /// - Parameters:
    ///   - logRatios: log π - log π_ref of each answer.
    ///   - lengths: the number of tokens of each answer.
    ///   - pairs: at least one.
    ///   - beta: β. The larger it is, the nearer the policy stays to its reference.
    ///   - smoothing: ε, from 0 to below ½; for `sigmoid` only.
    package init(
        logRatios: [Double], lengths: [Int], pairs: [PreferenceRecord.Pair], objective: PairObjective,
        beta: Double, smoothing: Double
    ) {
        precondition(!pairs.isEmpty && logRatios.count == lengths.count, "a ranking without a preference")
        let weight = 1 / Double(pairs.count)
        let scales = lengths.map { objective == .ipo ? 1 / Double($0) : 1 }
        var loss = 0.0
        var gradients = [Double](repeating: 0, count: logRatios.count)
        for pair in pairs {
            let (chosen, rejected) = (pair.chosen, pair.rejected)
            let h = logRatios[chosen] * scales[chosen] - logRatios[rejected] * scales[rejected]
            let part: Double
            let slope: Double
            switch objective {
            case .sigmoid:
                part = (1 - smoothing) * Logistic.loss(beta * h) + smoothing * Logistic.loss(-beta * h)
                slope =
                    beta
                    * (smoothing * Logistic.probability(beta * h)
                        - (1 - smoothing) * Logistic.probability(-beta * h))
            case .ipo:
                let distance = h - 1 / (2 * beta)
                part = distance * distance
                slope = 2 * distance
            }
            loss += weight * part
            gradients[chosen] += weight * slope * scales[chosen]
            gradients[rejected] -= weight * slope * scales[rejected]
        }
        self.loss = loss
        self.gradients = gradients
    }
}

/// The loss of answers that are each good or bad, without pairs (Kahneman-Tversky optimisation: Ethayarajh et al. 2024,
/// arXiv 2402.01306, eq. 7 and 8): w (1 - σ(β (r - z))) for a good answer and w (1 - σ(β (z - r))) for a bad one, with
/// r the answer's log-ratio and z the mean log-ratio of answers to other prompts, at least 0, through which no gradient
/// flows.
package struct DesirabilityLoss: Sendable {
    /// The mean over the answers.
    package let loss: Double
    /// The gradient with respect to log π of each answer.
    package let gradients: [Double]

    /// The reference point z of a batch, an estimate of KL(π || π_ref).
    ///
    /// - Parameter unrelated: the log-ratios of answers that belong to other prompts.
    package static func reference(unrelated: [Double]) -> Double {
        max(0, unrelated.reduce(0, +) / Double(max(1, unrelated.count)))
    }

    /// - Parameters:
    ///   - logRatios: log π - log π_ref of each answer.
    ///   - isDesirable: whether the answer is good.
    ///   - reference: z.
    ///   - beta: β.
    ///   - weights: w of good and of bad answers; their sums over a data set should be alike.
    package init(
        logRatios: [Double], isDesirable: [Bool], reference: Double, beta: Double,
        weights: (desirable: Double, undesirable: Double)
    ) {
        precondition(!logRatios.isEmpty && logRatios.count == isDesirable.count, "one label an answer")
        let mean = 1 / Double(logRatios.count)
        var loss = 0.0
        gradients = zip(logRatios, isDesirable).map { ratio, isDesirable in
            let sign: Double = isDesirable ? 1 : -1
            let weight = mean * (isDesirable ? weights.desirable : weights.undesirable)
            let probability = Logistic.probability(sign * beta * (ratio - reference))
            loss += weight * (1 - probability)
            return -weight * sign * beta * probability * (1 - probability)
        }
        self.loss = loss
    }
}

/// The logistic function and its logarithm, in forms that overflow for neither sign.
package enum Logistic {
    /// σ(x).
    package static func probability(_ x: Double) -> Double {
        let e = exp(-abs(x))
        return (x >= 0 ? 1 : e) / (1 + e)
    }

    /// -log σ(x) = softplus(-x).
    package static func loss(_ x: Double) -> Double { max(0, -x) + log1p(exp(-abs(x))) }
}
