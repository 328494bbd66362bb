extension JinjaRenderer {
    /// The value of an expression.
    mutating func evaluate(_ expression: JinjaExpression) throws(JinjaError) -> JinjaValue {
        try enter()
        defer { leave() }
        switch expression {
        case .literal(let value): return value
        case .name(let name): return value(of: name)
        case .list(let expressions): return try checked(.list(try evaluate(expressions)))
        case .tuple(let expressions):
            return try checked(.list(JinjaList(try evaluate(expressions), isTuple: true)))
        case .dictionary(let members): return try dictionary(members)
        case .attribute(let subject, let name): return try member(name, of: try evaluate(subject))
        case .item(let subject, let index):
            let subject = try evaluate(subject)
            return try item(try evaluate(index), of: subject)
        case .slice(let subject, let start, let stop, let step):
            return try slice(try evaluate(subject), [start, stop, step])
        case .call(let callee, let arguments): return try call(callee, arguments)
        case .filter(let subject, let name, let arguments):
            let subject = try subject.map { expression throws(JinjaError) in try evaluate(expression) }
            return try filter(subject ?? value(of: Self.block), name, try evaluate(arguments))
        case .test(let subject, let name, let arguments):
            let subject = try evaluate(subject)
            return .boolean(try test(subject, name, try evaluate(arguments)))
        default: return try operation(expression)
        }
    }

    private mutating func operation(_ expression: JinjaExpression) throws(JinjaError) -> JinjaValue {
        switch expression {
        case .not(let operand): return .boolean(!(try evaluate(operand).isTrue))
        case .and(let left, let right):
            let left = try evaluate(left)
            return left.isTrue ? try evaluate(right) : left
        case .or(let left, let right):
            let left = try evaluate(left)
            return left.isTrue ? left : try evaluate(right)
        case .comparison(let left, let others): return try comparison(left, others)
        case .arithmetic(let symbol, let left, let right):
            let left = try evaluate(left)
            return try arithmetic(symbol, left, try evaluate(right))
        case .negative(let operand): return try negative(try evaluate(operand))
        case .positive(let operand):
            let value = try evaluate(operand)
            guard value.number != nil else { throw failure("bad operand for +: \(value.typeName)") }
            return value.integer.map { .integer($0) } ?? value
        case .concatenation(let operands):
            var text = MarkedText("", isTrusted: true)
            for operand in operands { text += try self.text(of: try evaluate(operand)) }
            return try checked(.text(text))
        case .conditional(let test, let value, let otherwise):
            if try evaluate(test).isTrue { return try evaluate(value) }
            guard let otherwise else { return .undefined("the value of an \"if\" without \"else\"") }
            return try evaluate(otherwise)
        default: throw failure("an expression of unknown kind")
        }
    }

    private mutating func evaluate(_ expressions: [JinjaExpression]) throws(JinjaError) -> [JinjaValue] {
        var values: [JinjaValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    /// The values of arguments.
    mutating func evaluate(_ arguments: JinjaArguments) throws(JinjaError) -> JinjaCallArguments {
        var values = JinjaCallArguments(positional: try evaluate(arguments.positional))
        for (name, expression) in arguments.named {
            guard !values.named.contains(where: { $0.name == name }) else {
                throw failure("the argument \(name) is given twice")
            }
            values.named.append((name, try evaluate(expression)))
        }
        return values
    }

    private mutating func dictionary(
        _ members: [(key: JinjaExpression, value: JinjaExpression)]
    ) throws(JinjaError) -> JinjaValue {
        var mapping = JinjaMapping()
        for member in members {
            let key = try self.key(try evaluate(member.key))
            mapping.set(key, try evaluate(member.value))
        }
        return try checked(.mapping(mapping))
    }

    /// The value as a key of a dictionary.
    mutating func key(_ value: JinjaValue) throws(JinjaError) -> JinjaValue {
        guard value.isHashable else { throw failure("a \(value.typeName) cannot be a key of a dictionary") }
        try charge(value.weight)
        return value
    }

    // MARK: Members and items

    /// `subject.name`: a method or member, else the item of that name.
    mutating func member(_ name: String, of subject: JinjaValue) throws(JinjaError) -> JinjaValue {
        if let member = try attribute(name, of: subject) { return member }
        if case .mapping(let mapping) = subject, let value = mapping[name] { return value }
        return .undefined("the member \"\(name)\" of a \(subject.typeName)")
    }

    private func attribute(_ name: String, of subject: JinjaValue) throws(JinjaError) -> JinjaValue? {
        switch subject {
        case .undefined(let what): throw failure("\(what) is undefined, so it has no \"\(name)\"")
        case .namespace(let number): return namespaces[number][name]
        case .loop(let state): return state.member(name) ?? method(name, of: subject)
        default: return method(name, of: subject)
        }
    }

    private func method(_ name: String, of subject: JinjaValue) -> JinjaValue? {
        if JinjaMethods.changing(subject).contains(name) { return .undefined("the method \"\(name)\"") }
        return JinjaMethods.names(of: subject).contains(name) ? .method(subject, name) : nil
    }

    /// `subject[index]`: an item, else the method or member of that name.
    mutating func item(_ index: JinjaValue, of subject: JinjaValue) throws(JinjaError) -> JinjaValue {
        let missing = JinjaValue.undefined("an item of a \(subject.typeName)")
        switch subject {
        case .undefined(let what): throw failure("\(what) is undefined, so it has no items")
        case .list(let list):
            if let place = index.integer.flatMap({ place($0, count: list.elements.count) }) {
                return list.elements[place]
            }
        case .text(let text):
            if let place = index.integer.flatMap({ place($0, count: text.count) }) {
                return .text(MarkedText([text.characters[place]]))
            }
        case .mapping(let mapping):
            if index.isHashable {
                try charge(index.weight)
                if let value = mapping[index] { return value }
            }
        default: break
        }
        guard case .text(let name) = index else { return missing }
        return try attribute(name.string, of: subject) ?? missing
    }

    /// Python's place of an index, which counts from the end if it is negative.
    private func place(_ index: Int, count: Int) -> Int? {
        let place = index < 0 ? index + count : index
        return (0..<count).contains(place) ? place : nil
    }

    private mutating func slice(_ subject: JinjaValue, _ parts: [JinjaExpression?]) throws(JinjaError) -> JinjaValue {
        var bounds: [Int?] = []
        for part in parts {
            let value = try part.map { expression throws(JinjaError) in try evaluate(expression) } ?? .null
            if case .null = value {
                bounds.append(nil)
            } else if let integer = value.integer {
                bounds.append(integer)
            } else {
                throw failure("a slice needs integers, found a \(value.typeName)")
            }
        }
        switch subject {
        case .text(let text):
            let places = try places(bounds, count: text.count)
            return try checked(.text(MarkedText(places.map { text.characters[$0] })))
        case .list(let list):
            let places = try places(bounds, count: list.elements.count)
            return try checked(.list(JinjaList(places.map { list.elements[$0] }, isTuple: list.isTuple)))
        case .undefined(let what): throw failure("\(what) is undefined, so it has no slices")
        default: return .undefined("a slice of a \(subject.typeName)")
        }
    }

    /// The places that `[start:stop:step]` takes.
    private mutating func places(_ bounds: [Int?], count: Int) throws(JinjaError) -> StrideTo<Int> {
        // A step beyond the ends takes the same places as a step to them.
        let step = min(max(bounds[2] ?? 1, -count - 1), count + 1)
        guard step != 0 else { throw failure("a slice's step is 0") }
        func clamped(_ bound: Int, _ lowest: Int, _ highest: Int) -> Int {
            min(max(bound < 0 ? bound + count : bound, lowest), highest)
        }
        if step > 0 {
            return stride(
                from: clamped(bounds[0] ?? 0, 0, count), to: clamped(bounds[1] ?? count, 0, count), by: step)
        }
        let last = bounds[0].map { clamped($0, -1, count - 1) } ?? count - 1
        return stride(from: last, to: bounds[1].map { clamped($0, -1, count - 1) } ?? -1, by: step)
    }

    // MARK: Calls

    private mutating func call(_ callee: JinjaExpression, _ arguments: JinjaArguments) throws(JinjaError)
        -> JinjaValue
    {
        let function = try evaluate(callee)
        let line = line
        let arguments = try evaluate(arguments)
        self.line = line
        switch function {
        case .macro(let number): return try call(macros[number], arguments)
        case .function(let name): return try call(function: name, arguments)
        case .method(let subject, let name): return try call(method: name, of: subject, arguments)
        case .undefined(let what): throw failure("\(what) is undefined, so it cannot be called")
        default: throw failure("a \(function.typeName) cannot be called")
        }
    }
}

extension JinjaLoopState {
    /// A member of the variable `loop`.
    func member(_ name: String) -> JinjaValue? {
        switch name {
        case "index": .integer(index + 1)
        case "index0": .integer(index)
        case "revindex": .integer(count - index)
        case "revindex0": .integer(count - index - 1)
        case "first": .boolean(index == 0)
        case "last": .boolean(index == count - 1)
        case "length": .integer(count)
        // Only recursive loops, which are not supported, are deeper.
        case "depth": .integer(1)
        case "depth0": .integer(0)
        case "previtem": previous ?? .undefined("the item before the first")
        case "nextitem": next ?? .undefined("the item after the last")
        default: nil
        }
    }
}
