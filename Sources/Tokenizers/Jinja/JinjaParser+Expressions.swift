extension JinjaParser {
    /// An expression, or a tuple of several with commas between them.
    mutating func tuple(allowsConditional: Bool = true, inParentheses: Bool = false) throws(JinjaError)
        -> JinjaExpression
    {
        var elements: [JinjaExpression] = []
        var isTuple = false
        while !isTupleEnd {
            elements.append(try expression(allowsConditional: allowsConditional))
            guard take(",") else { break }
            isTuple = true
        }
        if !isTuple, let only = elements.first { return only }
        guard isTuple || inParentheses else { throw unexpected("expected an expression") }
        return .tuple(elements)
    }

    private var isTupleEnd: Bool {
        switch next {
        case .outputEnd, .tagEnd, .symbol(")"), .end: true
        default: false
        }
    }

    /// An expression.
    mutating func expression(allowsConditional: Bool = true) throws(JinjaError) -> JinjaExpression {
        try nested { parser throws(JinjaError) in
            allowsConditional ? try parser.conditional() : try parser.disjunction()
        }
    }

    private mutating func conditional() throws(JinjaError) -> JinjaExpression {
        var value = try disjunction()
        let level = nesting
        defer { nesting = level }
        while take(word: "if") {
            try deepen()
            let test = try disjunction()
            let otherwise =
                take(word: "else") ? try nested { parser throws(JinjaError) in try parser.conditional() } : nil
            value = .conditional(test: test, value, otherwise: otherwise)
        }
        return value
    }

    /// Operands with operators between them, the left ones together first.
    private mutating func chain(
        _ operand: (inout JinjaParser) throws(JinjaError) -> JinjaExpression,
        _ combine: (inout JinjaParser) -> ((JinjaExpression, JinjaExpression) -> JinjaExpression)?
    ) throws(JinjaError) -> JinjaExpression {
        var left = try operand(&self)
        let level = nesting
        defer { nesting = level }
        while let join = combine(&self) {
            try deepen()
            left = join(left, try operand(&self))
        }
        return left
    }

    private mutating func disjunction() throws(JinjaError) -> JinjaExpression {
        try chain({ parser throws(JinjaError) in try parser.conjunction() }) { parser in
            parser.take(word: "or") ? { .or($0, $1) } : nil
        }
    }

    private mutating func conjunction() throws(JinjaError) -> JinjaExpression {
        try chain({ parser throws(JinjaError) in try parser.negation() }) { parser in
            parser.take(word: "and") ? { .and($0, $1) } : nil
        }
    }

    private mutating func negation() throws(JinjaError) -> JinjaExpression {
        guard take(word: "not") else { return try comparison() }
        return .not(try nested { parser throws(JinjaError) in try parser.negation() })
    }

    private mutating func comparison() throws(JinjaError) -> JinjaExpression {
        let left = try sum()
        var others: [(symbol: JinjaComparison, operand: JinjaExpression)] = []
        while let comparison = takeComparison() { others.append((comparison, try sum())) }
        return others.isEmpty ? left : .comparison(left, others)
    }

    private mutating func takeComparison() -> JinjaComparison? {
        switch next {
        case .symbol(let symbol):
            guard let comparison = JinjaComparison(rawValue: symbol) else { return nil }
            skip()
            return comparison
        case .name("in"):
            skip()
            return .isIn
        case .name("not") where following == .name("in"):
            skip()
            skip()
            return .notIn
        default: return nil
        }
    }

    private mutating func takeOperator(_ operators: [JinjaOperator])
        -> ((JinjaExpression, JinjaExpression) -> JinjaExpression)?
    {
        guard case .symbol(let symbol) = next, let found = operators.first(where: { $0.rawValue == symbol }) else {
            return nil
        }
        skip()
        return { .arithmetic(found, $0, $1) }
    }

    private mutating func sum() throws(JinjaError) -> JinjaExpression {
        try chain({ parser throws(JinjaError) in try parser.concatenation() }) { parser in
            parser.takeOperator([.add, .subtract])
        }
    }

    private mutating func concatenation() throws(JinjaError) -> JinjaExpression {
        var operands = [try product()]
        while take("~") { operands.append(try product()) }
        return operands.count == 1 ? operands[0] : .concatenation(operands)
    }

    private mutating func product() throws(JinjaError) -> JinjaExpression {
        try chain({ parser throws(JinjaError) in try parser.power() }) { parser in
            parser.takeOperator([.multiply, .divide, .floorDivide, .remainder])
        }
    }

    private mutating func power() throws(JinjaError) -> JinjaExpression {
        try chain({ parser throws(JinjaError) in try parser.unary() }) { parser in parser.takeOperator([.power]) }
    }

    private mutating func unary(takesFilters: Bool = true) throws(JinjaError) -> JinjaExpression {
        var value: JinjaExpression
        if take("-") {
            value = .negative(try nested { parser throws(JinjaError) in try parser.unary(takesFilters: false) })
        } else if take("+") {
            value = .positive(try nested { parser throws(JinjaError) in try parser.unary(takesFilters: false) })
        } else {
            value = try primary()
        }
        value = try postfix(of: value)
        return takesFilters ? try filtersAndTests(of: value) : value
    }

    private mutating func primary() throws(JinjaError) -> JinjaExpression {
        switch next {
        case .name(let name):
            skip()
            switch name {
            case "true", "True": return .literal(.boolean(true))
            case "false", "False": return .literal(.boolean(false))
            case "none", "None": return .literal(.null)
            default: return .name(name)
            }
        case .string(var text):
            skip()
            while case .string(let more) = next {
                text += more
                skip()
            }
            return .literal(.trusted(text))
        case .integer(let integer):
            skip()
            return .literal(.integer(integer))
        case .float(let number):
            skip()
            return .literal(.float(number))
        case .symbol("("):
            skip()
            let value = try tuple(inParentheses: true)
            try expect(.symbol(")"))
            return value
        case .symbol("["): return .list(try elements())
        case .symbol("{"): return .dictionary(try members())
        default: throw unexpected("expected an expression")
        }
    }

    private mutating func elements() throws(JinjaError) -> [JinjaExpression] {
        skip()
        var elements: [JinjaExpression] = []
        while !take("]") {
            if !elements.isEmpty { try expect(.symbol(",")) }
            if take("]") { break }
            elements.append(try expression())
        }
        return elements
    }

    private mutating func members() throws(JinjaError) -> [(key: JinjaExpression, value: JinjaExpression)] {
        skip()
        var members: [(key: JinjaExpression, value: JinjaExpression)] = []
        while !take("}") {
            if !members.isEmpty { try expect(.symbol(",")) }
            if take("}") { break }
            let key = try expression()
            try expect(.symbol(":"))
            members.append((key, try expression()))
        }
        return members
    }

    // MARK: After a value

    private mutating func postfix(of value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        var value = value
        let level = nesting
        defer { nesting = level }
        while true {
            try deepen()
            switch next {
            case .symbol("."): value = try member(of: value)
            case .symbol("["): value = try subscripted(value)
            case .symbol("("): value = try call(of: value)
            default: return value
            }
        }
    }

    private mutating func member(of value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        skip()
        if case .integer(let index) = next {
            skip()
            return .item(value, .literal(.integer(index)))
        }
        return .attribute(value, try name())
    }

    private mutating func subscripted(_ value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        skip()
        func isEnd(_ parser: JinjaParser) -> Bool { parser.next == .symbol("]") || parser.next == .symbol(":") }
        var parts: [JinjaExpression?] = []
        repeat { parts.append(isEnd(self) ? nil : try expression()) } while parts.count < 3 && take(":")
        try expect(.symbol("]"))
        if parts.count == 1 {
            guard let index = parts[0] else { throw unexpected("expected an index before this") }
            return .item(value, index)
        }
        return .slice(value, start: parts[0], stop: parts[1], step: parts.count > 2 ? parts[2] : nil)
    }

    private mutating func call(of value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        let line = line
        switch value {
        case .name(let name) where JinjaFunctions.unsupported.contains(name):
            throw .unsupported(line: line, "the function \"\(name)\"")
        case .attribute(_, let name) where !JinjaMethods.names.contains(name):
            throw .unsupported(line: line, "the method \"\(name)\"")
        default: return .call(value, try arguments())
        }
    }

    private mutating func arguments() throws(JinjaError) -> JinjaArguments {
        let line = line
        try expect(.symbol("("))
        var arguments = JinjaArguments()
        var isFirst = true
        while !take(")") {
            if !isFirst { try expect(.symbol(",")) }
            isFirst = false
            if take(")") { break }
            if next == .symbol("*") || next == .symbol("**") {
                throw .unsupported(line: line, "an argument list with \"*\" or \"**\"")
            }
            if case .name(let name) = next, following == .symbol("=") {
                skip()
                skip()
                arguments.named.append((name, try expression()))
            } else {
                guard arguments.named.isEmpty else { throw unexpected("expected a named argument") }
                arguments.positional.append(try expression())
            }
        }
        return arguments
    }

    private mutating func filtersAndTests(of value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        var value = value
        let level = nesting
        defer { nesting = level }
        while true {
            try deepen()
            switch next {
            case .symbol("|"): value = try filters(of: value)
            case .name("is"): value = try test(of: value)
            case .symbol("("): value = try call(of: value)
            default: return value
            }
        }
    }

    /// The filters that follow, applied to `value`.
    ///
    /// - Parameter startsInline: whether the first filter has no bar before it, as in the tag `filter`.
    mutating func filters(of value: JinjaExpression?, startsInline: Bool = false) throws(JinjaError)
        -> JinjaExpression
    {
        var value = value
        var isFirst = startsInline
        let level = nesting
        defer { nesting = level }
        while isFirst || take("|") {
            isFirst = false
            try deepen()
            let line = line
            let name = try name()
            guard JinjaFilters.names.contains(name) else { throw .unsupported(line: line, "the filter \"\(name)\"") }
            let arguments = next == .symbol("(") ? try arguments() : JinjaArguments()
            value = .filter(value, name, arguments)
        }
        guard let value else { throw unexpected("expected a filter") }
        return value
    }

    private mutating func test(of value: JinjaExpression) throws(JinjaError) -> JinjaExpression {
        skip()
        let isNegated = take(word: "not")
        let line = line
        let name = try name()
        guard JinjaTests.names.contains(name) else { throw .unsupported(line: line, "the test \"\(name)\"") }
        var arguments = JinjaArguments()
        switch next {
        case .symbol("("): arguments = try self.arguments()
        case .name("else"), .name("or"), .name("and"): break
        case .name("is"): throw unexpected("expected no second test")
        case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
            let argument = try primary()
            arguments.positional = [try postfix(of: argument)]
        default: break
        }
        let test = JinjaExpression.test(value, name, arguments)
        return isNegated ? .not(test) : test
    }
}
