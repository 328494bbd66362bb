import Foundation
import Models
import Support
import TestSupport
import Testing
import Tokenizers

/// Vocabularies of `tokenizer.json` as fields of a GGUF file.
struct VocabularyFieldsTests {
    /// The vocabulary of a fixture.
    ///
    /// - Parameters:
    ///   - isPlain: whether added tokens with a flag that GGUF lacks are left out.
    ///   - composes: whether text is brought to form NFC; nil for what the fixture does.
    private func vocabulary(_ kind: String, isPlain: Bool = true, composes: Bool? = nil) throws -> Vocabulary {
        let data = Array(try Data(contentsOf: fixtureURL("kinds/\(kind)/tokenizer.json")))
        guard isPlain else { return try Vocabulary(TokenizerFiles(tokenizer: data)) }
        // Keys of a dictionary of strings would be equal where only their composition differs.
        guard case .object(var file) = try JSON.parse(data) else { throw CocoaError(.fileReadCorruptFile) }
        for index in file.indices {
            if file[index].name == "added_tokens", case .array(let tokens) = file[index].value {
                file[index].value = .array(tokens.filter(isWithoutFlags))
            }
            if file[index].name == "normalizer", let composes {
                file[index].value = composes ? ["type": "NFC"] : .null
            }
            if file[index].name == "model", kind == "llama2" || kind == "gemma" {
                file[index].value = try completed(file[index].value)
            }
        }
        return try Vocabulary(
            TokenizerFiles(
                tokenizer: Array(JSON.object(file).text.utf8), config: Array(#"{"eos_token_id": [1, 2]}"#.utf8)))
    }

    private func isWithoutFlags(_ token: JSON) -> Bool {
        guard case .object(let members) = token else { return false }
        let flags = ["lstrip", "rstrip", "single_word", "normalized"]
        return !members.contains { flags.contains($0.name) && $0.value == true }
    }

    /// The model with the merges of a file that was converted from SentencePiece: for each token, all pairs that make
    /// it.
    private func completed(_ model: JSON) throws -> JSON {
        guard case .object(var members) = model,
            case .object(let tokens) = members.first(where: { $0.name == "vocab" })?.value,
            let index = members.firstIndex(where: { $0.name == "merges" }),
            case .array(let merges) = members[index].value
        else { throw CocoaError(.fileReadCorruptFile) }
        let known = Set(tokens.map { Array($0.name.unicodeScalars) })
        var seen = Set<[Unicode.Scalar]>()
        members[index].value = .array(
            merges.flatMap { merge -> [JSON] in
                guard case .array(let halves) = merge else { return [] }
                let token = halves.flatMap { half -> [Unicode.Scalar] in
                    if case .string(let text) = half { Array(text.unicodeScalars) } else { [] }
                }
                guard seen.insert(token).inserted else { return [] }
                return (1..<token.count).compactMap { cut in
                    let halves = [Array(token[..<cut]), Array(token[cut...])]
                    guard halves.allSatisfy(known.contains) else { return nil }
                    return .array(halves.map { .string($0.reduce(into: "") { $0.unicodeScalars.append($1) }) })
                }
            })
        return .object(members)
    }

    private func read(_ fields: VocabularyFields) throws -> Vocabulary {
        if fields.model == "llama" {
            return try Vocabulary(
                tokens: fields.tokens, kinds: fields.kinds, scores: fields.scores, addsSpace: fields.addsSpace,
                beginOfText: fields.beginOfText, addsBeginOfText: fields.addsBeginOfText,
                endOfText: fields.endTokens.first, endOfTurn: Array(fields.endTokens.dropFirst()),
                padding: fields.padding)
        }
        return try Vocabulary(
            tokens: fields.tokens, kinds: fields.kinds, merges: fields.merges,
            preTokenizer: #require(fields.preTokenizer), composes: fields.composes, beginOfText: fields.beginOfText,
            addsBeginOfText: fields.addsBeginOfText, endOfText: fields.endTokens.first,
            endOfTurn: Array(fields.endTokens.dropFirst()), padding: fields.padding)
    }

    @Test(arguments: [
        ("gpt2", "gpt-2"), ("llama3", "llama-bpe"), ("qwen2", "qwen2"), ("llama2", nil), ("gemma", nil),
    ])
    func aReaderOfTheFieldsEncodesAlike(kind: String, name: String?) throws {
        let vocabulary = try vocabulary(kind)
        let fields = try vocabulary.fields()
        #expect(fields.preTokenizer == name && fields.model == (name == nil ? "llama" : "gpt2"))
        #expect(fields.endTokens == [1, 2] && fields.addsBeginOfText == vocabulary.addsBeginOfText)
        let (before, after) = (Tokenizer(vocabulary), Tokenizer(try read(fields)))
        let lines = try Fixture.encodings().map(\.text)
        #expect(lines.count > 500)
        for line in lines {
            let ids = before.encode(line, special: .recognized)
            #expect(after.encode(line, special: .recognized) == ids, "\(line.debugDescription)")
            #expect(after.encode(line, special: .asText) == before.encode(line, special: .asText))
            #expect(after.decode(ids) == before.decode(ids))
        }
    }

    /// GGUF's names of pre-tokenizers do not say whether text is brought to form NFC. A key of this project does.
    @Test func otherUsesOfFormNFCAreWritten() throws {
        for (kind, name, composes) in [("qwen2", "qwen2", false), ("gpt2", "gpt-2", true)] {
            let vocabulary = try vocabulary(kind, composes: composes)
            let fields = try vocabulary.fields()
            #expect(fields.preTokenizer == name && fields.composes == composes)
            #expect(try self.vocabulary(kind).fields().composes == nil)
            let (before, after) = (Tokenizer(vocabulary), Tokenizer(try read(fields)))
            for line in ["e\u{301}", "\u{E9}", "\u{1112}\u{1161}\u{11AB}"] {
                #expect(after.encode(line, special: .asText) == before.encode(line, special: .asText))
            }
            #expect(after.decode(after.encode("e\u{301}", special: .asText)).unicodeScalars.count == (composes ? 1 : 2))
        }
    }

    @Test(arguments: [
        ("mistral", true, "GGUF has no field for where the tokenizer puts spaces before text"),
        ("legacy", true, "GGUF has no field for where the tokenizer puts spaces before text"),
        ("qwen2", false, "GGUF has no field for single_word, lstrip and rstrip of token \"<|pad|>\""),
    ])
    func whatTheFieldsCannotSayIsNamed(kind: String, isPlain: Bool, complaint: String) throws {
        let vocabulary = try vocabulary(kind, isPlain: isPlain)
        let error = #expect(throws: VocabularyFieldsError.self) { try vocabulary.fields() }
        #expect(error?.description == complaint)
    }

    /// A score is one number: the pairs of a token cannot come before and after those of another.
    @Test func mergesWithoutScoresAreRefused() throws {
        let bytes = (0..<256).map { "<0x\(String(format: "%02X", $0))>" }
        let texts = ["a", "b", "c", "ab", "bc", "abc"] + bytes
        func file(_ merges: String) -> String {
            let vocabulary = texts.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
            return """
                {"model": {"type": "BPE", "byte_fallback": true, "vocab": {\(vocabulary)}, "merges": [\(merges)]},
                 "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"},
                 "decoder": {"type": "Sequence", "decoders": [
                   {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
                   {"type": "ByteFallback"}, {"type": "Fuse"}]}}
                """
        }
        let right = try Vocabulary(TokenizerFiles(tokenizer: Array(file(#""b c", "a b", "a bc", "ab c""#).utf8)))
        #expect(try right.fields().scores.prefix(6) == [0, 0, 0, -2, -1, -3])
        let wrong = try Vocabulary(TokenizerFiles(tokenizer: Array(file(#""b c", "a bc", "a b", "ab c""#).utf8)))
        let error = #expect(throws: VocabularyFieldsError.self) { try wrong.fields() }
        #expect(error?.description == "no scores of tokens merge in the order of the merges")
        let few = try Vocabulary(TokenizerFiles(tokenizer: Array(file(#""b c", "a b", "a bc""#).utf8)))
        #expect(throws: VocabularyFieldsError.self) { try few.fields() }
    }
}
