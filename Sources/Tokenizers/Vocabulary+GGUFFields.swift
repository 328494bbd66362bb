extension Vocabulary {
    /// Checks the fields of a GGUF file with `tokenizer.ggml.model` = `gpt2`, and adopts them.
    ///
    /// - Parameters:
    ///   - tokens: `tokenizer.ggml.tokens`.
    ///   - kinds: `tokenizer.ggml.token_type`, one per token.
    ///   - merges: `tokenizer.ggml.merges`, each two token texts separated by a space, lowest rank first.
    ///   - preTokenizer: `tokenizer.ggml.pre`.
    ///   - composes: `apus.tokenizer.nfc`: whether text is brought to form NFC. Without it, the pre-tokenizer's name
    ///     decides.
    ///   - beginOfText: `tokenizer.ggml.bos_token_id`.
    ///   - addsBeginOfText: `tokenizer.ggml.add_bos_token`. Without it, the pre-tokenizer's name decides.
    ///   - endOfText: `tokenizer.ggml.eos_token_id`.
    ///   - endOfTurn: `tokenizer.ggml.eot_token_id` and `eom_token_id`.
    ///   - padding: `tokenizer.ggml.padding_token_id`.
    public init(
        tokens: [String], kinds: [Int32], merges: [String], preTokenizer: String, composes: Bool? = nil,
        beginOfText: Int32?, addsBeginOfText: Bool? = nil, endOfText: Int32?, endOfTurn: [Int32] = [], padding: Int32?
    ) throws(VocabularyError) {
        guard let named = PreTokenizer.named[preTokenizer] else { throw .unknownPreTokenizer(preTokenizer) }
        guard merges.count < Int32.max else { throw .tooLarge(tokens: tokens.count, merges: merges.count) }
        let rules = TextRules(
            alphabet: .bytes, words: named.words, composes: composes ?? named.composes,
            ignoresMerges: named.ignoresMerges)
        try self.init(
            VocabularyParts(
                tokens: tokens, kinds: Self.checkedKinds(kinds), merges: .ranked(MergeTable.pairs(merges)),
                rules: rules,
                beginOfText: beginOfText, addsBeginOfText: addsBeginOfText ?? named.addsBeginOfText,
                endTokens: (endOfText.map { [$0] } ?? []) + endOfTurn, padding: padding))
    }

    /// Checks the fields of a GGUF file with `tokenizer.ggml.model` = `llama`, a SentencePiece vocabulary, and adopts
    /// them. It encodes as llama.cpp does.
    ///
    /// - Parameters:
    ///   - tokens: `tokenizer.ggml.tokens`, with U+2581 for spaces.
    ///   - kinds: `tokenizer.ggml.token_type`, one per token. There must be a token for each byte.
    ///   - scores: `tokenizer.ggml.scores`, one per token: the higher, the sooner it is merged.
    ///   - addsSpace: `tokenizer.ggml.add_space_prefix`: whether a space is put before text.
    ///   - beginOfText: `tokenizer.ggml.bos_token_id`.
    ///   - addsBeginOfText: `tokenizer.ggml.add_bos_token`.
    ///   - endOfText: `tokenizer.ggml.eos_token_id`.
    ///   - endOfTurn: `tokenizer.ggml.eot_token_id` and `eom_token_id`.
    ///   - padding: `tokenizer.ggml.padding_token_id`.
    public init(
        tokens: [String], kinds: [Int32], scores: [Float], addsSpace: Bool = true, beginOfText: Int32?,
        addsBeginOfText: Bool = true, endOfText: Int32?, endOfTurn: [Int32] = [], padding: Int32?
    ) throws(VocabularyError) {
        let rules = TextRules(
            alphabet: .characters, prefix: addsSpace ? .everyPiece : .none, dropsFirstSpace: addsSpace)
        try self.init(
            VocabularyParts(
                tokens: tokens, kinds: Self.checkedKinds(kinds), merges: .scored(scores), rules: rules,
                beginOfText: beginOfText, addsBeginOfText: addsBeginOfText,
                endTokens: (endOfText.map { [$0] } ?? []) + endOfTurn, padding: padding))
    }

    private static func checkedKinds(_ values: [Int32]) throws(VocabularyError) -> [TokenKind] {
        var kinds: [TokenKind] = []
        kinds.reserveCapacity(values.count)
        for (id, value) in values.enumerated() {
            guard let kind = TokenKind(rawValue: value) else { throw .unknownKind(id: id, value: value) }
            kinds.append(kind)
        }
        return kinds
    }
}
