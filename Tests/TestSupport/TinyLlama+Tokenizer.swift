public import Checkpoints
public import Tokenizers

extension TinyLlama {
    /// Its tokenizer: three special tokens, the bytes and a few merges.
    public static func tokenizer() throws -> Tokenizer {
        try tokenizer(of: file())
    }

    /// The tokenizer of a GGUF file.
    ///
    /// - Parameter kinds: those of some tokens, in place of the file's.
    public static func tokenizer(of file: GGUFFile, kinds changed: [Int: TokenKind] = [:]) throws -> Tokenizer {
        func id(_ name: String) throws -> Int32? { Int32(try file.integer("tokenizer.ggml.\(name)_token_id")) }
        let kinds = try file.integers("tokenizer.ggml.token_type").enumerated().map { index, kind in
            changed[index]?.rawValue ?? Int32(kind)
        }
        return Tokenizer(
            try Vocabulary(
                tokens: file.strings("tokenizer.ggml.tokens"), kinds: kinds,
                merges: file.strings("tokenizer.ggml.merges"), preTokenizer: file.string("tokenizer.ggml.pre"),
                beginOfText: id("bos"), endOfText: id("eos"), padding: nil))
    }
}
