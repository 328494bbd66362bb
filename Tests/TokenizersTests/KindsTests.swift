import Foundation
import Models
import Support
import TestSupport
import Testing
import Tokenizers

/// Small tokenizers of every kind against the libraries that define them (`Tests/Fixtures/make_tokenizers.py`).
struct KindsTests {
    static let kinds = ["gpt2", "llama3", "qwen2", "llama2", "mistral", "legacy", "gemma"]

    /// The lines and digests of `kinds.json`.
    private struct Goldens {
        private let members: [String: JSON]

        init(_ name: String = "kinds.json") throws {
            guard case .object(let members) = try JSON.parse(Array(Data(contentsOf: fixtureURL(name)))) else {
                throw CocoaError(.fileReadCorruptFile)
            }
            self.members = Dictionary(members.map { ($0.name, $0.value) }) { $1 }
        }

        /// Every line that the tokenizers must agree on.
        func lines() throws -> [String] { try Fixture.encodings().map(\.text) + strings("lines") }

        func strings(_ name: String) throws -> [String] { try array(name).map { try string($0) } }

        func numbers(_ name: String) throws -> [Double] { try array(name).map { try #require($0.doubleValue) } }

        func digests(_ name: String, of kind: String? = nil) throws -> [[UInt8]] {
            var value = try #require(members[kind ?? name])
            if kind != nil, case .object(let parts) = value {
                value = try #require(parts.first { $0.name == name }).value
            }
            let bytes = Array(try #require(Data(base64Encoded: try string(value))))
            return stride(from: 0, to: bytes.count, by: 3).map { Array(bytes[$0..<min($0 + 3, bytes.count)]) }
        }

        private func array(_ name: String) throws -> [JSON] {
            guard case .array(let elements) = members[name] else { throw CocoaError(.fileReadCorruptFile) }
            return elements
        }

        private func string(_ value: JSON) throws -> String {
            guard case .string(let text) = value else { throw CocoaError(.fileReadCorruptFile) }
            return text
        }
    }

    /// FNV-1a over 32-bit little-endian numbers, folded to 24 bits.
    private func digest(_ numbers: some Sequence<Int32>) -> [UInt8] {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for number in numbers {
            let bits = UInt32(bitPattern: number)
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                value = (value ^ UInt64(bits >> shift & 0xFF)) &* 0x100_0000_01B3
            }
        }
        let folded = value >> 24 ^ value
        return [0, 8, 16].map { UInt8(truncatingIfNeeded: folded >> $0) }
    }

    private func stream(_ ids: [Int32], _ tokenizer: Tokenizer) -> String {
        var detokenizer = StreamingDetokenizer(tokenizer)
        return ids.map { detokenizer.append($0) }.joined()
    }

    @Test(arguments: kinds)
    func equalsTheLibraryOnHardLines(kind: String) throws {
        let goldens = try Goldens()
        let lines = try goldens.lines()
        let ids = try goldens.digests("ids", of: kind)
        let texts = try goldens.digests("text", of: kind)
        #expect(lines.count >= 3000 && ids.count == lines.count && texts.count == 600)
        let tokenizer = Tokenizer(try Vocabulary(folder: fixtureURL("kinds/\(kind)").path))
        for (index, line) in lines.enumerated() {
            let recognized = tokenizer.encode(line, special: .recognized)
            let asText = tokenizer.encode(line, special: .asText)
            #expect(digest(recognized + [-1] + asText) == ids[index], "\(line.debugDescription)")
            #expect(tokenizer.minimumCount(of: [line]) <= recognized.count, "\(line.debugDescription)")
            let text = tokenizer.decode(recognized)
            #expect(stream(recognized, tokenizer).utf8.elementsEqual(text.utf8), "\(line.debugDescription)")
            guard index < texts.count else { continue }
            #expect(digest(text.utf8.map(Int32.init)) == texts[index], "\(line.debugDescription)")
        }
    }

    /// A GGUF file lists a SentencePiece model with scores; the library never finds control tokens in text.
    @Test func equalsSentencePieceOnHardLines() throws {
        let lines = try Goldens().lines()
        let goldens = try Goldens("sentencepiece.json")
        let (ids, texts) = (try goldens.digests("ids"), try goldens.digests("text"))
        #expect(ids.count == lines.count && texts.count == lines.count)
        let tokenizer = Tokenizer(
            try Vocabulary(
                tokens: try goldens.strings("tokens"), kinds: try goldens.numbers("kinds").map { Int32($0) },
                scores: try goldens.numbers("scores").map { Float($0) }, beginOfText: 1, endOfText: 2, padding: nil))
        for (index, line) in lines.enumerated() {
            let encoded = tokenizer.encode(line, special: .asText)
            #expect(digest(encoded) == ids[index], "\(line.debugDescription)")
            let text = tokenizer.decode(encoded)
            #expect(digest(text.utf8.map(Int32.init)) == texts[index], "\(line.debugDescription)")
            #expect(stream(encoded, tokenizer).utf8.elementsEqual(text.utf8), "\(line.debugDescription)")
        }
    }

    /// All of Unicode beside marks and a starter: bytes show what the form NFC is.
    @Test func composesAsTheLibraryDoes() throws {
        let goldens = try Goldens().digests("nfc")
        let letters = TinyVocabulary()
        let tokenizer = Tokenizer(
            try Vocabulary(
                tokens: letters.tokens, kinds: letters.kinds, merges: [], preTokenizer: "qwen2", beginOfText: nil,
                endOfText: nil, padding: nil))
        for (block, golden) in goldens.enumerated() {
            let scalars = (UInt32(block) * 4096..<UInt32(block + 1) * 4096).compactMap(Unicode.Scalar.init)
            let text = scalars.map { "e\($0)\u{323}\u{301} \u{1100}\($0)\u{11A8}" }.joined()
            let bytes = tokenizer.encode(text, special: .asText).map { UInt8($0) }
            let composed = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { Int32($0.value) }
            #expect(digest(composed) == golden, "U+\(String(block * 4096, radix: 16))")
        }
        #expect(goldens.count == 272)
    }

    /// Hours if a mark, a space or a whole token were looked at again and again.
    @Test(.timeLimit(.minutes(1)), arguments: kinds)
    func aLongTextIsNoAttack(kind: String) throws {
        let tokenizer = Tokenizer(try Vocabulary(folder: fixtureURL("kinds/\(kind)").path))
        for unit in ["a", "\u{301}", " ", "\n", "<", "<|", "7", "\u{E9}", "\u{1100}", "<|strip|>", "word", "'"] {
            let text = String(repeating: unit, count: 30_000 / unit.utf8.count)
            let ids = tokenizer.encode(text + "\u{FF}x", special: .recognized)
            #expect(!ids.isEmpty)
        }
    }
}
