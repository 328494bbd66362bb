import Foundation

/// How reward and gold score grow with the distance from the start policy (Gao, Schulman, Hilton 2023, "Scaling laws
/// for reward model overoptimization").
public struct OptimizationCurve: Codable, Sendable, Equatable {
    /// The method of optimisation.
    public enum Method: String, Codable, Sendable {
        /// Choosing the answer with the highest reward among n samples.
        case bestOf
        /// Reinforcement learning.
        case ppo
    }

    /// One point of the curve.
    public struct Point: Codable, Sendable, Equatable {
        /// n for best-of-n; the number of iterations for PPO.
        public let step: Int
        /// KL(policy || start), in nats.
        public let divergence: Double
        /// The mean reward minus that of the start, in standard deviations of the start's samples.
        public let reward: Double
        /// The mean gold score minus that of the start.
        public let gold: Double

        package init(step: Int, divergence: Double, reward: Double, gold: Double) {
            self.step = step
            self.divergence = divergence
            self.reward = reward
            self.gold = gold
        }

        /// d = √KL.
        public var distance: Double { max(0, divergence).squareRoot() }
    }

    /// α and β of the paper's law for gold scores: d (α - β d) for best-of-n, d (α - β log d) for PPO.
    public struct Fit: Codable, Sendable, Equatable {
        /// The slope at distance 0.
        public let alpha: Double
        /// How fast the slope falls.
        public let beta: Double
    }

    /// The method of optimisation.
    public let method: Method
    /// The points, from the start on.
    public let points: [Point]
    /// The least-squares fit to gold / d; nil if fewer than two points are away from the start.
    public let fit: Fit?

    /// A curve through the given points.
    public init(_ method: Method, _ points: [Point]) {
        self.method = method
        self.points = points
        let away = points.filter { $0.distance > 1e-6 }
        fit = Self.line(
            away.map { (method == .bestOf ? $0.distance : log($0.distance), $0.gold / $0.distance) })
    }

    /// y = α - β x.
    private static func line(_ points: [(x: Double, y: Double)]) -> Fit? {
        let count = Double(points.count)
        let (meanX, meanY) = (points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count)
        let variance = points.reduce(0) { $0 + ($1.x - meanX) * ($1.x - meanX) }
        guard points.count > 1, variance > 0 else { return nil }
        let slope = points.reduce(0) { $0 + ($1.x - meanX) * ($1.y - meanY) } / variance
        return Fit(alpha: meanY - slope * meanX, beta: -slope)
    }

    /// Best-of-n for n = 1, 2, 4 and so on up to the number of answers. The expected best of n among N answers is
    /// exact: the i-th from below is the best in C(i - 1, n - 1) of C(N, n) draws. KL = log n - (n - 1) / n (Stiennon
    /// et al. 2020, appendix G.3).
    public init(bestOf prompts: [ScoredPrompt]) {
        let maximum = prompts.map(\.answers.count).min() ?? 0
        let sizes = sequence(first: 1) { $0 * 2 }.prefix { $0 <= maximum }
        let means = sizes.map { size in
            let best = prompts.map { Self.best(of: size, $0.answers) }
            return (
                size: size, reward: best.reduce(0) { $0 + $1.reward } / Double(best.count),
                gold: best.reduce(0) { $0 + $1.gold } / Double(best.count)
            )
        }
        self.init(
            .bestOf,
            means.map { mean in
                let size = Double(mean.size)
                return Point(
                    step: mean.size, divergence: log(size) - (size - 1) / size, reward: mean.reward - means[0].reward,
                    gold: mean.gold - means[0].gold)
            })
    }

    /// The expected reward and gold score of the answer with the highest reward among `size` of the `answers`.
    private static func best(of size: Int, _ answers: [ScoredPrompt.Answer]) -> (reward: Double, gold: Double) {
        let sorted = answers.sorted { $0.reward < $1.reward }
        var probability = Double(size) / Double(sorted.count)
        var (reward, gold) = (0.0, 0.0)
        for rank in stride(from: sorted.count, through: size, by: -1) {
            reward += probability * sorted[rank - 1].reward
            gold += probability * sorted[rank - 1].verdict.score
            if rank > 1 { probability *= Double(rank - size) / Double(rank - 1) }
        }
        return (reward, gold)
    }
}
