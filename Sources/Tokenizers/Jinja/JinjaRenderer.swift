/// One rendering of a template: variables, output and what is left of the allowed work.
struct JinjaRenderer {
    /// How a statement ends.
    enum Flow {
        case normal
        case breakLoop
        case continueLoop
    }

    /// The time that `strftime_now` tells, in Unix seconds.
    let now: Int
    private let variables: [String: JinjaValue]
    /// The template's own variables, and above them each block's; a macro sees the first and the last ones from `base`.
    private var scopes: [[String: JinjaValue]] = [[:]]
    private var base = 0
    private var output = MarkedText("", isTrusted: true)
    private var work = 0
    private var depth = 0
    private var loops = 0
    /// The line of the statement that runs.
    var line = 1
    /// The members of each namespace.
    var namespaces: [[String: JinjaValue]] = []
    /// The macros that were defined.
    var macros: [JinjaMacro] = []
    /// What `loop.changed` saw last in each loop.
    var changes: [Int: [JinjaValue]] = [:]

    /// The text of a template with these variables.
    static func text(
        of statements: [JinjaStatement], variables: [String: JinjaValue], now: Int
    ) throws(JinjaError) -> MarkedText {
        var renderer = JinjaRenderer(now: now, variables: variables)
        _ = try renderer.run(statements)
        return renderer.output
    }

    private init(now: Int, variables: [String: JinjaValue]) {
        self.now = now
        self.variables = variables
    }

    // MARK: Limits

    /// Counts work that is proportional to `amount`.
    mutating func charge(_ amount: Int) throws(JinjaError) {
        guard amount <= JinjaLimits.work - work else {
            throw .tooMuch(line: line, "rendering takes more work than is allowed")
        }
        work += amount
    }

    /// One level deeper than its surroundings.
    mutating func enter() throws(JinjaError) {
        try charge(4)
        depth += 1
        guard depth <= JinjaLimits.depth else {
            throw .tooMuch(line: line, "rendering is nested over \(JinjaLimits.depth) levels deep")
        }
    }

    /// Back to the level of the surroundings.
    mutating func leave() { depth -= 1 }

    /// The value, if it is not too deep or large.
    mutating func checked(_ value: JinjaValue) throws(JinjaError) -> JinjaValue {
        guard value.depth <= JinjaLimits.valueDepth else {
            throw .tooMuch(line: line, "a value is nested over \(JinjaLimits.valueDepth) levels deep")
        }
        guard value.weight <= JinjaLimits.text else { throw .tooMuch(line: line, "a value is too large") }
        switch value {
        case .text(let text): try charge(text.count)
        case .list(let list): try charge(list.elements.count)
        case .mapping(let mapping): try charge(mapping.keys.count)
        default: break
        }
        return value
    }

    /// An error at the current line.
    func failure(_ reason: String) -> JinjaError { .failed(line: line, reason) }

    private mutating func write(_ text: MarkedText) throws(JinjaError) {
        try charge(text.count)
        guard output.count + text.count <= JinjaLimits.text else {
            throw .tooMuch(line: line, "the text has over \(JinjaLimits.text) characters")
        }
        output += text
    }

    // MARK: Variables

    /// The value of a name.
    func value(of name: String) -> JinjaValue {
        for scope in scopes[max(base, 1)...].reversed() { if let value = scope[name] { return value } }
        return scopes[0][name] ?? variables[name]
            ?? (JinjaFunctions.names.contains(name) ? .function(name) : .undefined("\"\(name)\""))
    }

    private mutating func assign(_ value: JinjaValue, to target: JinjaTarget) throws(JinjaError) {
        switch target {
        case .name(let name): scopes[scopes.count - 1][name] = value
        case .member(let name, let member):
            guard case .namespace(let number) = self.value(of: name) else {
                throw failure("\"\(name)\" is no namespace, so \"\(member)\" cannot be set")
            }
            try setMember(member, of: number, to: value)
        case .names(let targets):
            let elements = try elements(of: value)
            guard elements.count == targets.count else {
                throw failure("\(targets.count) names for \(elements.count) values")
            }
            for (target, element) in zip(targets, elements) { try assign(element, to: target) }
        }
    }

    /// Sets a member of a namespace.
    mutating func setMember(_ member: String, of namespace: Int, to value: JinjaValue) throws(JinjaError) {
        guard !member.hasPrefix("_") else {
            throw failure("a namespace cannot have the member \"\(member)\": its name begins with _")
        }
        namespaces[namespace][member] = value
    }

    // MARK: Statements

    private mutating func run(_ statements: [JinjaStatement]) throws(JinjaError) -> Flow {
        for statement in statements {
            line = statement.line
            let flow = try run(statement)
            if flow != .normal { return flow }
        }
        return .normal
    }

    private mutating func run(_ statement: JinjaStatement) throws(JinjaError) -> Flow {
        try enter()
        defer { leave() }
        switch statement.kind {
        case .text(let text): try write(text)
        case .output(let expression): try write(try text(of: try evaluate(expression)))
        case .condition(let branches, let otherwise):
            for branch in branches where try evaluate(branch.test).isTrue { return try run(branch.body) }
            return try run(otherwise)
        case .loop(let loop): return try run(loop)
        case .assignment(let target, let expression): try assign(try evaluate(expression), to: target)
        case .blockAssignment(let target, let filter, let body):
            try assign(try filtered(try captured(body), by: filter), to: target)
        case .filtered(let filter, let body):
            try write(try text(of: try filtered(try captured(body), by: filter)))
        case .scope(let values, let body): return try run(body, with: values)
        case .macro(let macro):
            macros.append(macro)
            try assign(.macro(macros.count - 1), to: .name(macro.name))
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .normal
    }

    private mutating func run(
        _ body: [JinjaStatement], with values: [(JinjaTarget, JinjaExpression)]
    ) throws(JinjaError) -> Flow {
        // Every value is computed outside the new scope.
        var computed: [(JinjaTarget, JinjaValue)] = []
        for (target, expression) in values { computed.append((target, try evaluate(expression))) }
        scopes.append([:])
        defer { scopes.removeLast() }
        for (target, value) in computed { try assign(value, to: target) }
        return try run(body)
    }

    private mutating func run(_ loop: JinjaLoop) throws(JinjaError) -> Flow {
        let line = line
        let elements = try kept(of: try elements(of: try evaluate(loop.elements)), in: loop)
        loops += 1
        let number = loops
        guard !elements.isEmpty else { return try run(loop.otherwise, with: []) }
        for (index, element) in elements.enumerated() {
            self.line = line
            try charge(4)
            scopes.append([:])
            defer { scopes.removeLast() }
            try assign(element, to: loop.target)
            let state = JinjaLoopState(
                index: index, count: elements.count, previous: index > 0 ? elements[index - 1] : nil,
                next: index + 1 < elements.count ? elements[index + 1] : nil, number: number)
            scopes[scopes.count - 1]["loop"] = .loop(state)
            if try run(loop.body) == .breakLoop { break }
        }
        return .normal
    }

    /// The elements that a loop's filter keeps.
    private mutating func kept(of elements: [JinjaValue], in loop: JinjaLoop) throws(JinjaError) -> [JinjaValue] {
        guard let filter = loop.filter else { return elements }
        var kept: [JinjaValue] = []
        for element in elements {
            scopes.append([:])
            defer { scopes.removeLast() }
            try assign(element, to: loop.target)
            if try evaluate(filter).isTrue { kept.append(element) }
        }
        return kept
    }

    /// What a block writes, with variables of its own.
    private mutating func captured(_ body: [JinjaStatement]) throws(JinjaError) -> JinjaValue {
        let outer = output
        output = MarkedText("", isTrusted: true)
        defer { output = outer }
        _ = try run(body, with: [])
        return .text(output)
    }

    private mutating func filtered(_ value: JinjaValue, by filter: JinjaExpression?) throws(JinjaError) -> JinjaValue {
        guard let filter else { return value }
        scopes.append([Self.block: value])
        defer { scopes.removeLast() }
        return try evaluate(filter)
    }

    /// The name under which a filter without a subject finds the text of its block.
    static let block = "the block"

    // MARK: Macros

    /// The text that a macro writes.
    mutating func call(_ macro: JinjaMacro, _ arguments: JinjaCallArguments) throws(JinjaError) -> JinjaValue {
        let parameters = macro.parameters
        let values = try arguments.values(of: parameters.map(\.name), of: "macro \"\(macro.name)\"", line: line)
        let (outerBase, outerLine) = (base, line)
        base = scopes.count
        scopes.append([:])
        defer { (base, line) = (outerBase, outerLine) }
        defer { scopes.removeLast() }
        for (parameter, value) in zip(parameters, values) {
            let standard =
                value == nil
                ? try parameter.standard.map { expression throws(JinjaError) in
                    try evaluate(expression)
                } : nil
            let value = value ?? standard ?? .undefined("parameter \"\(parameter.name)\"")
            scopes[scopes.count - 1][parameter.name] = value
        }
        let outer = output
        output = MarkedText("", isTrusted: true)
        defer { output = outer }
        _ = try run(macro.body)
        return .text(output)
    }

    // MARK: Text and elements

    /// The text that `{{ }}` prints.
    mutating func text(of value: JinjaValue) throws(JinjaError) -> MarkedText {
        if case .text(let text) = value { return text }
        try charge(value.weight)
        guard let text = value.printed else { throw failure("a \(value.typeName) has no text") }
        return text
    }

    /// The elements of a value that can be iterated.
    mutating func elements(of value: JinjaValue) throws(JinjaError) -> [JinjaValue] {
        switch value {
        case .undefined: return []
        case .list(let list):
            try charge(list.elements.count)
            return list.elements
        case .mapping(let mapping):
            try charge(mapping.keys.count)
            return mapping.keys
        case .text(let text):
            try charge(text.count)
            return text.characters.map { .text(MarkedText([$0])) }
        default: throw failure("a \(value.typeName) has no elements")
        }
    }
}
