import Support

/// The files of a Hugging Face folder that say how text becomes tokens, as bytes.
public struct TokenizerFiles: Sendable {
    /// `tokenizer.json`.
    public var tokenizer: [UInt8]
    /// `tokenizer_config.json`.
    public var tokenizerConfig: [UInt8]?
    /// `generation_config.json`.
    public var generationConfig: [UInt8]?
    /// `config.json`.
    public var config: [UInt8]?

    /// The files of one folder; nil for those that it does not have.
    public init(
        tokenizer: [UInt8], tokenizerConfig: [UInt8]? = nil, generationConfig: [UInt8]? = nil, config: [UInt8]? = nil
    ) {
        self.tokenizer = tokenizer
        self.tokenizerConfig = tokenizerConfig
        self.generationConfig = generationConfig
        self.config = config
    }
}

extension Vocabulary {
    /// The vocabulary of a Hugging Face folder, as transformers' `AutoTokenizer` reads it.
    ///
    /// - `tokenizer.json` is a model of type BPE, byte-level or with byte fallback (SentencePiece). Its normalizer,
    ///   pre-tokenizer and decoder must be known ones.
    /// - Named special tokens of `tokenizer_config.json` are control tokens. Whether a text begins with one is what the
    ///   post-processor says; `add_bos_token` says nothing beside a `tokenizer.json`.
    /// - The end tokens are `eos_token_id` of `generation_config.json`, else of `config.json`, else the `eos_token` of
    ///   `tokenizer_config.json`. Chat templates write the last one in any case.
    ///
    /// - Throws: `TokenizerFileError` with the file, the field, what was expected and what was found.
    public init(_ files: TokenizerFiles) throws(TokenizerFileError) {
        let file = try TokenizerFile(files.tokenizer)
        let config = try TokenizerConfig(files.tokenizerConfig)
        let model = try ModelSettings(files.config, name: "config.json")
        let generation = try ModelSettings(files.generationConfig, name: "generation_config.json")
        let pipeline = TokenizerPipeline(file)
        var table = try TokenTable(file)
        for token in config.added { try table.add(token, file: TokenizerConfig.name, isLate: true) }
        for token in config.specialTokens { table.makeControl(token) }
        let begin = try table.id(before: try pipeline.tokenBeforeText())
        let settings = generation.endTokens.isEmpty ? model : generation
        var ends = settings.endTokens
        if let id = ends.first(where: { !table.tokens.indices.contains(Int($0)) }) {
            throw TokenizerFileError(
                file: settings.file, problem: "eos_token_id: expected an id below \(table.tokens.count), found \(id)")
        }
        let templateEnd = config.endToken.flatMap(table.id(of:))
        if ends.isEmpty, let templateEnd { ends = [templateEnd] }
        var rules = try pipeline.rules()
        config.adjust(&rules, modelType: model.type)
        let parts = VocabularyParts(
            tokens: table.tokens, kinds: table.kinds(for: rules.alphabet), merges: .ranked(file.merges), rules: rules,
            beginOfText: begin ?? config.beginToken.flatMap(table.id(of:)), addsBeginOfText: begin != nil,
            endTokens: ends, templateEnd: templateEnd, padding: config.paddingToken.flatMap(table.id(of:)),
            flags: table.flags)
        do throws(VocabularyError) { try self.init(parts) } catch {
            throw TokenizerFileError(file: TokenizerFile.name, problem: error.description(prefix: "model."))
        }
    }
}

/// Tokens by id, from the model's vocabulary and the added tokens.
private struct TokenTable {
    private(set) var tokens: [String] = []
    private(set) var flags: [Int32: WholeTokenFlags] = [:]
    private var kinds: [TokenKind] = []
    private var ids: [[UInt8]: Int32] = [:]

    init(_ file: TokenizerFile) throws(TokenizerFileError) {
        // An id beyond the number of tokens means ids without a token: normal, but not thousands of times as many.
        let count = file.vocabulary.count + file.added.count
        let largest = max(file.vocabulary.reduce(-1) { max($0, $1.id) }, file.added.reduce(-1) { max($0, $1.id) })
        guard largest < 4 * count + 65_536 else {
            throw TokenizerFileError(
                file: TokenizerFile.name, problem: "model.vocab: the id \(largest) is too large for \(count) tokens")
        }
        tokens = [String](repeating: "", count: Int(largest) + 1)
        kinds = [TokenKind](repeating: .unused, count: tokens.count)
        ids.reserveCapacity(count)
        for (text, id) in file.vocabulary {
            guard id >= 0, kinds[Int(id)] == .unused else {
                throw TokenizerFileError(
                    file: TokenizerFile.name, problem: "model.vocab: the id \(id) is negative or there twice")
            }
            tokens[Int(id)] = text
            kinds[Int(id)] = .normal
            ids[Array(text.utf8)] = Int32(truncatingIfNeeded: id)
        }
        for token in file.added { try add(token, file: TokenizerFile.name, isLate: false) }
    }

    func id(of text: String) -> Int32? { ids[Array(text.utf8)] }

    /// The token that the post-processor puts before a text, if it is one of the tokens.
    func id(before text: Int64?) throws(TokenizerFileError) -> Int32? {
        guard let text else { return nil }
        guard let id = Int32(exactly: text), tokens.indices.contains(Int(id)) else {
            throw TokenizerFileError(file: TokenizerFile.name, problem: "post_processor: there is no token \(text)")
        }
        return id
    }

    /// Adds a token; `isLate` if another file repeats what `tokenizer.json` says already.
    mutating func add(_ token: TokenizerFile.AddedToken, file: String, isLate: Bool) throws(TokenizerFileError) {
        func fault(_ problem: String) -> TokenizerFileError {
            TokenizerFileError(file: file, problem: "added token \"\(token.content)\": \(problem)")
        }
        guard !token.content.isEmpty else { throw fault("expected a text") }
        let known = id(of: token.content)
        if let known, Int64(known) != token.id { throw fault("expected the id \(known), found \(token.id)") }
        guard (0..<Int64(tokens.count + 1)).contains(token.id) else {
            throw fault("expected an id up to \(tokens.count), found \(token.id)")
        }
        let id = Int32(token.id)
        if Int(id) == tokens.count {
            tokens.append("")
            kinds.append(.unused)
        }
        guard known != nil || kinds[Int(id)] == .unused else {
            throw fault("the id \(id) belongs to \"\(tokens[Int(id)])\"")
        }
        if isLate, kinds[Int(id)] == .control || kinds[Int(id)] == .userDefined { return }
        tokens[Int(id)] = token.content
        kinds[Int(id)] = token.isSpecial ? .control : .userDefined
        flags[id] = token.flags
        ids[Array(token.content.utf8)] = id
    }

    /// Makes a token that the configuration names special one. A name without a token is one without an embedding.
    mutating func makeControl(_ text: String) {
        guard let id = id(of: text) else { return }
        kinds[Int(id)] = .control
    }

    /// The kinds in a vocabulary with the given alphabet: tokens for bytes are normal ones in the file.
    func kinds(for alphabet: TextRules.Alphabet) -> [TokenKind] {
        guard alphabet == .characters else { return kinds }
        return zip(tokens, kinds).map { $1 == .normal && ByteToken.byte(of: $0) != nil ? .byte : $1 }
    }
}

/// What `tokenizer_config.json` adds to `tokenizer.json`.
private struct TokenizerConfig {
    static let name = "tokenizer_config.json"

    let beginToken: String?
    let endToken: String?
    let paddingToken: String?
    let specialTokens: [String]
    private(set) var added: [TokenizerFile.AddedToken] = []
    private let tokenizerClass: String
    private let isLegacy: Bool
    private let addsSpace: Bool

    init(_ bytes: [UInt8]?) throws(TokenizerFileError) {
        var fields = try JSONFields(parsing: bytes, file: Self.name)
        beginToken = try Self.token(fields.take("bos_token"), "bos_token")
        endToken = try Self.token(fields.take("eos_token"), "eos_token")
        paddingToken = try Self.token(fields.take("pad_token"), "pad_token")
        let unknown = try Self.token(fields.take("unk_token"), "unk_token")
        var special = [beginToken, endToken, paddingToken, unknown].compactMap { $0 }
        for list in ["additional_special_tokens", "extra_special_tokens"] {
            if case .array(let elements) = fields.take(list) {
                for element in elements { special += [try Self.token(element, list)].compactMap { $0 } }
            }
        }
        specialTokens = special
        if try fields.flag("split_special_tokens") {
            throw fields.fault("split_special_tokens", expected: "false", found: true)
        }
        isLegacy = try fields.flag("legacy")
        addsSpace = try fields.flag("add_prefix_space", missing: true)
        if case .string(let name) = fields.take("tokenizer_class") {
            tokenizerClass = name
        } else {
            tokenizerClass = ""
        }
        if case .object(let members) = fields.take("added_tokens_decoder") {
            for member in members {
                guard let id = Int64(member.name) else {
                    throw fields.fault("added_tokens_decoder", expected: "ids", found: .string(member.name))
                }
                var token = JSONFields(
                    member.value, path: "added_tokens_decoder.\(member.name)", file: Self.name)
                added.append(try TokenizerFile.addedToken(id: id, from: &token))
            }
        }
        added.sort { $0.id < $1.id }
    }

    /// Applies the rules that transformers' classes bring themselves, whatever `tokenizer.json` says.
    func adjust(_ rules: inout TextRules, modelType: String) {
        let name = tokenizerClass.hasSuffix("Fast") ? String(tokenizerClass.dropLast(4)) : tokenizerClass
        if name == "LlamaTokenizer", modelType == "llama", rules.alphabet == .characters {
            rules.prefix = !addsSpace ? .none : isLegacy ? .piece : .text
            rules.dropsFirstSpace = addsSpace
        }
        if name == "Qwen2Tokenizer" || modelType == "qwen2", rules.alphabet == .bytes {
            rules.words = .qwen2
            rules.composes = true
        }
    }

    // A name is a string or, as older versions wrote it, an object with the string and flags.
    private static func token(_ value: JSON, _ field: String) throws(TokenizerFileError) -> String? {
        switch value {
        case .null: return nil
        case .string(let text): return text
        default:
            var fields = JSONFields(value, path: field, file: name)
            return try fields.string("content")
        }
    }
}

/// What `config.json` or `generation_config.json` say about the ends of a text.
private struct ModelSettings {
    /// The file's name.
    let file: String
    /// `model_type`; empty if it is missing.
    let type: String
    /// `eos_token_id`: a number or a list, in the file or in its `text_config`.
    let endTokens: [Int32]

    init(_ bytes: [UInt8]?, name: String) throws(TokenizerFileError) {
        file = name
        var fields = try JSONFields(parsing: bytes, file: name)
        if case .string(let type) = fields.take("model_type") { self.type = type } else { type = "" }
        var ends = fields.take("eos_token_id")
        if ends == .null {
            var text = JSONFields(fields.take("text_config"), path: "text_config", file: name)
            ends = text.take("eos_token_id")
        }
        let list: [JSON]
        switch ends {
        case .null: list = []
        case .array(let elements): list = elements
        default: list = [ends]
        }
        var ids: [Int32] = []
        for element in list {
            guard case .integer(let value) = element, let id = Int32(exactly: value) else {
                throw fields.fault("eos_token_id", expected: "an id or a list of ids", found: element)
            }
            ids.append(id)
        }
        endTokens = ids
    }
}

extension JSONFields {
    /// The members of a file's object; none if there is no file.
    fileprivate init(parsing bytes: [UInt8]?, file: String) throws(TokenizerFileError) {
        guard let bytes else {
            self.init(.object([]), path: "", file: file)
            return
        }
        do throws(JSONSyntaxError) {
            let value = try JSON.parse(bytes, roundsLargeIntegers: true)
            self.init(value, path: "", file: file)
        } catch {
            throw TokenizerFileError(file: file, problem: error.description)
        }
        guard isObject else { throw TokenizerFileError(file: file, problem: "expected an object") }
    }
}
