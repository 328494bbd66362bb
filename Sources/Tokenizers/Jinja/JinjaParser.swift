/// Reads the statements of a template, as `jinja2.parser` does.
struct JinjaParser {
    private let tokens: [JinjaToken]
    private var position = 0
    /// The number of levels around the position; who deepens it resets it.
    var nesting = 0
    /// The kinds of block around the position, which decide where a macro, `break` and `continue` may stand.
    private var blocks: [String] = []

    /// The statements of `template`.
    static func statements(of template: String) throws(JinjaError) -> [JinjaStatement] {
        var parser = JinjaParser(tokens: try JinjaLexer.tokens(of: template))
        return try parser.statements(until: [])
    }

    private init(tokens: [JinjaToken]) {
        self.tokens = tokens
    }

    // MARK: Tokens

    /// The next token. The last token is always `end`, and nothing moves past it.
    var next: JinjaToken.Kind { tokens[position].kind }

    /// The token after the next one.
    var following: JinjaToken.Kind { tokens[min(position + 1, tokens.count - 1)].kind }

    /// The line of the next token.
    var line: Int { tokens[position].line }

    /// Moves past the next token.
    mutating func skip() { position = min(position + 1, tokens.count - 1) }

    /// Moves past the next token if it is the symbol.
    mutating func take(_ symbol: String) -> Bool {
        guard next == .symbol(symbol) else { return false }
        skip()
        return true
    }

    /// Moves past the next token if it is the word.
    mutating func take(word: String) -> Bool {
        guard next == .name(word) else { return false }
        skip()
        return true
    }

    /// Moves past the next token, which must be `kind`.
    mutating func expect(_ kind: JinjaToken.Kind) throws(JinjaError) {
        guard next == kind else { throw unexpected("expected \(kind.described)") }
        skip()
    }

    /// The name that comes next.
    mutating func name() throws(JinjaError) -> String {
        guard case .name(let name) = next else { throw unexpected("expected a name") }
        skip()
        return name
    }

    /// An error at the next token.
    func unexpected(_ expected: String) -> JinjaError {
        .syntax(line: line, "\(expected), found \(next.described)")
    }

    /// The result of `read`, which is one level deeper than its surroundings.
    mutating func nested<Result>(
        _ read: (inout JinjaParser) throws(JinjaError) -> Result
    ) throws(JinjaError) -> Result {
        let level = nesting
        defer { nesting = level }
        try deepen()
        return try read(&self)
    }

    /// Counts one more level. Operators in a row are levels too: each has the operators before it inside.
    mutating func deepen() throws(JinjaError) {
        nesting += 1
        guard nesting <= JinjaLimits.nesting else {
            throw .tooMuch(line: line, "the template is nested over \(JinjaLimits.nesting) levels deep")
        }
    }

    // MARK: Statements

    /// Statements up to a tag with one of `ends`, whose name is left to read; all statements if there are no ends.
    private mutating func statements(until ends: [String]) throws(JinjaError) -> [JinjaStatement] {
        var statements: [JinjaStatement] = []
        while true {
            let line = line
            switch next {
            case .end:
                guard ends.isEmpty else { throw .syntax(line: line, "expected \(ends.joined(separator: " or "))") }
                return statements
            case .data(let text):
                statements.append(JinjaStatement(line: line, kind: .text(MarkedText(text, isTrusted: true))))
                skip()
            case .outputStart:
                skip()
                statements.append(JinjaStatement(line: line, kind: .output(try tuple())))
                try expect(.outputEnd)
            case .tagStart:
                skip()
                if case .name(let name) = next, ends.contains(name) { return statements }
                statements.append(try nested { parser throws(JinjaError) in try parser.statement() })
            default: throw unexpected("expected text or a tag")
            }
        }
    }

    /// The statements of a block of the given kind, up to a tag with one of `ends`.
    private mutating func block(_ kind: String, until ends: String...) throws(JinjaError) -> [JinjaStatement] {
        _ = take(":")
        try expect(.tagEnd)
        blocks.append(kind)
        defer { blocks.removeLast() }
        return try statements(until: ends)
    }

    /// The end of a tag.
    private mutating func endTag() throws(JinjaError) { try expect(.tagEnd) }

    private static let unsupported: Set<String> = [
        "autoescape", "block", "call", "debug", "do", "extends", "from", "import", "include", "pluralize", "trans",
    ]

    private mutating func statement() throws(JinjaError) -> JinjaStatement {
        let line = line
        let name = try name()
        let kind: JinjaStatement.Kind
        switch name {
        case "if": kind = try condition()
        case "for": kind = try loop()
        case "set": kind = try assignment()
        case "macro": kind = try macro(line: line)
        case "with": kind = try scope()
        case "filter": kind = try filterBlock(line: line)
        case "generation":
            let body = try block("generation", until: "endgeneration")
            skip()
            try endTag()
            kind = .scope([], body)
        case "break", "continue":
            // A block inside the loop that collects text would swallow the jump.
            guard blocks.last(where: { $0 != "if" && $0 != "with" }) == "for" else {
                throw .syntax(line: line, "\(name) outside a loop")
            }
            try endTag()
            kind = name == "break" ? .breakLoop : .continueLoop
        case _ where Self.unsupported.contains(name): throw .unsupported(line: line, "the tag \"\(name)\"")
        default: throw .syntax(line: line, "there is no tag \"\(name)\"")
        }
        return JinjaStatement(line: line, kind: kind)
    }

    private mutating func condition() throws(JinjaError) -> JinjaStatement.Kind {
        var branches: [(test: JinjaExpression, body: [JinjaStatement])] = []
        while true {
            let test = try tuple(allowsConditional: false)
            branches.append((test, try block("if", until: "elif", "else", "endif")))
            let tag = try self.name()
            if tag == "elif" { continue }
            var otherwise: [JinjaStatement] = []
            if tag == "else" {
                otherwise = try block("if", until: "endif")
                skip()
            }
            try endTag()
            return .condition(branches, otherwise: otherwise)
        }
    }

    private mutating func loop() throws(JinjaError) -> JinjaStatement.Kind {
        let line = line
        let target = try target()
        try expect(.name("in"))
        let elements = try tuple(allowsConditional: false)
        let filter = take(word: "if") ? try expression() : nil
        if next == .name("recursive") { throw .unsupported(line: line, "a recursive loop") }
        let body = try block("for", until: "else", "endfor")
        var otherwise: [JinjaStatement] = []
        if try name() == "else" {
            otherwise = try block("else", until: "endfor")
            skip()
        }
        try endTag()
        return .loop(
            JinjaLoop(target: target, elements: elements, filter: filter, body: body, otherwise: otherwise))
    }

    private mutating func assignment() throws(JinjaError) -> JinjaStatement.Kind {
        let target: JinjaTarget
        if case .name(let name) = next, following == .symbol(".") {
            skip()
            skip()
            target = .member(namespace: name, try self.name())
        } else {
            target = try self.target()
        }
        if take("=") {
            let value = try tuple()
            try endTag()
            return .assignment(target, value)
        }
        let filter = next == .symbol("|") ? try filters(of: nil) : nil
        let body = try block("set", until: "endset")
        skip()
        try endTag()
        return .blockAssignment(target, filter: filter, body)
    }

    private mutating func macro(line: Int) throws(JinjaError) -> JinjaStatement.Kind {
        guard blocks.allSatisfy({ $0 == "if" }) else {
            throw .unsupported(line: line, "a macro inside a loop, macro or other block")
        }
        let name = try name()
        try expect(.symbol("("))
        var parameters: [(name: String, standard: JinjaExpression?)] = []
        while !take(")") {
            if !parameters.isEmpty { try expect(.symbol(",")) }
            let parameter = try self.name()
            let standard = take("=") ? try expression() : nil
            if standard == nil, parameters.last?.standard != nil {
                throw .syntax(line: line, "the parameter \(parameter) has no default, but one before it has")
            }
            parameters.append((parameter, standard))
        }
        let body = try block("macro", until: "endmacro")
        skip()
        try endTag()
        return .macro(JinjaMacro(name: name, parameters: parameters, body: body))
    }

    private mutating func scope() throws(JinjaError) -> JinjaStatement.Kind {
        var values: [(JinjaTarget, JinjaExpression)] = []
        while next != .tagEnd {
            if !values.isEmpty { try expect(.symbol(",")) }
            let target = try primaryTarget()
            try expect(.symbol("="))
            values.append((target, try expression()))
        }
        let body = try block("with", until: "endwith")
        skip()
        try endTag()
        return .scope(values, body)
    }

    private mutating func filterBlock(line: Int) throws(JinjaError) -> JinjaStatement.Kind {
        let filter = try filters(of: nil, startsInline: true)
        let body = try block("filter", until: "endfilter")
        skip()
        try endTag()
        return .filtered(filter, body)
    }

    // MARK: Targets

    /// One name, or several with commas between them.
    private mutating func target() throws(JinjaError) -> JinjaTarget {
        var targets = [try primaryTarget()]
        var isTuple = false
        while take(",") {
            isTuple = true
            if next == .name("in") || next == .symbol("=") { break }
            targets.append(try primaryTarget())
        }
        return isTuple ? .names(targets) : targets[0]
    }

    private mutating func primaryTarget() throws(JinjaError) -> JinjaTarget {
        if take("(") {
            let target = try nested { parser throws(JinjaError) in try parser.target() }
            try expect(.symbol(")"))
            return target
        }
        let line = line
        let name = try name()
        guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
            throw .syntax(line: line, "\(name) cannot be assigned to")
        }
        return .name(name)
    }
}

extension JinjaToken.Kind {
    /// The token for error messages.
    var described: String {
        switch self {
        case .data: "text"
        case .tagStart: "\"{%\""
        case .tagEnd: "\"%}\""
        case .outputStart: "\"{{\""
        case .outputEnd: "\"}}\""
        case .name(let name): "\"\(name)\""
        case .string: "a string"
        case .integer, .float: "a number"
        case .symbol(let symbol): "\"\(symbol)\""
        case .end: "the end of the template"
        }
    }
}
