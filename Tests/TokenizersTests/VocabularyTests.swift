import Testing
import Tokenizers

struct VocabularyTests {
    typealias Spoiled = (spoil: @Sendable (inout TinyVocabulary) -> Void, error: VocabularyError)

    static let spoiled: [Spoiled] = [
        ({ $0.preTokenizer = "gpt-4o" }, .unknownPreTokenizer("gpt-4o")),
        ({ $0.kinds.removeLast() }, .countMismatch(tokens: 259, kinds: 258)),
        ({ $0.kinds[7] = 0 }, .unknownKind(id: 7, value: 0)),
        ({ $0.kinds[7] = 7 }, .unknownKind(id: 7, value: 7)),
        ({ $0.beginOfText = 259 }, .idOutOfRange(name: "bos", id: 259, count: 259)),
        ({ $0.endOfText = -1 }, .idOutOfRange(name: "eos", id: -1, count: 259)),
        ({ $0.padding = .max }, .idOutOfRange(name: "padding", id: .max, count: 259)),
        ({ $0.tokens[256] = "t e" }, .notInByteAlphabet(id: 256, token: "t e")),
        ({ $0.tokens[256] = "\u{144}" }, .notInByteAlphabet(id: 256, token: "\u{144}")),
        ({ $0.tokens[258] = "" }, .emptyToken(id: 258)),
        ({ $0.tokens[258] = "he" }, .duplicateToken("he", ids: 256, 258)),
        ({ $0.merges[1] = "hex" }, .malformedMerge(rank: 1, merge: "hex")),
        ({ $0.merges[1] = "he x y" }, .malformedMerge(rank: 1, merge: "he x y")),
        ({ $0.merges[1] = "he " }, .unknownTokenInMerge(rank: 1, merge: "he ")),
        ({ $0.merges[1] = "he y" }, .unknownTokenInMerge(rank: 1, merge: "he y")),
        ({ $0.merges[1] = "qu x" }, .unknownTokenInMerge(rank: 1, merge: "qu x")),
        ({ $0.merges[1] = "h e" }, .duplicateMerge(rank: 1, merge: "h e")),
        ({ $0.kinds[257] = 3 }, .unknownTokenInMerge(rank: 1, merge: "he x")),
    ]

    @Test(arguments: spoiled.indices)
    func refusesWhatATokenizerCannotUse(index: Int) throws {
        var fields = TinyVocabulary(merges: ["h e", "he x"], control: ["<|x|>"])
        _ = try fields.vocabulary()
        Self.spoiled[index].spoil(&fields)
        #expect(throws: Self.spoiled[index].error) { try fields.vocabulary() }
    }

    @Test func errorsNameTheEntry() {
        for (_, error) in Self.spoiled { #expect("\(error)".hasPrefix("tokenizer.ggml."), "\(error)") }
    }

    /// Tokens for all bytes, `a`, a space before it, and both together.
    private func scored(
        spoil: (inout [String], inout [Int32], inout [Float]) -> Void = { _, _, _ in }
    ) throws -> Vocabulary {
        var tokens = (0...255).map { "<0x\($0 < 16 ? "0" : "")\(String($0, radix: 16, uppercase: true))>" }
        var kinds = [Int32](repeating: 6, count: 256) + [1, 1, 1, 3]
        var scores = [Float](repeating: 0, count: 256) + [-1, -2, -3, 0]
        tokens += ["a", "\u{2581}", "\u{2581}a", "</s>"]
        spoil(&tokens, &kinds, &scores)
        return try Vocabulary(
            tokens: tokens, kinds: kinds, scores: scores, beginOfText: nil, endOfText: 259, endOfTurn: [256, 259],
            padding: nil)
    }

    @Test func scoresSayWhatMerges() throws {
        let tokenizer = Tokenizer(try scored())
        #expect(tokenizer.encode("a a", special: .asText) == [258, 258])
        #expect(tokenizer.encode("</s>", special: .asText).count == 5)
        #expect(tokenizer.encode("a</s>a", special: .recognized) == [258, 259, 258])
        #expect(tokenizer.decode([258, 258, 259]) == "a a")
        #expect(tokenizer.vocabulary.endTokens == [259, 256])
    }

    @Test func refusesScoresThatSayNothing() throws {
        #expect(throws: VocabularyError.scoreMismatch(tokens: 260, scores: 259)) {
            try scored { _, _, scores in scores.removeLast() }
        }
        #expect(throws: VocabularyError.scoreNotFinite(id: 257)) { try scored { _, _, scores in scores[257] = .nan } }
        #expect(throws: VocabularyError.missingByte(10)) { try scored { _, kinds, _ in kinds[10] = 5 } }
        #expect(throws: VocabularyError.notAByte(id: 256, token: "a")) { try scored { _, kinds, _ in kinds[256] = 6 } }
        let long = String(repeating: "b", count: 1025)
        #expect(throws: VocabularyError.longToken(id: 256, bytes: 1025)) {
            try scored { tokens, _, _ in tokens[256] = long }
        }
    }

    @Test func refusesWholeTokensBeyondMeasure() throws {
        let long = String(repeating: "<", count: 1 << 22)
        _ = try TinyVocabulary(control: [long]).vocabulary()
        #expect(throws: VocabularyError.tooManyWholeTokens(id: 257)) {
            try TinyVocabulary(control: [long, "<>"]).vocabulary()
        }
    }

    /// The words of a text, by the names that files give to the ways of splitting.
    @Test(arguments: [
        ("smollm", ["it", "'s", " ", "1", "2", "3", "4", " (", "a", ")", "\n\n"]),
        ("refact", ["it", "'s", " ", "1", "2", "3", "4", " (", "a", ")", "\n\n"]),
        ("granite-docling", ["it", "'s", " 1234", " (", "a", ")", "\n\n"]),
        ("llama-bpe", ["it", "'s", " ", "123", "4", " (", "a", ")\n\n"]),
        ("smaug-bpe", ["it", "'s", " ", "123", "4", " (", "a", ")\n\n"]),
        ("deepseek-r1-qwen", ["it", "'s", " ", "1", "2", "3", "4", " (", "a", ")\n\n"]),
    ])
    func namesStandForPatterns(name: String, words: [String]) throws {
        let spelled = words.map { word in word.utf8.map { String(TinyVocabulary.letter(of: $0)) } }
        // The words are tokens, and merges make them from their letters, from left to right.
        var merges: [String] = []
        for word in spelled {
            for end in word.indices.dropFirst() {
                let merge = word[..<end].joined() + " " + word[end]
                if !merges.contains(merge) { merges.append(merge) }
            }
        }
        var fields = TinyVocabulary(merges: merges)
        fields.preTokenizer = name
        let tokenizer = try fields.tokenizer()
        let ids = tokenizer.encode(words.joined(), special: .asText)
        #expect(ids.map { tokenizer.decode([$0]) } == words)
    }

    @Test func canonicallyEquivalentSpecialsAreTwoTokens() throws {
        let tokenizer = try TinyVocabulary(control: ["\u{1F5}", "g\u{301}"]).tokenizer()
        #expect(tokenizer.id(ofControl: "\u{1F5}") == 256)
        #expect(tokenizer.id(ofControl: "g\u{301}") == 257)
        #expect(tokenizer.encode("g\u{301}\u{1F5}", special: .recognized) == [257, 256])
    }
}
