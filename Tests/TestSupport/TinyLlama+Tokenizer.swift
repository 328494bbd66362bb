public import Checkpoints
public import Tokenizers

extension TinyLlama {
    /// Its tokenizer: three special tokens, the bytes and a few merges.
    public static func tokenizer() throws -> Tokenizer {
        try tokenizer(of: file())
    }

    /// The tokenizer of a GGUF file.
    public static func tokenizer(of file: GGUFFile) throws -> Tokenizer {
        func id(_ name: String) throws -> Int32? { Int32(try file.integer("tokenizer.ggml.\(name)_token_id")) }
        return Tokenizer(
            try Vocabulary(
                tokens: file.strings("tokenizer.ggml.tokens"),
                kinds: file.integers("tokenizer.ggml.token_type").map { Int32($0) },
                merges: file.strings("tokenizer.ggml.merges"), preTokenizer: file.string("tokenizer.ggml.pre"),
                beginOfText: id("bos"), endOfText: id("eos"), padding: nil))
    }
}
