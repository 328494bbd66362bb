import CKernels
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

/// The cosines and sines by which rotary embedding rotates each row's pairs; made once per pass and used by every
/// layer.
public struct RotaryAngles: Sendable {
    let cosines: Tensor
    let sines: Tensor

    /// Angles `position · frequency` for every row and pair, rounded to single precision as PyTorch does.
    ///
    /// - Parameter positions: the position of each row in its sequence.
    public init(positions: [Int32], frequencies: RotaryFrequencies) {
        let angles = positions.flatMap { position in frequencies.radians.map { Double(Float(position) * $0) } }
        let shape = [positions.count, frequencies.radians.count]
        let magnitude = frequencies.magnitude
        self.cosines = Tensor(angles.map { Float(cos($0)) * magnitude }, shape: shape)
        self.sines = Tensor(angles.map { Float(sin($0)) * magnitude }, shape: shape)
    }

    /// The number of rows.
    public var rows: Int { cosines.rows }

    /// The number of columns of a head.
    public var headSize: Int { 2 * cosines.columns }
}

extension Compute {
    /// Rotates the first `heads · headSize` columns of each row of `x` by `angles`. Column `i` of a head is paired with
    /// `i + headSize / 2` (the layout of Hugging Face checkpoints).
    ///
    /// - Parameter inverse: rotates back, which is the gradient of the rotation.
    public func rotate(_ x: inout Tensor, heads: Int, by angles: RotaryAngles, inverse: Bool = false) {
        precondition(x.rows == angles.rows, "\(angles.rows) rows of angles for \(x.shape)")
        precondition(heads * angles.headSize <= x.columns, "\(heads) heads of \(angles.headSize) in \(x.shape)")
        let (kernels, columns, rows, half) = (elementwise, x.columns, x.rows, angles.headSize / 2)
        x.withMutablePointer { x in
            withPointers(angles.cosines, angles.sines) { cosines, sines in
                forEachRange(of: rows, cost: heads * half * 2) {
                    let first = $0.lowerBound
                    kernels.rotate(
                        $0.count, heads, half, x + first * columns, columns, cosines + first * half,
                        sines + first * half, inverse ? -1 : 1)
                }
            }
        }
    }
}
