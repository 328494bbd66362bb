import Support
import Testing
import Tokenizers

struct TokenizerTests {
    @Test func equalsTheOriginalOnHardLines() throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        let lines = try Fixture.encodings()
        #expect(lines.count >= 2000)
        #expect(lines.filter { $0.recognized != nil }.count >= 200)
        for line in lines {
            #expect(tokenizer.encode(line.text, special: .asText) == line.ids, "\(line.text.debugDescription)")
            let recognized = tokenizer.encode(line.text, special: .recognized)
            #expect(recognized == line.recognized ?? line.ids, "\(line.text.debugDescription)")
        }
    }

    /// A character's class shows in what it shares a word with, and so merges with.
    @Test func everyCharacterHasTheOriginalsClass() throws {
        let letters = (0...255).map { TinyVocabulary.letter(of: $0) }
        let merges = ["a", "!", "Ġ"].flatMap { first in letters.map { "\(first) \($0)" } }
        let tokenizer = try TinyVocabulary(merges: merges).tokenizer()
        let neighbours = [("a", "letter"), ("!", "symbol"), (" ", "space")]
        let runs = try Fixture.classes()
        let ends = runs.dropFirst().map(\.first) + [0x110000]
        for (run, end) in zip(runs, ends) {
            for scalar in (run.first..<end).lazy.compactMap(Unicode.Scalar.init) {
                let merged = neighbours.first { before, _ in
                    tokenizer.encode("\(before)\(scalar)", special: .asText).count == UTF8.width(scalar)
                }
                #expect(merged?.1 ?? "number" == run.name, "U+\(String(scalar.value, radix: 16))")
            }
        }
    }

    @Test func textComesBackWhole() throws {
        let tokenizer = try TinyVocabulary(merges: ["h e", "Ġ he", "Ã ©"]).tokenizer()
        for line in try Fixture.encodings() {
            let ids = tokenizer.encode(line.text, special: .asText)
            #expect(tokenizer.decode(ids).utf8.elementsEqual(line.text.utf8), "\(line.text.debugDescription)")
        }
    }

    /// Against the definition: merge the leftmost pair of the lowest rank until there is none.
    @Test func mergesByRankThenByPlace() throws {
        let letters = ["a", "b", "c"]
        var random = SplitMix64(seed: 7, stream: 0)
        for _ in 0..<200 {
            let merges = randomMerges(of: letters, using: &random)
            let tokenizer = try TinyVocabulary(merges: merges).tokenizer()
            for length in 0..<24 {
                let word = (0..<length).compactMap { _ in letters.randomElement(using: &random) }
                let ids = tokenizer.encode(word.joined(), special: .asText)
                #expect(ids.map { tokenizer.vocabulary.tokens[Int($0)] } == naive(word, merges), "\(word) \(merges)")
            }
        }
    }

    /// A quadratic merge would take hours.
    @Test(.timeLimit(.minutes(1)), arguments: ["a", "swift", "\u{E9}", "\u{1F600}", "'", "\u{3000}"])
    func aWordOfAMegabyteIsNoAttack(unit: String) throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        let word = String(repeating: unit, count: 1_000_000 / unit.utf8.count)
        let ids = tokenizer.encode(word, special: .recognized)
        #expect(ids.count < word.utf8.count)
        #expect(tokenizer.decode(ids) == word)
    }

    @Test func theLongestOfTheLeftmostSpecialsWins() throws {
        let tokenizer = try TinyVocabulary(control: ["<a", "<a>"], userDefined: ["a>b", "<a><"]).tokenizer()
        #expect(tokenizer.encode("<a><a>b", special: .recognized) == [259, 258])
        #expect(tokenizer.encode("x<a", special: .recognized) == [0x78, 256])
    }

    @Test func usersWriteUserDefinedTokensButNoControlTokens() throws {
        let tokenizer = try TinyVocabulary(control: ["<a>"], userDefined: ["<think>", "a>b"]).tokenizer()
        #expect(tokenizer.encode("x<think>y", special: .asText) == [0x78, 257, 0x79])
        #expect(tokenizer.encode("<a>b", special: .asText) == [0x3C, 258])
        #expect(tokenizer.encode("<a>b", special: .recognized) == [256, 0x62])
        #expect(tokenizer.encode("<a>", special: .asText) == "<a>".utf8.map(Int32.init))
        #expect(tokenizer.decode([257, 256, 258]) == "<think>a>b")
        #expect(tokenizer.id(ofControl: "<think>") == nil)
    }

    @Test func controlTokensNeedATrustedStretch() throws {
        let tokenizer = try TinyVocabulary(
            merges: ["h e"], control: ["<a>", "<a><b>", "<b>"], userDefined: ["<t>"]
        ).tokenizer()
        func ids(_ text: String, _ trusted: Range<Int>...) -> [Int32] {
            tokenizer.encode(Array(text.utf8), specialTokensWithin: trusted)
        }
        #expect(ids("<a><b>", 0..<6) == [258])
        #expect(ids("<a><b>", 0..<5) == [257, 0x3C, 0x62, 0x3E])
        #expect(ids("<a><b>", 0..<3, 3..<6) == [257, 259])
        #expect(ids("<a><b>", 1..<6) == [0x3C, 0x61, 0x3E, 259])
        #expect(ids("<t>he<t>", 4..<5) == [260, 256, 260])
        #expect(ids("<a>", 0..<1, 1..<3) == [0x3C, 0x61, 0x3E])
    }

    /// Everything trusted and nothing trusted are the two ways to treat special-token text.
    @Test func trustedStretchesChangeNothingButControlTokens() throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        for line in try Fixture.encodings() {
            let text = Array("<|im_start|>\(line.text)<|im_end|>".utf8)
            let trusted = [0..<12, text.count - 10..<text.count]
            #expect(tokenizer.encode(text, specialTokensWithin: trusted) == [1] + line.ids + [2])
        }
    }

    /// No caller may pass broken UTF-8, but none of it stops the process.
    @Test func brokenCharactersAreSymbols() throws {
        let tokenizer = try TinyVocabulary(merges: ["! Ģ", "a Ģ"]).tokenizer()
        #expect(tokenizer.encode([0x21, 0x80, 0x61, 0x80, 0xF0, 0x9F], specialTokensWithin: []).count == 5)
        var random = SplitMix64(seed: 11, stream: 0)
        for _ in 0..<2000 {
            let bytes = (0..<12).map { _ in UInt8.random(in: 0x70...0xFF, using: &random) }
            #expect(tokenizer.encode(bytes, specialTokensWithin: []).flatMap(tokenizer.bytes(of:)) == bytes)
        }
    }

    @Test func specialsAreFoundByTheirWholeText() throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        #expect(tokenizer.id(ofControl: "<|im_start|>") == 1)
        #expect(tokenizer.id(ofControl: "<empty_output>") == 16)
        for text in ["", "<", "<|im_start|>x", "the"] { #expect(tokenizer.id(ofControl: text) == nil) }
    }

    /// Never more than what encoding gives, and as much where the text is made of the longest token.
    @Test func theFewestIdsAreKnownWithoutEncoding() throws {
        let tiny = try TinyVocabulary(merges: ["a b", "ab ab"], control: ["<end>"]).tokenizer()
        #expect(["", "a", "ababa", "ababab", "<end>"].map { tiny.minimumCount(of: [$0]) } == [0, 1, 1, 2, 1])
        let tokenizer = try SmolLM2.tokenizer.get()
        for text in ["hello world", "\u{4}\u{4}", "<|im_start|><|im_end|>", String(repeating: " ", count: 10_000)] {
            #expect(tokenizer.minimumCount(of: [text]) <= tokenizer.encode(text, special: .recognized).count)
        }
    }

    @Test func unspelledBytesAreDropped() throws {
        var fields = TinyVocabulary(merges: ["a b"])
        fields.kinds[Int(UInt8(ascii: "x"))] = 5
        let tokenizer = try fields.tokenizer()
        #expect(tokenizer.encode("x", special: .asText) == [])
        #expect(tokenizer.encode("axxb", special: .asText) == [256])
    }

    private func naive(_ word: [String], _ merges: [String]) -> [String] {
        var symbols = word
        while true {
            let pairs = zip(symbols, symbols.dropFirst()).map { merges.firstIndex(of: "\($0) \($1)") ?? .max }
            guard let rank = pairs.min(), rank < .max, let left = pairs.firstIndex(of: rank) else { return symbols }
            symbols.replaceSubrange(left...left + 1, with: [symbols[left] + symbols[left + 1]])
        }
    }

    private func randomMerges(of letters: [String], using random: inout SplitMix64) -> [String] {
        var tokens = letters
        var merges: [String] = []
        while merges.count < 12 {
            guard let left = tokens.randomElement(using: &random), let right = tokens.randomElement(using: &random),
                !tokens.contains(left + right)
            else { continue }
            tokens.append(left + right)
            merges.append("\(left) \(right)")
        }
        return merges
    }
}

extension UTF8 {
    fileprivate static func width(_ scalar: Unicode.Scalar) -> Int { encode(scalar)?.count ?? 0 }
}
