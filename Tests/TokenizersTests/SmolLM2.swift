import Checkpoints
import TestSupport
import Tokenizers

/// The base model's tokenizer, loaded once.
enum SmolLM2 {
    static let tokenizer = Result { try load() }

    private static func load() throws -> Tokenizer {
        let file = try GGUFFile(path: baseModelPath())
        func id(_ name: String) throws -> Int32? { Int32(exactly: try file.integer("tokenizer.ggml.\(name)_token_id")) }
        return Tokenizer(
            try Vocabulary(
                tokens: file.strings("tokenizer.ggml.tokens"),
                kinds: file.integers("tokenizer.ggml.token_type").map { Int32(clamping: $0) },
                merges: file.strings("tokenizer.ggml.merges"), preTokenizer: file.string("tokenizer.ggml.pre"),
                beginOfText: id("bos"), endOfText: id("eos"), padding: id("padding")))
    }
}
