public import Datasets
import Foundation

/// The loss of one ranking: L = - (1 / pairs) Σ log σ(r(chosen) - r(rejected)) over all pairs that are not ties (Ouyang
/// et al. 2022, eq. 1, with C(K, 2) pairs if there are no ties).
public struct PairLoss: Sendable {
    /// The loss in nats.
    public let loss: Double
    /// The gradient with respect to each reward.
    public let gradients: [Double]

    /// The loss of `pairs`, at least one, between completions with the given rewards.
    public init(rewards: [Double], pairs: [PreferenceRecord.Pair]) {
        precondition(!pairs.isEmpty, "a ranking without a preference")
        let weight = 1 / Double(pairs.count)
        var loss = 0.0
        var gradients = [Double](repeating: 0, count: rewards.count)
        for pair in pairs {
            let difference = rewards[pair.chosen] - rewards[pair.rejected]
            // -log σ(d) = softplus(-d), in a form that overflows for neither sign.
            loss += weight * (max(0, -difference) + log1p(exp(-abs(difference))))
            let slope = weight * Self.probability(-difference)
            gradients[pair.chosen] -= slope
            gradients[pair.rejected] += slope
        }
        self.loss = loss
        self.gradients = gradients
    }

    /// σ(d): the model's probability that the completion whose reward is higher by `difference` is preferred.
    public static func probability(_ difference: Double) -> Double {
        let e = exp(-abs(difference))
        return (difference >= 0 ? 1 : e) / (1 + e)
    }
}
