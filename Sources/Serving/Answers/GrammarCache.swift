import Engine
import Grammars
import Support
import Synchronization
import Tokenizers
import WireFormats

/// The grammars of the last requests. Applications ask for the same form again and again, and a grammar that was used
/// knows its masks.
final class GrammarCache: Sendable {
    private static let maximumCount = 16

    private struct Entry {
        var grammar: TokenGrammar
        /// The number of its last use.
        var use: Int
    }

    private struct Entries {
        /// A grammar is found by all that it is made of, so different forms are never taken for each other.
        var bySource: [GrammarSource: Entry] = [:]
        var uses = 0

        /// The grammar of a source, which counts as a use.
        mutating func find(_ source: GrammarSource) -> TokenGrammar? {
            uses += 1
            bySource[source]?.use = uses
            return bySource[source]?.grammar
        }

        /// Keeps a grammar, in the place of the one that was not used for the longest time.
        mutating func add(_ grammar: TokenGrammar, of source: GrammarSource) {
            if bySource.count >= GrammarCache.maximumCount {
                let oldest = bySource.min { $0.value.use < $1.value.use }
                if let oldest { bySource[oldest.key] = nil }
            }
            uses += 1
            bySource[source] = Entry(grammar: grammar, use: uses)
        }
    }

    private let tokenizer: Tokenizer
    private let compiler = Mutex<GrammarCompiler?>(nil)
    private let entries = Mutex(Entries())

    init(tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// The grammar of a source, compiled unless it is known. Takes long: call it on `Workers`.
    func grammar(_ source: GrammarSource) throws(GrammarSourceError) -> TokenGrammar {
        if let known = entries.withLock({ $0.find(source) }) { return known }
        let grammar = try sharedCompiler().compile(source)
        entries.withLock { $0.add(grammar, of: source) }
        return grammar
    }

    /// The compiler, made for the first request that needs it.
    private func sharedCompiler() -> GrammarCompiler {
        compiler.withLock { compiler in
            if let compiler { return compiler }
            let made = GrammarCompiler(tokenizer)
            compiler = made
            return made
        }
    }
}

extension Admission {
    /// The grammar of an answer that must have a form or may call functions; nil if it may be any text.
    func grammar(for options: GenerationOptions) async throws -> TokenGrammar? {
        let form = options.format.source
        let tools = options.tools.flatMap { $0.choice == .none ? nil : $0 }
        guard let source = tools.map({ GrammarSource.tools($0.grammar(beside: form)) }) ?? form else { return nil }
        let grammars = model.grammars
        return try await services.workers.run { _ in
            do throws(GrammarSourceError) {
                return try grammars.grammar(source)
            } catch {
                throw APIError(error, format: options.format, tools: tools)
            }
        }
    }
}

extension AnswerFormat {
    fileprivate var source: GrammarSource? {
        switch self {
        case .text: nil
        case .jsonObject: .jsonObject
        case .jsonSchema(let schema, _): .jsonSchema(schema)
        case .grammar(let text): .grammar(text)
        case .regex(let text): .regex(text)
        }
    }

    /// The field that has the form.
    fileprivate var param: String {
        switch self {
        case .text, .jsonObject: "response_format"
        case .jsonSchema(_, let param): param
        case .grammar: "grammar"
        case .regex: "regex"
        }
    }
}

extension ToolUse {
    /// More calls in one answer would be a model that repeats itself.
    private static let maximumCalls = 16

    /// The functions that the model sees. With the choice `none` it sees none, so that it does not try.
    var shown: [JSON] { choice == .none ? [] : definitions.map(\.json) }

    /// The functions that it may call.
    private var callable: [ToolDefinition] {
        if case .named(let name) = choice { definitions.filter { $0.name == name } } else { definitions }
    }

    fileprivate func grammar(beside form: GrammarSource?) -> ToolGrammar {
        let isOptional = choice == .auto
        let isSingle = if case .named = choice { true } else { !isParallel }
        return ToolGrammar(
            functions: callable.map { .init(name: $0.name, parameters: $0.schema) },
            alternative: !isOptional ? .none : form.map { .form($0) } ?? .text,
            maximumCalls: isSingle ? 1 : Self.maximumCalls)
    }
}

extension APIError {
    fileprivate init(_ failure: GrammarSourceError, format: AnswerFormat, tools: ToolUse?) {
        let error = failure.error
        let definition = tools?.definitions.first { $0.name == failure.function }
        let param = (definition?.param ?? format.param) + error.path
        let isSchema = if definition != nil { true } else if case .jsonSchema = format { true } else { false }
        let message = String("\(param): \(error.message).".prefix(512))
        self.init(isSchema ? .invalidSchema : .invalidValue, message, param: String(param.prefix(256)))
    }
}
