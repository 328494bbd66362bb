/// The fields `tokenizer.ggml.NAME` of a GGUF file: a vocabulary in the form in which llama.cpp reads one, and
/// `apus.tokenizer.nfc`, which llama.cpp does not read: it brings no text to form NFC.
public struct VocabularyFields: Sendable, Equatable {
    /// `model`: `gpt2` for byte-level BPE, `llama` for SentencePiece.
    public var model: String
    /// `pre`, of byte-level BPE.
    public var preTokenizer: String?
    /// `apus.tokenizer.nfc`: whether text is brought to form NFC; nil if that is so for all tokenizers called
    /// `preTokenizer`.
    public var composes: Bool?
    /// `tokens`; tokens without a text have a name such as `[PAD12]`.
    public var tokens: [String]
    /// `token_type`, one per token.
    public var kinds: [Int32]
    /// `merges` of byte-level BPE, lowest rank first.
    public var merges: [String] = []
    /// `scores` of SentencePiece, one per token.
    public var scores: [Float] = []
    /// `add_space_prefix`.
    public var addsSpace = false
    /// `bos_token_id`.
    public var beginOfText: Int32?
    /// `add_bos_token`.
    public var addsBeginOfText: Bool
    /// `eos_token_id`, `eot_token_id` and `eom_token_id`, as many as there are.
    public var endTokens: [Int32]
    /// `padding_token_id`.
    public var padding: Int32?
    /// `unknown_token_id`.
    public var unknown: Int32?
}

/// Why the fields of a GGUF file cannot express a vocabulary.
public struct VocabularyFieldsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What cannot be expressed.
    public let description: String
}

extension Vocabulary {
    /// The vocabulary as fields of a GGUF file. A reader of the fields encodes and prints every text alike.
    ///
    /// - Throws: `VocabularyFieldsError` with the first rule that GGUF cannot express.
    public func fields() throws(VocabularyFieldsError) -> VocabularyFields {
        guard endTokens.count <= 3 else { throw .init(description: "there are \(endTokens.count) end tokens, not 3") }
        try checkWholeTokens()
        var fields = VocabularyFields(
            model: "gpt2", tokens: namedTexts(), kinds: kinds.map(\.rawValue), beginOfText: beginOfText,
            addsBeginOfText: addsBeginOfText, endTokens: endTokens, padding: padding,
            unknown: kinds.firstIndex(of: .unknown).map { Int32($0) })
        switch rules.alphabet {
        case .bytes:
            guard let name = PreTokenizer.name(of: rules) else {
                throw .init(description: "GGUF has no name for the way in which text is split into words")
            }
            fields.preTokenizer = name
            if PreTokenizer.named[name]?.composes != rules.composes { fields.composes = rules.composes }
            fields.merges = merges.pairs.map { "\(tokens[Int($0.left)]) \(tokens[Int($0.right)])" }
        case .characters:
            fields.model = "llama"
            fields.addsSpace = rules.prefix != .none
            fields.scores = try scores()
        }
        let read: Vocabulary
        do { read = try Vocabulary(fields) } catch { throw .init(description: error.description) }
        guard read.rules == rules else {
            throw .init(description: "GGUF has no field for where the tokenizer puts spaces before text")
        }
        guard rules.alphabet == .bytes || read.merges.isLike(merges) else {
            throw .init(description: "no scores of tokens merge in the order of the merges")
        }
        return fields
    }

    /// The vocabulary that a reader makes of `fields`.
    private init(_ fields: VocabularyFields) throws(VocabularyError) {
        let turns = Array(fields.endTokens.dropFirst())
        if fields.model == "llama" {
            try self.init(
                tokens: fields.tokens, kinds: fields.kinds, scores: fields.scores, addsSpace: fields.addsSpace,
                beginOfText: fields.beginOfText, addsBeginOfText: fields.addsBeginOfText,
                endOfText: fields.endTokens.first, endOfTurn: turns, padding: fields.padding)
        } else {
            try self.init(
                tokens: fields.tokens, kinds: fields.kinds, merges: fields.merges,
                preTokenizer: fields.preTokenizer ?? "", composes: fields.composes, beginOfText: fields.beginOfText,
                addsBeginOfText: fields.addsBeginOfText, endOfText: fields.endTokens.first, endOfTurn: turns,
                padding: fields.padding)
        }
    }

    /// Refuses whole tokens with a flag of `tokenizer.json` that GGUF lacks.
    private func checkWholeTokens() throws(VocabularyFieldsError) {
        for token in wholeTokens.raw + wholeTokens.normalized {
            let text = tokens[Int(token.id)]
            guard !token.isSingleWord, !token.takesSpaceBefore, !token.takesSpaceAfter else {
                throw .init(description: "GGUF has no field for single_word, lstrip and rstrip of token \"\(text)\"")
            }
        }
        if let token = wholeTokens.normalized.first {
            throw .init(description: "GGUF has no field for normalized of token \"\(tokens[Int(token.id)])\"")
        }
    }

    /// The texts, with a name for each token without one, because texts in a GGUF file differ.
    private func namedTexts() -> [String] {
        var used = Set(tokens)
        return tokens.enumerated().map { id, text in
            guard text.isEmpty else { return text }
            var name = "[PAD\(id)]"
            while !used.insert(name).inserted { name += "_" }
            return name
        }
    }

    /// Scores by which tokens merge in the order of their first merges.
    private func scores() throws(VocabularyFieldsError) -> [Float] {
        var scores = [Float](repeating: 0, count: tokens.count)
        for (rank, pair) in merges.pairs.enumerated().reversed() { scores[Int(pair.merged)] = -Float(rank + 1) }
        return scores
    }
}

extension PreTokenizer {
    /// The name in GGUF's `tokenizer.ggml.pre` of a byte-level tokenizer with these rules; nil if there is none. If
    /// the names with the right words all mean the other use of form NFC, it is one of them.
    static func name(of rules: TextRules) -> String? {
        let names = ["smollm", "gpt-2", "llama-bpe", "dbrx", "qwen2", "command-r"].filter { name in
            named[name]?.words == rules.words && named[name]?.ignoresMerges == rules.ignoresMerges
        }
        return names.first { named[$0]?.composes == rules.composes } ?? names.first
    }
}
