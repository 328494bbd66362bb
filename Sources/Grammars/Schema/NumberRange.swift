import Support

/// Numbers within bounds, as decimal text without exponent.
///
/// A number is an integer of at most 15 digits, scaled by a power of ten: so a float of 64 bits tells all of them
/// apart, and a bound that excludes itself does so for a reader of floats as well.
struct NumberRange {
    /// The greatest number that `multipleOf` may have.
    static let greatestDivisor: Int64 = 5_000
    private static let maximumDigits = 15
    /// The least number of more digits.
    private static let beyond = 1e15
    /// The digits before and behind the point where the bounds ask for no more.
    private static let (usualDigits, usualFraction) = (9, 6)

    private let lower: Int64
    private let upper: Int64
    /// Digits behind the point.
    private let fraction: Int
    private let divisor: Int64

    /// The range of a schema; nil if it is empty.
    ///
    /// - Throws: if only numbers of more digits are within the bounds.
    init?(_ schema: Schema, isInteger: Bool, path: String) throws(GrammarError) {
        // Multiples of an integer are integers.
        let isInteger = isInteger || schema.divisor > 1
        // Each digit more takes a node for each remainder.
        let hasAllDigits = isInteger && schema.divisor == 1
        divisor = schema.divisor
        let (low, high) = (schema.lower?.number, schema.upper?.number)
        guard low ?? 0 < Self.beyond, high ?? 0 > -Self.beyond else {
            throw GrammarError("a bound of a number is beyond \(Self.maximumDigits) digits", path: path)
        }
        // A bound that all numbers of so many digits are within says nothing.
        let lower = schema.lower.flatMap { $0.number > -Self.beyond ? $0 : nil }
        let upper = schema.upper.flatMap { $0.number < Self.beyond ? $0 : nil }
        let size = max(abs(lower?.number ?? 0), abs(upper?.number ?? 0))
        let digits = (0..<Self.maximumDigits).first { size < Self.power($0) } ?? Self.maximumDigits
        let most = isInteger ? 0 : Self.maximumDigits - digits
        var fraction = min(most, Self.usualFraction)
        var range = Self.scaled(lower, upper, fraction, hasAllDigits: hasAllDigits)
        // Bounds that lie close together need more digits behind the point.
        while range.lower > range.upper, fraction < most {
            fraction += 1
            range = Self.scaled(lower, upper, fraction, hasAllDigits: hasAllDigits)
        }
        (self.fraction, self.lower, self.upper) = (fraction, range.lower, range.upper)
        guard range.lower > range.upper else { return }
        if !isInteger, let low, let high, low < high {
            throw GrammarError("no number of \(Self.maximumDigits) digits lies between the bounds", path: path)
        }
        return nil
    }

    private static func power(_ digits: Int) -> Double { (0..<digits).reduce(1.0) { power, _ in power * 10 } }

    /// The least and the greatest number within the bounds, as integers scaled by `fraction` digits.
    ///
    /// - Parameter hasAllDigits: whether numbers without a bound have as many digits as possible.
    private static func scaled(
        _ lower: Schema.Bound?, _ upper: Schema.Bound?, _ fraction: Int, hasAllDigits: Bool
    ) -> (lower: Int64, upper: Int64) {
        let scale = power(fraction)
        // Numbers without a bound have at most nine digits before the point, or as many as the bounds.
        let size = max(abs(lower?.number ?? 0), abs(upper?.number ?? 0))
        let digits = (usualDigits..<maximumDigits).first { size < power($0) } ?? maximumDigits
        let limit = Int64(power(hasAllDigits ? maximumDigits : min(maximumDigits, digits + fraction))) - 1
        var range = (lower: -limit, upper: limit)
        if let lower {
            range.lower = max(-limit, Int64((lower.number * scale).rounded(.down)) - 1)
            while !lower.allows(Double(range.lower) / scale, asLower: true) { range.lower += 1 }
        }
        if let upper {
            range.upper = min(limit, Int64((upper.number * scale).rounded(.up)) + 1)
            while !upper.allows(Double(range.upper) / scale, asLower: false) { range.upper -= 1 }
        }
        return range
    }

    /// The first node of the numbers' text.
    func node(in builder: inout GrammarBuilder, next: Int32) throws(GrammarError) -> Int32 {
        var choices: [Int32] = []
        var digits = DigitNodes(fraction: fraction, divisor: divisor, next: next)
        if upper >= 0 {
            choices += try magnitudes(max(0, lower)...upper, digits: &digits, in: &builder)
        }
        if lower < 0 {
            let negative = try magnitudes(max(1, -min(upper, -1))...(-lower), digits: &digits, in: &builder)
            for start in negative { choices.append(try builder.bytes(ByteSet(UInt8(ascii: "-")), next: start)) }
        }
        return try builder.choice(choices)
    }

    private func magnitudes(
        _ range: ClosedRange<Int64>, digits: inout DigitNodes, in builder: inout GrammarBuilder
    ) throws(GrammarError) -> [Int32] {
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

extension Schema.Bound {
    /// The bound's number.
    fileprivate var number: Double { value.doubleValue ?? 0 }

    /// Whether a number is within the bound.
    fileprivate func allows(_ other: Double, asLower: Bool) -> Bool {
        other == number ? !isExclusive : asLower == (other > number)
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

    /// Whether so many digits more can make a multiple of the divisor.
    private func hasMultiple(behind remainder: Int64, digits: Int) -> Bool {
        let span = (0..<digits).reduce(Int64(1)) { power, _ in power * 10 }
        guard span < divisor else { return true }
        let missing = remainder * span % divisor
        return missing == 0 || divisor - missing < span
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
            let sum = (remainder * 10 + Int64(digit)) % divisor
            guard hasMultiple(behind: sum, digits: left - 1) else { continue }
            let following = try node(
                index + 1, low, high, isLow: isLow && digit == low[index], isHigh: isHigh && digit == high[index],
                remainder: sum, in: &builder)
            choices.append(try builder.bytes(ByteSet(UInt8(ascii: "0") + UInt8(digit)), next: following))
        }
        var node = choices.isEmpty ? try builder.never() : try builder.choice(choices)
        if left <= fraction {
            if left == fraction { node = try builder.bytes(ByteSet(UInt8(ascii: ".")), next: node) }
            // The digits that are not written are zeros.
            if !isLow || low[index...].allSatisfy({ $0 == 0 }) { node = try builder.choice([node, next]) }
        }
        if !isLow, !isHigh { free[key] = node }
        return node
    }
}
