public import Support

/// Functions that an answer may call.
public struct ToolGrammar: Sendable, Hashable {
    /// A function.
    public struct Function: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The JSON Schema of its arguments.
        public var parameters: JSON

        /// A function.
        public init(name: String, parameters: JSON) {
            self.name = name
            self.parameters = parameters
        }
    }

    /// What an answer may be without a call.
    public indirect enum Alternative: Sendable, Hashable {
        /// Nothing: it must call a function.
        case none
        /// Any text, also before a call.
        case text
        /// A text of this form.
        case form(GrammarSource)
    }

    /// The functions that may be called.
    public var functions: [Function]
    /// What the answer may be without a call.
    public var alternative: Alternative
    /// The greatest number of calls.
    public var maximumCalls: Int

    /// Calls of functions.
    public init(functions: [Function], alternative: Alternative, maximumCalls: Int) {
        self.functions = functions
        self.alternative = alternative
        self.maximumCalls = maximumCalls
    }
}

extension ToolGrammar {
    private static let (opening, closing) = ("<tool_call>", "</tool_call>")

    /// The first node of the answers.
    func node(in builder: inout GrammarBuilder, next: Int32) throws(GrammarSourceError) -> Int32 {
        let rule = builder.declareRule()
        var bodies: [Int32] = []
        for function in functions {
            bodies.append(
                try GrammarCompiler.named(function.name) { () throws(GrammarError) in
                    try Self.body(of: function, in: &builder)
                })
        }
        let form: Int32? =
            if case .form(let source) = alternative {
                try GrammarCompiler.node(source, in: &builder, next: next)
            } else {
                nil
            }
        return try GrammarCompiler.named(nil) { () throws(GrammarError) in
            builder.define(rule, start: try builder.choice(bodies))
            let more = try builder.repetition(
                0, maximumCalls - 1, size: 16, matchesEmpty: false, next: next
            ) { builder, next throws(GrammarError) in
                try builder.literal("\n" + Self.opening, next: try builder.add(.call(rule: rule, next: next)))
            }
            let call = try builder.add(.call(rule: rule, next: more))
            switch alternative {
            case .none: return try builder.literal(Self.opening, next: call)
            case .text: return try Self.text(before: call, in: &builder, next: next)
            case .form: return try builder.choice([try builder.literal(Self.opening, next: call), form ?? next])
            }
        }
    }

    /// A call behind its opening mark.
    private static func body(of function: Function, in builder: inout GrammarBuilder) throws(GrammarError) -> Int32 {
        var compiler = SchemaCompiler(root: function.parameters, work: builder.work)
        let close = try builder.literal("}\n" + closing, next: GrammarBuilder.end)
        let arguments = try compiler.object(in: &builder, next: close)
        let name = String(decoding: JSONEscape.content(of: function.name), as: UTF8.self)
        return try builder.literal("\n{\"name\": \"\(name)\", \"arguments\": ", next: arguments)
    }

    /// Any text, in which a call follows as soon as its opening mark is there (Knuth, Morris and Pratt 1977).
    private static func text(
        before call: Int32, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarError) -> Int32 {
        let mark = Array(opening.utf8)
        var states: [Int32] = []
        for _ in mark { states.append(try builder.declareFork()) }
        for (index, byte) in mark.enumerated() {
            var others = ByteSet(0...255)
            others.remove(byte)
            others.remove(mark[0])
            var choices = [try builder.bytes(ByteSet(byte), next: index + 1 < mark.count ? states[index + 1] : call)]
            // The mark's first byte is in no other place of it.
            if index > 0 { choices.append(try builder.bytes(ByteSet(mark[0]), next: states[1])) }
            choices += [try builder.bytes(others, next: states[0]), next]
            builder.setFork(states[index], choices)
        }
        return states[0]
    }
}
