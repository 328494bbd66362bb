/// A set of Unicode scalars, as ascending ranges that do not touch.
struct ScalarSet: Hashable, Sendable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    /// The scalars in any of `ranges`, which may overlap. Surrogates are left out.
    init(_ ranges: [ClosedRange<UInt32>] = []) {
        let parts = ranges.flatMap(Self.withoutSurrogates).sorted { $0.lowerBound < $1.lowerBound }
        for part in parts {
            if let last = self.ranges.last, part.lowerBound <= last.upperBound &+ 1 {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, part.upperBound)
            } else {
                self.ranges.append(part)
            }
        }
    }

    /// One scalar.
    init(_ scalar: Unicode.Scalar) { self.init([scalar.value...scalar.value]) }

    /// The scalars of a text.
    init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

    /// All scalars.
    static let all = ScalarSet([0...0x10FFFF])

    /// Whether there is no scalar.
    var isEmpty: Bool { ranges.isEmpty }

    /// The only scalar; nil if there are several or none.
    var only: Unicode.Scalar? {
        guard ranges.count == 1, ranges[0].count == 1 else { return nil }
        return Unicode.Scalar(ranges[0].lowerBound)
    }

    /// Whether the scalar is in the set.
    func contains(_ scalar: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(scalar.value) } }

    /// The scalars of either set.
    func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

    /// All other scalars.
    var inverted: ScalarSet {
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
        return ScalarSet(gaps)
    }

    /// The scalars of both sets.
    func intersection(_ other: ScalarSet) -> ScalarSet { inverted.union(other.inverted).inverted }

    /// The scalars that the other set lacks.
    func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.inverted) }

    private static func withoutSurrogates(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
        guard range.overlaps(0xD800...0xDFFF) else { return [range] }
        var parts: [ClosedRange<UInt32>] = []
        if range.lowerBound < 0xD800 { parts.append(range.lowerBound...0xD7FF) }
        if range.upperBound > 0xDFFF { parts.append(0xE000...range.upperBound) }
        return parts
    }
}

extension ScalarSet {
    /// The scalars as sequences of byte ranges in UTF-8.
    ///
    /// A range is cut until each sequence is a product of byte ranges (Cox, "Regular Expression Matching in the Wild").
    var utf8: [[ClosedRange<UInt8>]] {
        var sequences: [[ClosedRange<UInt8>]] = []
        for range in ranges {
            for limits: ClosedRange<UInt32> in [0...0x7F, 0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF]
            where limits.overlaps(range) {
                Self.split(range.clamped(to: limits), into: &sequences)
            }
        }
        return sequences
    }

    /// Cuts a range whose scalars have equally many bytes.
    private static func split(_ range: ClosedRange<UInt32>, into sequences: inout [[ClosedRange<UInt8>]]) {
        let (low, high) = (bytes(of: range.lowerBound), bytes(of: range.upperBound))
        for index in 1..<max(1, low.count) {
            // The scalars that differ in the bytes from here on only.
            let mask = UInt32(1) << UInt32(6 * (low.count - index)) - 1
            guard range.lowerBound & ~mask != range.upperBound & ~mask else { continue }
            if range.lowerBound & mask != 0 {
                split(range.lowerBound...range.lowerBound | mask, into: &sequences)
                return split((range.lowerBound | mask) + 1...range.upperBound, into: &sequences)
            }
            if range.upperBound & mask != mask {
                split(range.lowerBound...(range.upperBound & ~mask) - 1, into: &sequences)
                return split(range.upperBound & ~mask...range.upperBound, into: &sequences)
            }
        }
        sequences.append(zip(low, high).map { $0...$1 })
    }

    private static func bytes(of scalar: UInt32) -> [UInt8] {
        Unicode.Scalar(scalar).map { Array(String($0).utf8) } ?? []
    }
}
