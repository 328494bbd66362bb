import Foundation

/// The angles by which rotary embedding rotates each pair of a head from one position to the next.
public struct RotaryFrequencies: Sendable {
    /// The radians per position of each of the `headSize / 2` pairs.
    public let radians: [Float]
    /// The factor of cosines and sines.
    public let magnitude: Float

    /// `theta^(-2i / headSize)` for the pairs `i` (Su et al. 2021, arXiv:2104.09864).
    public init(headSize: Int, theta: Float) {
        radians = Self.plain(headSize, theta).map { Float($0) }
        magnitude = 1
    }

    /// The same frequencies, stretched by YaRN (Peng et al. 2023, arXiv:2309.00071) to `factor` times the positions
    /// that a model was trained for. Pairs with at least 32 turns over the trained positions keep their frequency,
    /// pairs with less than one turn have it divided by the factor, and pairs between get a mixture.
    ///
    /// - Parameter trained: the number of positions that the model was trained for.
    public init(headSize: Int, theta: Float, stretchedBy factor: Float, trained: Int) {
        precondition(factor >= 1 && trained > 0, "\(factor) times \(trained) positions")
        /// The index, as a fraction, of the pair with this many turns over the trained positions.
        func pair(turning turns: Double) -> Double {
            Double(headSize) * log(Double(trained) / (turns * 2 * .pi)) / (2 * log(Double(theta)))
        }
        let first = max(pair(turning: 32).rounded(.down), 0)
        var last = min(pair(turning: 1).rounded(.up), Double(headSize - 1))
        if first == last { last += 0.001 }
        radians = Self.plain(headSize, theta).enumerated().map { index, frequency in
            let stretched = min(max((Double(index) - first) / (last - first), 0), 1)
            return Float(frequency / Double(factor) * stretched + frequency * (1 - stretched))
        }
        magnitude = Float(0.1 * log(Double(factor)) + 1)
    }

    private static func plain(_ headSize: Int, _ theta: Float) -> [Double] {
        (0..<headSize / 2).map { 1 / pow(Double(theta), Double(2 * $0) / Double(headSize)) }
    }
}
