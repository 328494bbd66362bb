import Foundation

/// How a model's rotary frequencies differ from `theta^(-2i / headSize)`.
public enum RotaryScaling: Sendable, Equatable {
    /// They do not.
    case none
    /// All are divided by `factor`: position interpolation (Chen et al. 2023, arXiv:2306.15595).
    case linear(factor: Float)
    /// Llama 3.1's: pairs that turn less than `low` times over the `trained` positions are divided by `factor`, pairs
    /// that turn more than `high` times stay, and pairs between get a mixture (transformers, `rope_type: llama3`).
    case llama3(factor: Float, low: Float, high: Float, trained: Int)
    /// YaRN (Peng et al. 2023, arXiv:2309.00071): pairs with at least `fast` turns over the `trained` positions stay,
    /// pairs with less than `slow` turns are divided by `factor`, and pairs between get a mixture.
    case yarn(YaRN)
    /// Each pair is divided by its own number, as in a GGUF file's `rope_freqs.weight`.
    case divided(by: [Float])

    /// The parameters of YaRN.
    public struct YaRN: Sendable, Equatable {
        /// The factor by which the context is stretched, at least 1.
        public var factor: Float
        /// The positions that the model was trained for.
        public var trained: Int
        /// Turns from which a pair keeps its frequency.
        public var fast: Float = 32
        /// Turns below which a pair's frequency is divided by the factor.
        public var slow: Float = 1
        /// The factor of cosines and sines; nil for the paper's `0.1 · ln(factor) + 1`.
        public var magnitude: Float?
        /// Whether the first and last mixed pairs are rounded to whole numbers.
        public var truncates = true

        /// The paper's parameters for a factor.
        public init(factor: Float, trained: Int) {
            self.factor = factor
            self.trained = trained
        }
    }
}

/// The angles by which rotary embedding rotates each pair of a head from one position to the next.
public struct RotaryFrequencies: Sendable {
    /// The radians per position of each of the `headSize / 2` pairs.
    public let radians: [Float]
    /// The factor of cosines and sines.
    public private(set) var magnitude: Float

    /// `theta^(-2i / headSize)` for the pairs `i` (Su et al. 2021, arXiv:2104.09864), scaled by `scaling`.
    public init(headSize: Int, theta: Float, scaling: RotaryScaling = .none) {
        let plain = Self.plain(headSize: headSize, theta: theta)
        magnitude = 1
        switch scaling {
        case .none: radians = plain.map { Float($0) }
        case .linear(let factor): radians = plain.map { Float($0 / Double(factor)) }
        case .llama3(let factor, let low, let high, let trained):
            radians = plain.map { frequency in
                let kept = Self.keptShare(of: frequency, low: low, high: high, trained: trained)
                return Float((1 - kept) * frequency / Double(factor) + kept * frequency)
            }
        case .yarn(let yarn):
            let stretched = Self.stretchedShares(yarn, headSize: headSize, theta: theta)
            radians = zip(plain, stretched).map { Float($0 / Double(yarn.factor) * $1 + $0 * (1 - $1)) }
            magnitude = yarn.magnitude ?? Float(0.1 * log(Double(yarn.factor)) + 1)
        case .divided(let divisors):
            precondition(divisors.count == plain.count, "\(divisors.count) divisors for \(plain.count) pairs")
            radians = zip(plain, divisors).map { Float($0 / Double($1)) }
        }
    }

    /// The same frequencies with scores of attention multiplied by `factor`: rotated queries and keys share it.
    public func scalingScores(by factor: Float) -> RotaryFrequencies {
        var result = self
        result.magnitude *= factor.squareRoot()
        return result
    }

    /// The divisors of the frequencies, as a GGUF file's `rope_freqs.weight` has them; nil for a scaling that is not
    /// written as divisors.
    public static func divisors(headSize: Int, theta: Float, scaling: RotaryScaling) -> [Float]? {
        switch scaling {
        case .none, .linear, .yarn: return nil
        case .divided(let divisors): return divisors
        case .llama3(let factor, let low, let high, let trained):
            return plain(headSize: headSize, theta: theta).map { frequency in
                let kept = keptShare(of: frequency, low: low, high: high, trained: trained)
                return Float(1 / ((1 - kept) / Double(factor) + kept))
            }
        }
    }

    private static func plain(headSize: Int, theta: Float) -> [Double] {
        (0..<headSize / 2).map { 1 / pow(Double(theta), Double(2 * $0) / Double(headSize)) }
    }

    /// The share of a frequency that Llama 3.1's scaling keeps, from 0 to 1.
    private static func keptShare(of frequency: Double, low: Float, high: Float, trained: Int) -> Double {
        let turns = Double(trained) * frequency / (2 * .pi)
        return min(max((turns - Double(low)) / Double(high - low), 0), 1)
    }

    /// For each pair, the share of the stretched frequency in its mixture, from 0 to 1.
    private static func stretchedShares(_ yarn: RotaryScaling.YaRN, headSize: Int, theta: Float) -> [Double] {
        precondition(yarn.factor >= 1 && yarn.trained > 0, "\(yarn.factor) times \(yarn.trained) positions")
        /// The index, as a fraction, of the pair with this many turns over the trained positions.
        func pair(turning turns: Float) -> Double {
            Double(headSize) * log(Double(yarn.trained) / (Double(turns) * 2 * .pi)) / (2 * log(Double(theta)))
        }
        func rounded(_ pair: Double, _ rule: FloatingPointRoundingRule) -> Double {
            yarn.truncates ? pair.rounded(rule) : pair
        }
        let first = max(rounded(pair(turning: yarn.fast), .down), 0)
        var last = min(rounded(pair(turning: yarn.slow), .up), Double(headSize - 1))
        if first == last { last += 0.001 }
        return (0..<headSize / 2).map { min(max((Double($0) - first) / (last - first), 0), 1) }
    }
}
