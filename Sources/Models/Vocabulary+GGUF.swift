public import Checkpoints
public import Tokenizers

extension Vocabulary {
    /// The vocabulary in a GGUF file (`tokenizer.ggml.*`): byte-level BPE of the kind `gpt2`.
    ///
    /// - Throws: `GGUFError`, `ModelError` for a tokenizer of another kind, or `VocabularyError`.
    public init(_ file: GGUFFile) throws {
        let model = try file.string("tokenizer.ggml.model")
        guard model == "gpt2" else {
            throw ModelError.unsupported(key: "tokenizer.ggml.model", expected: "gpt2", found: model)
        }
        func id(_ key: String) throws -> Int32? {
            try file.metadata[key] == nil ? nil : Self.int32(file.integer(key), key)
        }
        try self.init(
            tokens: try file.strings("tokenizer.ggml.tokens"),
            kinds: try file.integers("tokenizer.ggml.token_type").map {
                try Self.int32($0, "tokenizer.ggml.token_type")
            },
            merges: try file.strings("tokenizer.ggml.merges"),
            preTokenizer: try file.string("tokenizer.ggml.pre"),
            beginOfText: try id("tokenizer.ggml.bos_token_id"),
            endOfText: try id("tokenizer.ggml.eos_token_id"),
            padding: try id("tokenizer.ggml.padding_token_id"))
    }

    private static func int32(_ value: Int, _ key: String) throws -> Int32 {
        guard let exact = Int32(exactly: value) else {
            throw ModelError.unsupported(key: key, expected: "32 bits", found: "\(value)")
        }
        return exact
    }
}
