public import Checkpoints
public import Tokenizers

extension Vocabulary {
    /// The vocabulary in a GGUF file (`tokenizer.ggml.*`): byte-level BPE (`gpt2`) or SentencePiece (`llama`).
    ///
    /// - Throws: `GGUFError`, `ModelError` for a tokenizer of another kind, or `VocabularyError`.
    public init(_ file: GGUFFile) throws {
        let fields = TokenizerFields(file: file)
        for key in ["add_eos_token", "remove_extra_whitespaces"] where try fields.flag(key) == true {
            throw ModelError.unsupported(key: "\(file.path): \(fields.key(key))", expected: "false", found: "true")
        }
        let model = try file.string(fields.key("model"))
        switch model {
        case "gpt2":
            try self.init(
                tokens: try file.strings(fields.key("tokens")), kinds: try fields.kinds(),
                merges: try file.strings(fields.key("merges")), preTokenizer: try file.string(fields.key("pre")),
                beginOfText: try fields.id("bos"), addsBeginOfText: try fields.flag("add_bos_token"),
                endOfText: try fields.id("eos"), endOfTurn: try fields.endOfTurn(), padding: try fields.id("padding"))
        case "llama":
            try self.init(
                tokens: try file.strings(fields.key("tokens")), kinds: try fields.kinds(),
                scores: try file.numbers(fields.key("scores")).map { Float($0) },
                addsSpace: try fields.flag("add_space_prefix") ?? true, beginOfText: try fields.id("bos"),
                addsBeginOfText: try fields.flag("add_bos_token") ?? true, endOfText: try fields.id("eos"),
                endOfTurn: try fields.endOfTurn(), padding: try fields.id("padding"))
        default:
            throw ModelError.unsupported(
                key: "\(file.path): \(fields.key("model"))", expected: "gpt2 or llama", found: model)
        }
    }
}

/// The fields `tokenizer.ggml.NAME` of a file.
private struct TokenizerFields {
    let file: GGUFFile

    func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }

    /// The id `NAME_token_id`; nil if the file has none.
    func id(_ name: String) throws -> Int32? {
        let key = key("\(name)_token_id")
        return try file.metadata[key] == nil ? nil : int32(file.integer(key), key)
    }

    /// The tokens that end a turn or a message beside the one that ends a text.
    func endOfTurn() throws -> [Int32] { try [id("eot"), id("eom")].compactMap { $0 } }

    /// A boolean; nil if the file has none.
    func flag(_ name: String) throws -> Bool? {
        let key = key(name)
        return try file.metadata[key] == nil ? nil : file.bool(key)
    }

    func kinds() throws -> [Int32] {
        let key = key("token_type")
        return try file.integers(key).map { try int32($0, key) }
    }

    private func int32(_ value: Int, _ key: String) throws -> Int32 {
        guard let exact = Int32(exactly: value) else {
            throw ModelError.unsupported(key: "\(file.path): \(key)", expected: "32 bits", found: "\(value)")
        }
        return exact
    }
}
