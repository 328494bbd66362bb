public import Support

/// What an answer's text must be.
public enum GrammarSource: Sendable, Hashable {
    /// A JSON object with any members.
    case jsonObject
    /// An instance of a JSON Schema.
    case jsonSchema(JSON)
    /// A text of a grammar in GBNF, the notation of llama.cpp.
    case grammar(String)
    /// A text that matches a regular expression from its beginning to its end.
    case regex(String)
    /// Calls of functions, or other text.
    case tools(ToolGrammar)

    /// Whether an answer that has few tokens left is brought to an early end. A call of a function is not: half of a
    /// command may do something else than the whole.
    var mayBeShortened: Bool {
        switch self {
        case .jsonObject, .jsonSchema, .grammar, .regex: true
        case .tools: false
        }
    }
}

/// Why a source cannot be enforced; for tools also which function's schema is meant.
public struct GrammarSourceError: Error, Sendable {
    /// The error.
    public var error: GrammarError
    /// The function.
    public var function: String?
}

/// Turns sources into grammars over a model's tokens.
public struct GrammarCompiler: Sendable {
    private let vocabulary: TokenVocabulary

    /// A compiler for a vocabulary.
    public init(_ vocabulary: TokenVocabulary) {
        self.vocabulary = vocabulary
    }

    /// The grammar of a source. Most take milliseconds. None takes more work than a `WorkBudget` has, which is less
    /// than a second, or more memory than a `GrammarBuilder` may have.
    public func compile(_ source: GrammarSource) throws(GrammarSourceError) -> TokenGrammar {
        var builder = GrammarBuilder(work: WorkBudget())
        let root: Int32
        if case .grammar(let text) = source {
            root = try Self.named(nil) { () throws(GrammarError) in try GBNFParser.read(text, into: &builder) }
        } else {
            root = builder.declareRule()
            builder.define(root, start: try Self.node(source, in: &builder, next: GrammarBuilder.end))
        }
        return try Self.named(nil) { () throws(GrammarError) in
            TokenGrammar(
                try Grammar(builder, root: root, spelled: vocabulary.spelled), vocabulary: vocabulary,
                mayBeShortened: source.mayBeShortened)
        }
    }

    static func named<Value>(
        _ function: String?, _ work: () throws(GrammarError) -> Value
    ) throws(GrammarSourceError) -> Value {
        do throws(GrammarError) {
            return try work()
        } catch {
            throw GrammarSourceError(error: error, function: function)
        }
    }

    static func node(
        _ source: GrammarSource, in builder: inout GrammarBuilder, next: Int32
    ) throws(GrammarSourceError) -> Int32 {
        if case .tools(let tools) = source { return try tools.node(in: &builder, next: next) }
        return try named(nil) { () throws(GrammarError) in
            switch source {
            case .jsonObject: return try builder.anyObject(of: try builder.anyValue(), next: next)
            case .jsonSchema(let schema):
                var compiler = SchemaCompiler(root: schema, work: builder.work)
                return try compiler.root(in: &builder, next: next)
            case .regex(let text):
                return try builder.pattern(try RegexParser.whole(text, builder.work), .plain, next: next)
            case .grammar(let text):
                return try builder.add(.call(rule: try GBNFParser.read(text, into: &builder), next: next))
            case .tools: return try builder.never()
            }
        }
    }
}
