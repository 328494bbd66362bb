import Foundation

extension JinjaRenderer {
    /// `left symbol right`, as in Python.
    mutating func arithmetic(
        _ symbol: JinjaOperator, _ left: JinjaValue, _ right: JinjaValue
    ) throws(JinjaError) -> JinjaValue {
        if let a = left.integer, let b = right.integer { return try arithmetic(symbol, a, b) }
        if let a = left.number, let b = right.number { return try arithmetic(symbol, a, b) }
        switch (symbol, left, right) {
        case (.add, .text(let a), .text(let b)):
            guard a.isMarkup || b.isMarkup else { return try checked(.text(a + b)) }
            return try checked(.text((a.escaped + b.escaped).asMarkup))
        case (.add, .list(let a), .list(let b)) where a.isTuple == b.isTuple:
            return try checked(.list(JinjaList(a.elements + b.elements, isTuple: a.isTuple)))
        case (.multiply, .text, _), (.multiply, .list, _):
            if let count = right.integer { return try repeated(left, count) }
        case (.multiply, _, .text), (.multiply, _, .list):
            if let count = left.integer { return try repeated(right, count) }
        default: break
        }
        for case .undefined(let what) in [left, right] { throw failure("\(what) is undefined") }
        throw failure("unsupported operands for \(symbol.rawValue): \(left.typeName) and \(right.typeName)")
    }

    private mutating func repeated(_ value: JinjaValue, _ count: Int) throws(JinjaError) -> JinjaValue {
        let count = max(count, 0)
        let (weight, overflows) = value.weight.multipliedReportingOverflow(by: count)
        guard !overflows, weight <= JinjaLimits.text else { throw .tooMuch(line: line, "a value is too large") }
        switch value {
        case .text(let text):
            return try checked(.text(MarkedText(repeatElement(text.characters, count: count).joined())))
        case .list(let list):
            let elements = Array(repeatElement(list.elements, count: count).joined())
            return try checked(.list(JinjaList(elements, isTuple: list.isTuple)))
        default: return value
        }
    }

    private func arithmetic(_ symbol: JinjaOperator, _ a: Int, _ b: Int) throws(JinjaError) -> JinjaValue {
        var result: (partialValue: Int, overflow: Bool)
        switch symbol {
        case .add: result = a.addingReportingOverflow(b)
        case .subtract: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        case .divide: return try arithmetic(symbol, Double(a), Double(b))
        case .power: return try power(a, b)
        case .floorDivide, .remainder:
            guard b != 0 else { throw failure("division by zero") }
            result =
                symbol == .remainder ? a.remainderReportingOverflow(dividingBy: b) : a.dividedReportingOverflow(by: b)
            // Python rounds down, and a remainder has the divisor's sign.
            let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
            if remainder != 0, (remainder < 0) != (b < 0) {
                result.partialValue += symbol == .remainder ? b : -1
            }
        }
        guard !result.overflow else { throw failure("a number is over 64 bits") }
        return .integer(result.partialValue)
    }

    private func power(_ base: Int, _ exponent: Int) throws(JinjaError) -> JinjaValue {
        guard exponent >= 0 else { return try arithmetic(.power, Double(base), Double(exponent)) }
        var (result, factor, left) = (1, base, exponent)
        while left > 0 {
            if left & 1 == 1 { result = try product(result, factor) }
            left >>= 1
            if left > 0 { factor = try product(factor, factor) }
        }
        return .integer(result)
    }

    private func product(_ a: Int, _ b: Int) throws(JinjaError) -> Int {
        let (product, overflows) = a.multipliedReportingOverflow(by: b)
        guard !overflows else { throw failure("a number is over 64 bits") }
        return product
    }

    private func arithmetic(_ symbol: JinjaOperator, _ a: Double, _ b: Double) throws(JinjaError) -> JinjaValue {
        switch symbol {
        case .add: return .float(a + b)
        case .subtract: return .float(a - b)
        case .multiply: return .float(a * b)
        case .power: return .float(pow(a, b))
        case .divide, .floorDivide, .remainder:
            guard b != 0 else { throw failure("division by zero") }
            if symbol == .divide { return .float(a / b) }
            let quotient = (a / b).rounded(.down)
            return .float(symbol == .floorDivide ? quotient : a - quotient * b)
        }
    }

    /// `-value`.
    func negative(_ value: JinjaValue) throws(JinjaError) -> JinjaValue {
        if let integer = value.integer { return try arithmetic(.subtract, 0, integer) }
        guard let number = value.number else { throw failure("bad operand for -: \(value.typeName)") }
        return .float(-number)
    }

    // MARK: Comparisons

    /// Comparisons in a row, all of which must hold.
    mutating func comparison(
        _ first: JinjaExpression, _ others: [(symbol: JinjaComparison, operand: JinjaExpression)]
    ) throws(JinjaError) -> JinjaValue {
        var left = try evaluate(first)
        for (symbol, expression) in others {
            let right = try evaluate(expression)
            guard try holds(symbol, left, right) else { return .boolean(false) }
            left = right
        }
        return .boolean(true)
    }

    /// Whether the comparison holds.
    mutating func holds(
        _ symbol: JinjaComparison, _ left: JinjaValue, _ right: JinjaValue
    ) throws(JinjaError) -> Bool {
        switch symbol {
        case .equal: return try areEqual(left, right)
        case .unequal: return !(try areEqual(left, right))
        case .isIn: return try contains(right, left)
        case .notIn: return !(try contains(right, left))
        case .less: return try isLess(left, right)
        case .greater: return try isLess(right, left)
        case .lessOrEqual, .greaterOrEqual:
            if try areEqual(left, right) {
                // Equal values that have no order cannot be compared either.
                _ = try isLess(left, right)
                return true
            }
            return symbol == .lessOrEqual ? try isLess(left, right) : try isLess(right, left)
        }
    }

    /// Whether both are equal.
    mutating func areEqual(_ one: JinjaValue, _ other: JinjaValue) throws(JinjaError) -> Bool {
        try charge(min(one.weight, other.weight))
        return one == other
    }

    /// Whether `one` comes before `other`.
    mutating func isLess(_ one: JinjaValue, _ other: JinjaValue) throws(JinjaError) -> Bool {
        try charge(min(one.weight, other.weight))
        switch (one, other) {
        case (.text(let a), .text(let b)): return a < b
        case (.list(let a), .list(let b)) where a.isTuple == b.isTuple:
            for (x, y) in zip(a.elements, b.elements) where x != y { return try isLess(x, y) }
            return a.elements.count < b.elements.count
        default:
            if let a = one.integer, let b = other.integer { return a < b }
            if let a = one.number, let b = other.number { return a < b }
            for case .undefined(let what) in [one, other] { throw failure("\(what) is undefined") }
            throw failure("a \(one.typeName) and a \(other.typeName) have no order")
        }
    }

    /// Whether `element` is in `container`.
    mutating func contains(_ container: JinjaValue, _ element: JinjaValue) throws(JinjaError) -> Bool {
        try charge(container.weight)
        switch container {
        case .undefined: return false
        case .text(let text):
            guard case .text(let part) = element else {
                throw failure("a \(element.typeName) cannot be in a text")
            }
            return text.firstIndex(of: part) != nil
        case .list(let list): return list.elements.contains(element)
        case .mapping(let mapping): return mapping[try key(element)] != nil
        default: throw failure("a \(container.typeName) has no elements")
        }
    }
}
