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

    @Test func canonicallyEquivalentSpecialsAreTwoTokens() throws {
        let tokenizer = try TinyVocabulary(control: ["\u{1F5}", "g\u{301}"]).tokenizer()
        #expect(tokenizer.id(ofControl: "\u{1F5}") == 256)
        #expect(tokenizer.id(ofControl: "g\u{301}") == 257)
        #expect(tokenizer.encode("g\u{301}\u{1F5}", special: .recognized) == [257, 256])
    }
}
