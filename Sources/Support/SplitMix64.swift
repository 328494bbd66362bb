/// Random numbers determined by a seed, the same on every platform: SplitMix64 (Steele, Lea and Flood 2014,
/// doi:10.1145/2660193.2660195).
///
/// Every data set, training run and seeded answer depends on these bits: they never change.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var state: UInt64

    /// The generator whose state starts at `seed`, used for data sets.
    public init(seed: UInt64) {
        state = seed
    }

    /// The generator of `stream` under `seed`: streams are independent of each other and of `init(seed:)`.
    ///
    /// Training makes a new generator for each step from `(seed, stream)`, so that a resumed run needs no saved state.
    public init(seed: UInt64, stream: UInt64) {
        state = seed
        state = next() ^ stream
        state = next()
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A number in `range`, all equally likely to within `count` / 2^64.
    ///
    /// Unlike the standard library's method, it gives the same number in every version of Swift; so do the two methods
    /// below.
    public mutating func draw(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next().multipliedFullWidth(by: UInt64(range.count)).high)
    }

    /// An element of `choices`, which must not be empty.
    public mutating func draw<Element>(from choices: [Element]) -> Element {
        choices[draw(0...(choices.count - 1))]
    }

    /// `elements` in random order (Fisher and Yates).
    public mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        for last in result.indices.dropFirst().reversed() {
            result.swapAt(last, draw(0...last))
        }
        return result
    }
}

extension SplitMix64 {
    /// Uniform numbers by index: draw number n of a seed is the same whatever was drawn before.
    ///
    /// An index instead of a state means that a preempted request continues exactly where it was.
    public struct Indexed: Sendable {
        private let key: UInt64

        /// The draws of the given seed.
        public init(seed: UInt64) {
            key = SplitMix64.mix(seed &+ SplitMix64.increment)
        }

        /// Draw number `index`, in `[0, 1)` with 53 random bits.
        public func uniform(at index: Int) -> Double {
            let bits = SplitMix64.mix(key &+ UInt64(bitPattern: Int64(index)) &* SplitMix64.increment)
            return Double(bits >> 11) * 0x1p-53
        }
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
