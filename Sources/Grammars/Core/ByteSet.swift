/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var low: SIMD2<UInt64> = .zero
    private var high: SIMD2<UInt64> = .zero

    /// No bytes.
    init() {}

    /// One byte.
    init(_ byte: UInt8) { insert(byte) }

    /// A range of bytes.
    init(_ range: ClosedRange<UInt8>) {
        for byte in range { insert(byte) }
    }

    /// Whether there is no byte.
    var isEmpty: Bool { low == .zero && high == .zero }

    /// Whether `byte` is in the set.
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 128 ? low[Int(byte >> 6)] : high[Int(byte >> 6) - 2]
        return word >> UInt64(byte & 63) & 1 == 1
    }

    /// Adds a byte.
    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        if byte < 128 { low[Int(byte >> 6)] |= bit } else { high[Int(byte >> 6) - 2] |= bit }
    }

    /// Removes a byte.
    mutating func remove(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        if byte < 128 { low[Int(byte >> 6)] &= ~bit } else { high[Int(byte >> 6) - 2] &= ~bit }
    }

    /// Adds the bytes of another set.
    mutating func formUnion(_ other: ByteSet) {
        low |= other.low
        high |= other.high
    }

    /// Leaves only the bytes of another set.
    mutating func formIntersection(_ other: ByteSet) {
        low &= other.low
        high &= other.high
    }

    /// The bytes in order.
    var bytes: [UInt8] { (UInt8.min...UInt8.max).filter(contains) }
}
