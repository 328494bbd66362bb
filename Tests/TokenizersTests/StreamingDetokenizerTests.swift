import Support
import Testing
import Tokenizers

struct StreamingDetokenizerTests {
    private func stream(_ ids: [Int32], _ tokenizer: Tokenizer) -> [String] {
        var detokenizer = StreamingDetokenizer(tokenizer)
        return ids.map { detokenizer.append($0) }
    }

    /// Python's incremental decoder, without the unfinished character at the end.
    @Test func printsWhatPythonDoes() throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        for line in try Fixture.decodings() {
            #expect(tokenizer.decode(line.ids).utf8.elementsEqual(line.text.utf8), "\(line.ids)")
            #expect(stream(line.ids, tokenizer).joined().utf8.elementsEqual(line.text.utf8), "\(line.ids)")
        }
    }

    /// Byte tokens and tokens of two bytes: every way to cut a character in two.
    @Test(arguments: ["é", "\u{7FF}", "\u{800}", "한", "\u{D7FF}", "\u{FFFD}", "\u{10000}", "😀", "\u{10FFFF}"])
    func neverPrintsHalfACharacter(character: String) throws {
        let bytes = Array("a\(character)\(character)z".utf8)
        let letters = bytes.map(TinyVocabulary.letter(of:))
        let pairs = zip(letters, letters.dropFirst()).map { "\($0) \($1)" }
        let unique = Set(pairs).sorted()
        let tokenizer = try TinyVocabulary(merges: unique).tokenizer()
        for cut in 1..<bytes.count {
            let pair = unique.firstIndex(of: pairs[cut - 1]).map { Int32(256 + $0) } ?? 0
            let ids = bytes[..<(cut - 1)].map(Int32.init) + [pair] + bytes[(cut + 1)...].map(Int32.init)
            let pieces = stream(ids, tokenizer)
            #expect(pieces.joined() == "a\(character)\(character)z")
            #expect(!pieces.joined().contains("\u{FFFD}") || character == "\u{FFFD}")
            for end in ids.indices {
                #expect(tokenizer.decode(Array(ids[...end])) == pieces[...end].joined())
            }
        }
    }

    @Test func everyByteSequenceOfThreeLeadsToTheStandardsText() throws {
        let tokenizer = try TinyVocabulary().tokenizer()
        let edges: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
        ]
        for a in edges {
            for b in edges {
                for c in edges {
                    // An ASCII character at the end finishes or breaks whatever stands before it.
                    let bytes = [a, b, c, 0x80, 0x2E]
                    let expected = String(decoding: bytes, as: UTF8.self)
                    #expect(stream(bytes.map(Int32.init), tokenizer).joined().utf8.elementsEqual(expected.utf8))
                    #expect(tokenizer.decode(bytes.map(Int32.init)).utf8.elementsEqual(expected.utf8))
                }
            }
        }
    }

    @Test func everyTokenAloneAndAfterAnUnfinishedCharacter() throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        let half = try #require(tokenizer.encode("😀", special: .asText).first)
        for id in 0..<Int32(tokenizer.vocabularySize) {
            #expect(stream([id], tokenizer).joined() == tokenizer.decode([id]))
            #expect(stream([half, id], tokenizer).joined() == tokenizer.decode([half, id]))
        }
    }

    @Test func randomIdsStreamAsTheyDecode() throws {
        let tokenizer = try SmolLM2.tokenizer.get()
        var random = SplitMix64(seed: 3, stream: 0)
        let ids = (0..<20_000).map { _ in Int32.random(in: 0..<Int32(tokenizer.vocabularySize), using: &random) }
        for length in [1, 2, 3, 7, 100, 20_000] {
            for start in stride(from: 0, to: ids.count, by: max(length, 500)) where start + length <= ids.count {
                let part = Array(ids[start..<start + length])
                #expect(stream(part, tokenizer).joined().utf8.elementsEqual(tokenizer.decode(part).utf8))
            }
        }
    }

    @Test func controlTokensPrintNothingAndSeparateNothing() throws {
        let tokenizer = try TinyVocabulary(control: ["<|end|>"], userDefined: ["<tag é>"]).tokenizer()
        #expect(stream([0xC3, 256, 0xA9, 256], tokenizer) == ["", "", "é", ""])
        #expect(tokenizer.bytes(of: 256) == [])
        #expect(stream([257, 0xC3], tokenizer) == ["<tag é>", ""])
    }
}
