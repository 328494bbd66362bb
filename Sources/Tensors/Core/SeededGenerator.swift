/// Random numbers determined by a seed, the same on every platform: SplitMix64 (Steele, Lea and Flood 2014,
/// doi:10.1145/2660193.2660195).
///
/// Training draws a fresh generator for each step from `(seed, stream)`, so that a resumed run needs no saved state.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The generator of `stream` under `seed`, independent of other streams.
    public init(seed: UInt64, stream: UInt64 = 0) {
        self.state = seed
        self.state = next() ^ stream
        self.state = next()
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension RandomNumberGenerator {
    /// A number in `[0, 1)`, a multiple of 2⁻²⁴.
    public mutating func uniform() -> Float {
        Float(next() >> 40) * 0x1p-24
    }

    /// A number with mean 0 and deviation 1, close to normal: the sum of twelve uniform numbers, because logarithms
    /// differ between systems in their last bits.
    public mutating func normal() -> Float {
        var sum: Float = -6
        for _ in 0..<12 { sum += uniform() }
        return sum
    }
}

extension Tensor {
    /// A tensor of independent numbers with mean 0 and the given deviation, close to normal.
    public init(normal deviation: Float, _ shape: [Int], using generator: inout some RandomNumberGenerator) {
        let count = shape.reduce(1, *)
        self.init((0..<count).map { _ in deviation * generator.normal() }, shape: shape)
    }
}
