/// Uniform numbers by index: the n-th draw of a seed does not depend on how the draws before it were made.
///
/// Because it uses a counter instead of a state, a preempted request continues exactly where it was. The mixing
/// function is SplitMix64's (Steele, Lea and Flood 2014).
package struct SeededRandom: Sendable {
    private let key: UInt64

    /// The sequence of the given seed.
    package init(seed: UInt64) {
        self.key = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    }

    /// Draw number `index`, in `[0, 1)` with 53 random bits.
    package func uniform(at index: Int) -> Double {
        let bits = Self.mix(key &+ UInt64(bitPattern: Int64(index)) &* 0x9E37_79B9_7F4A_7C15)
        return Double(bits >> 11) * 0x1p-53
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
