#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The weighting of neighbouring pixels when an image is resized.
public enum ResampleFilter: String, Sendable, CaseIterable {
    /// A triangle over 2 pixels.
    case bilinear
    /// Keys' cubic with a = -0.5 over 4 pixels.
    case bicubic
    /// Sinc windowed by sinc over 6 pixels.
    case lanczos

    /// Half the width of the filter, in pixels of the smaller scale.
    var support: Double {
        switch self {
        case .bilinear: 1
        case .bicubic: 2
        case .lanczos: 3
        }
    }

    /// The weight at distance `x`. The order of operations is Pillow's, so the weights agree in every bit.
    func weight(at x: Double) -> Double {
        switch self {
        case .bilinear:
            let x = abs(x)
            return x < 1 ? 1 - x : 0
        case .bicubic:
            let a = -0.5
            let x = abs(x)
            if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
            if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
            return 0
        case .lanczos:
            return -3 <= x && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double {
        if x == 0 { return 1 }
        let x = x * .pi
        return sin(x) / x
    }
}

/// For each output position of one axis: its input positions and their fixed-point weights.
struct ResampleTaps {
    /// Fraction bits of a weight: 32 bits minus 8 for the sample and 2 for headroom, as in Pillow.
    static let fractionBits: Int32 = 22

    struct Window {
        var first: Int
        /// The index of its first weight in `weights`.
        var offset: Int
        var count: Int
    }

    private(set) var windows: [Window] = []
    private(set) var weights: [Int32] = []

    init(from input: Int, to output: Int, filter: ResampleFilter) {
        let scale = Double(input) / Double(output)
        let stretch = max(scale, 1)
        let support = filter.support * stretch
        let step = 1 / stretch
        windows.reserveCapacity(output)
        for position in 0..<output {
            let centre = (Double(position) + 0.5) * scale
            let first = max(0, Int(centre - support + 0.5))
            let end = min(input, Int(centre + support + 0.5))
            var row = (first..<end).map { filter.weight(at: (Double($0) - centre + 0.5) * step) }
            let sum = row.reduce(0, +)
            if sum != 0 { row = row.map { $0 / sum } }
            windows.append(Window(first: first, offset: weights.count, count: row.count))
            weights += row.map { weight in
                Int32((weight < 0 ? -0.5 : 0.5) + weight * Double(1 << Self.fractionBits))
            }
        }
    }
}
