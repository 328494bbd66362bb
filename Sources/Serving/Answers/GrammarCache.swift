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
        var key: String
        var grammar: TokenGrammar
    }

    private let tokenizer: Tokenizer
    private let compiler = Mutex<GrammarCompiler?>(nil)
    /// The last one used comes last.
    private let entries = Mutex<[Entry]>([])

    init(tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
    }

    /// The grammar of a source, compiled unless it is known. Takes long: call it on `Workers`.
    func grammar(_ source: GrammarSource, key: String) throws(GrammarSourceError) -> TokenGrammar {
        if let known = find(key) { return known }
        let grammar = try sharedCompiler().compile(source)
        entries.withLock { entries in
            if entries.count >= Self.maximumCount { entries.removeFirst() }
            entries.append(Entry(key: key, grammar: grammar))
        }
        return grammar
    }

    private func find(_ key: String) -> TokenGrammar? {
        entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.key == key }) else { return nil }
            let entry = entries.remove(at: index)
            entries.append(entry)
            return entry.grammar
        }
    }

    /// The compiler, made for the first request that needs it.
    private func sharedCompiler() -> GrammarCompiler {
        compiler.withLock { compiler in
            if let compiler { return compiler }
            let texts = (0..<tokenizer.vocabularySize).map { tokenizer.bytes(of: Int32($0)) }
            let vocabulary = TokenVocabulary(
                texts, excluding: Set(tokenizer.vocabulary.endTokens), dropsFirstSpace: tokenizer.dropsFirstSpace)
            let made = GrammarCompiler(vocabulary)
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
        let key = options.format.key + (tools?.key ?? "")
        let grammars = model.grammars
        return try await services.workers.run { _ in
            do throws(GrammarSourceError) {
                return try grammars.grammar(source, key: key)
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

    /// Equal for equal formats only.
    fileprivate var key: String {
        switch self {
        case .text: "text"
        case .jsonObject: "object"
        case .jsonSchema(let schema, _): "schema " + schema.text
        case .grammar(let text): "grammar " + text
        case .regex(let text): "regex " + text
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
            functions: callable.map {
                .init(name: $0.name, parameters: $0.parameters ?? ["type": "object", "properties": [:]])
            },
            alternative: !isOptional ? .none : form.map { .form($0) } ?? .text,
            maximumCalls: isSingle ? 1 : Self.maximumCalls)
    }

    /// Equal for equal functions only.
    fileprivate var key: String {
        " tools \(choice) \(isParallel) " + JSON.array(callable.map(\.json)).text
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
