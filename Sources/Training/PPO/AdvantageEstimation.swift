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
