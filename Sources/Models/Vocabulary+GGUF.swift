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
                composes: file.metadata[VocabularyFields.composesKey] == nil
                    ? nil : try file.bool(VocabularyFields.composesKey),
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

extension VocabularyFields {
    /// A key of this project: GGUF has none for Unicode's form NFC.
    fileprivate static let composesKey = "apus.tokenizer.nfc"

    /// The metadata that `Vocabulary(_ file:)` reads.
    var metadata: [(key: String, value: GGUFWriter.Value)] {
        var entries: [(String, GGUFWriter.Value)] = [("model", .string(model))]
        if let preTokenizer { entries.append(("pre", .string(preTokenizer))) }
        entries.append(("tokens", .strings(tokens)))
        if model == "llama" { entries.append(("scores", .array(scores.map { .float32($0) }))) }
        entries.append(("token_type", .array(kinds.map { .int32($0) })))
        if model == "gpt2" { entries.append(("merges", .strings(merges))) }
        let ends = zip(["eos", "eot", "eom"], endTokens).map { ($0, Optional($1)) }
        for case (let name, let id?) in [("bos", beginOfText)] + ends + [("padding", padding), ("unknown", unknown)] {
            entries.append(("\(name)_token_id", .uint32(UInt32(clamping: id))))
        }
        entries += [("add_bos_token", .bool(addsBeginOfText)), ("add_space_prefix", .bool(addsSpace))]
        return entries.map { ("tokenizer.ggml.\($0.0)", $0.1) }
            + (composes.map { [(Self.composesKey, .bool($0))] } ?? [])
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
