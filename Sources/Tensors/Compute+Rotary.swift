import CKernels
import Foundation

/// The cosines and sines by which rotary embedding turns each row's pairs; made once a pass and used by every layer.
public struct RotaryAngles: Sendable {
    let cosines: Tensor
    let sines: Tensor

    /// Angles `position · frequency` for every row and pair, rounded to single precision as PyTorch does.
    ///
    /// - Parameters:
    ///   - positions: of each row in its sequence.
    ///   - frequencies: radians per position of each pair, `headSize / 2` of them.
    public init(positions: [Int32], frequencies: [Float]) {
        let angles = positions.flatMap { position in frequencies.map { Double(Float(position) * $0) } }
        let shape = [positions.count, frequencies.count]
        self.cosines = Tensor(angles.map { Float(cos($0)) }, shape: shape)
        self.sines = Tensor(angles.map { Float(sin($0)) }, shape: shape)
    }

    /// `theta^(-2i / headSize)` for the pairs `i` (Su et al. 2021, arXiv:2104.09864).
    public static func frequencies(headSize: Int, theta: Float) -> [Float] {
        (0..<headSize / 2).map { Float(1 / pow(Double(theta), Double(2 * $0) / Double(headSize))) }
    }

    /// Rows that the angles are for.
    public var rows: Int { cosines.rows }

    /// Columns of a head.
    public var headSize: Int { 2 * cosines.columns }
}

extension Compute {
    /// Turns the first `heads · headSize` columns of each row of `x` by `angles`, column `i` of a head paired with
    /// `i + headSize / 2` (the layout of Hugging Face checkpoints).
    ///
    /// - Parameter inverse: turns back: the gradient of the rotation.
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
