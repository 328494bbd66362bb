/// How text is split into words: no merge crosses a word's border.
public enum PreTokenizer: Sendable, Equatable, CaseIterable {
    /// Each digit is a word; the rest is split by GPT-2's pattern (SmolLM, SmolVLM, StarCoder, Granite 3).
    case smolLM
    /// GPT-2's pattern (GPT-2, Granite-Docling).
    case gpt2
    /// The pattern of GPT-4 and Llama 3: up to three digits are a word (Llama 3, SmolLM3, Idefics3, LFM2).
    case llama3
    /// The pattern of Qwen: each digit is a word.
    case qwen2
}

extension PreTokenizer {
    /// What a name in GGUF's `tokenizer.ggml.pre` stands for.
    struct Named {
        let words: PreTokenizer
        /// Whether text is brought to Unicode's form NFC first. GGUF does not say it; the original tokenizer does it.
        var composes = false
        /// Whether a word that is a token stays whole, whatever the merges make of it.
        var ignoresMerges = false
        /// Whether texts begin with the token for it where the file does not say.
        var addsBeginOfText = false
    }

    /// The names that llama.cpp's converter writes for models whose tokenizers split in one of these ways.
    static let named: [String: Named] = [
        "smollm": Named(words: .smolLM), "refact": Named(words: .smolLM), "starcoder": Named(words: .smolLM),
        "codeshell": Named(words: .smolLM), "command-r": Named(words: .smolLM, composes: true),
        "gpt-2": Named(words: .gpt2), "phi-2": Named(words: .gpt2), "granite-docling": Named(words: .gpt2),
        "llama3": llama, "llama-v3": llama, "llama-bpe": llama, "falcon3": llama, "lfm2": llama,
        "smaug-bpe": Named(words: .llama3), "dbrx": Named(words: .llama3),
        "qwen2": qwen, "deepseek-r1-qwen": qwen, "megrez": qwen,
    ]

    private static let llama = Named(words: .llama3, ignoresMerges: true, addsBeginOfText: true)
    private static let qwen = Named(words: .qwen2, composes: true)
}
