public import Datasets
import Foundation

/// The loss of one ranking: L = - (1 / pairs) Σ log σ(r(chosen) - r(rejected)) over all pairs that are no ties (Ouyang
/// et al. 2022, eq. 1, where without ties there are C(K, 2)).
public struct PairLoss: Sendable {
    /// In nats.
    public let loss: Double
    /// With respect to each reward.
    public let gradients: [Double]

    /// The loss of `pairs`, of which there is at least one, between candidates with the given rewards.
    public init(rewards: [Double], pairs: [PreferenceRecord.Pair]) {
        precondition(!pairs.isEmpty, "a ranking without a preference")
        let weight = 1 / Double(pairs.count)
        var loss = 0.0
        var gradients = [Double](repeating: 0, count: rewards.count)
        for pair in pairs {
            let difference = rewards[pair.chosen] - rewards[pair.rejected]
            // -log σ(d) = softplus(-d), written so that neither sign overflows.
            loss += weight * (max(0, -difference) + log1p(exp(-abs(difference))))
            let slope = weight * Self.probability(-difference)
            gradients[pair.chosen] -= slope
            gradients[pair.rejected] += slope
        }
        self.loss = loss
        self.gradients = gradients
    }

    /// σ(d): how likely the model holds it that of two candidates the one whose reward is `difference` higher is
    /// chosen.
    public static func probability(_ difference: Double) -> Double {
        let e = exp(-abs(difference))
        return (difference >= 0 ? 1 : e) / (1 + e)
    }
}
