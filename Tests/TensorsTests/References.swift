import Tensors

/// Deterministic noise for tests.
struct Noise {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    }

    /// A number in -1..<1.
    mutating func next() -> Float {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
    }

    mutating func tensor(_ shape: [Int], scale: Float = 1) -> Tensor {
        Tensor((0..<shape.reduce(1, *)).map { _ in scale * next() }, shape: shape)
    }
}

/// The largest difference between two lists, as a share of the largest expected magnitude.
func difference(_ actual: Tensor, _ expected: [Double]) -> Double {
    precondition(actual.count == expected.count)
    let largest = max(expected.reduce(0) { max($0, abs($1)) }, 1e-12)
    return zip(actual.elements, expected).reduce(0) { worst, pair in
        let error = abs(Double(pair.0) - pair.1)
        return error.isNaN ? .infinity : max(worst, error / largest)
    }
}

/// The gradient of `sum(weights · f(x))` with respect to `x`, by central differences in double precision.
func numericalGradient(
    of f: ([Double]) -> [Double], at x: Tensor, weights: Tensor, step: Double = 1e-5
) -> [Double] {
    var point = x.elements.map(Double.init)
    let weights = weights.elements.map(Double.init)
    func loss() -> Double { zip(f(point), weights).reduce(0) { $0 + $1.0 * $1.1 } }
    return point.indices.map { index in
        let value = point[index]
        point[index] = value + step
        let above = loss()
        point[index] = value - step
        let below = loss()
        point[index] = value
        return (above - below) / (2 * step)
    }
}

/// A `Compute` for every instruction set that this machine supports.
let computes = InstructionSet.supported.map { Compute(threads: 2, instructionSet: $0) }
