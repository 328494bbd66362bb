/// How the weight of a divergence follows the measured divergence: it falls below the target and rises above it.
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
