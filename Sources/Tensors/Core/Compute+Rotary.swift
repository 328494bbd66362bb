import CKernels
import Foundation

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
