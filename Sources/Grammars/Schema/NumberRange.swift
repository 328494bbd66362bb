import Support

/// Numbers within bounds, as decimal text without exponent.
///
/// A number is an integer of at most 15 digits, scaled by a power of ten: so a float of 64 bits tells all of them
/// apart, and a bound that excludes itself does so for a reader of floats as well.
struct NumberRange {
    /// The greatest number that `multipleOf` may have.
    static let greatestDivisor: Int64 = 5_000
    private static let greatest: Int64 = 999_999_999_999_999

    private let lower: Int64
    private let upper: Int64
    /// Digits behind the point.
    private let fraction: Int
    private let divisor: Int64

    /// The range of a schema; nil if it is empty.
    init?(_ schema: Schema, isInteger: Bool, path: String) throws(GrammarError) {
        // Multiples of an integer are integers.
        let isInteger = isInteger || schema.divisor > 1
        let bounds = [schema.lower, schema.upper].compactMap { $0?.value.doubleValue }
        let size = bounds.map { abs($0) }.max() ?? 0
        guard size < 1e15 || bounds.allSatisfy({ abs($0) >= 1e15 }) || isInteger else {
            throw GrammarError("a bound of a number is beyond 15 digits", path: path)
        }
        var digits = 9
        while digits < 15, size >= Self.power(digits) { digits += 1 }
        let fraction = isInteger ? 0 : min(9, 15 - digits)
        self.fraction = fraction
        divisor = schema.divisor
        let limit = isInteger ? Self.greatest : Int64(Self.power(digits + fraction)) - 1
        let scale = Self.power(fraction)
        lower = Self.clamped(schema.lower, scale, limit, isLower: true) ?? -limit
        upper = Self.clamped(schema.upper, scale, limit, isLower: false) ?? limit
        if lower > upper { return nil }
    }

    private static func power(_ digits: Int) -> Double { (0..<digits).reduce(1.0) { power, _ in power * 10 } }

    /// A bound as a scaled integer inside it.
    private static func clamped(_ bound: Schema.Bound?, _ scale: Double, _ limit: Int64, isLower: Bool) -> Int64? {
        guard let bound, let value = bound.value.doubleValue else { return nil }
        let scaled = value * scale
        guard abs(scaled) <= Double(limit) else { return scaled < 0 ? -limit : limit }
        // A bound such as 0.1 is the nearest multiple of the scale, unless it has more digits.
        let nearest = scaled.rounded()
        let isExact = nearest / scale == value
        var integer = Int64(isExact ? nearest : scaled.rounded(isLower ? .up : .down))
        if isExact, bound.isExclusive { integer += isLower ? 1 : -1 }
        return integer
    }

    /// The first node of the numbers' text.
    func node(in builder: inout GrammarBuilder, next: Int32) throws(GrammarError) -> Int32 {
        var choices: [Int32] = []
        if upper >= 0 {
            choices += try magnitudes(max(0, lower)...upper, in: &builder, next: next)
        }
        if lower < 0 {
            let negative = try magnitudes(max(1, -min(upper, -1))...(-lower), in: &builder, next: next)
            for start in negative { choices.append(try builder.bytes(ByteSet(UInt8(ascii: "-")), next: start)) }
        }
        return try builder.choice(choices)
    }

    private func magnitudes(
        _ range: ClosedRange<Int64>, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> [Int32] {
        var digits = DigitNodes(fraction: fraction, divisor: divisor, next: next)
        var starts: [Int32] = []
        var least: Int64 = 0
        var limit = (0...fraction).reduce(Int64(1)) { power, _ in power * 10 }
        var width = fraction + 1
        while least <= range.upperBound {
            let part = max(least, range.lowerBound)...max(least, range.lowerBound, min(limit - 1, range.upperBound))
            if part.lowerBound < limit, part.lowerBound <= range.upperBound {
                starts.append(try digits.node(part, width: width, in: &builder))
            }
            (least, limit, width) = (limit, limit * 10, width + 1)
        }
        return starts
    }
}

/// The digits of numbers between two bounds, one node for each set of numbers that may still follow.
private struct DigitNodes {
    private struct Key: Hashable {
        var left: Int
        var remainder: Int64
    }

    let fraction: Int
    let divisor: Int64
    let next: Int32
    /// The nodes behind digits that are already within both bounds.
    private var free: [Key: Int32] = [:]

    init(fraction: Int, divisor: Int64, next: Int32) {
        self.fraction = fraction
        self.divisor = divisor
        self.next = next
    }

    /// The first node of the numbers of a range that have `width` digits.
    mutating func node(
        _ range: ClosedRange<Int64>, width: Int, in builder: inout GrammarBuilder
    ) throws(GrammarError) -> Int32 {
        try node(
            0, Self.digits(range.lowerBound, width), Self.digits(range.upperBound, width), isLow: true, isHigh: true,
            remainder: 0, in: &builder)
    }

    private static func digits(_ number: Int64, _ width: Int) -> [Int] {
        var (digits, rest) = ([Int](repeating: 0, count: width), number)
        for index in digits.indices.reversed() { (digits[index], rest) = (Int(rest % 10), rest / 10) }
        return digits
    }

    /// The node before the digit at `index`; the digits so far are those of the lower or the upper bound, or neither.
    private mutating func node(
        _ index: Int, _ low: [Int], _ high: [Int], isLow: Bool, isHigh: Bool, remainder: Int64,
        in builder: inout GrammarBuilder
    ) throws(GrammarError) -> Int32 {
        let left = low.count - index
        guard left > 0 else { return remainder == 0 ? next : try builder.never() }
        let key = Key(left: left, remainder: remainder)
        if !isLow, !isHigh, let node = free[key] { return node }
        var choices: [Int32] = []
        for digit in (isLow ? low[index] : 0)...(isHigh ? high[index] : 9) {
            let following = try node(
                index + 1, low, high, isLow: isLow && digit == low[index], isHigh: isHigh && digit == high[index],
                remainder: (remainder * 10 + Int64(digit)) % divisor, in: &builder)
            choices.append(try builder.bytes(ByteSet(UInt8(ascii: "0") + UInt8(digit)), next: following))
        }
        var node = try builder.choice(choices)
        if left <= fraction {
            if left == fraction { node = try builder.bytes(ByteSet(UInt8(ascii: ".")), next: node) }
            // The digits that are not written are zeros.
            if !isLow || low[index...].allSatisfy({ $0 == 0 }) { node = try builder.choice([node, next]) }
        }
        if !isLow, !isHigh { free[key] = node }
        return node
    }
}
