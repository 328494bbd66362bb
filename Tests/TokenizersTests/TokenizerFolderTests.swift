import Foundation
import Models
import Support
import TestSupport
import Testing
import Tokenizers

struct TokenizerFolderTests {
    private static func file(_ kind: String) throws -> String {
        try String(contentsOf: fixtureURL("kinds/\(kind)/tokenizer.json"), encoding: .utf8)
    }

    private func vocabulary(
        _ kind: String, config: String? = nil, generation: String? = nil, model: String? = nil
    ) throws -> Vocabulary {
        try Vocabulary(
            TokenizerFiles(
                tokenizer: Array(try Self.file(kind).utf8), tokenizerConfig: config.map { Array($0.utf8) },
                generationConfig: generation.map { Array($0.utf8) }, config: model.map { Array($0.utf8) }))
    }

    private func id(_ text: String, in vocabulary: Vocabulary) throws -> Int32 {
        Int32(try #require(vocabulary.tokens.firstIndex(of: text)))
    }

    /// transformers does not look at `add_bos_token` where there is a `tokenizer.json`.
    @Test func theBeginOfTextIsThePostProcessors() throws {
        let plain = try vocabulary("llama3")
        let begin = try id("<|begin|>", in: plain)
        #expect(plain.beginOfText == begin && plain.addsBeginOfText)
        let without = try vocabulary("llama3", config: #"{"bos_token": "<|turn|>", "add_bos_token": false}"#)
        #expect(without.beginOfText == begin && without.addsBeginOfText)
        let named = #"{"bos_token": {"content": "<|turn|>", "lstrip": false}, "add_bos_token": true}"#
        let other = try vocabulary("qwen2", config: named)
        #expect(other.beginOfText == (try id("<|turn|>", in: other)) && !other.addsBeginOfText)
    }

    /// As in SmolLM's file: the same vocabulary, but each digit is a word.
    @Test func digitsAreWordsWhereTheFileSaysSo() throws {
        let text = try Self.file("gpt2")
        let level = try #require(text.range(of: #"{"type":"ByteLevel","add_prefix_space":false"#))
        let end = try #require(text[level.lowerBound...].range(of: "}"))
        let digits =
            #"{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},"#
            + text[level.lowerBound..<end.upperBound] + "]}"
        let changed = text.replacingCharacters(in: level.lowerBound..<end.upperBound, with: digits)
        let tokenizer = Tokenizer(try Vocabulary(TokenizerFiles(tokenizer: Array(changed.utf8))))
        #expect(
            tokenizer.encode("a 1234567", special: .asText).map { tokenizer.decode([$0]) }.suffix(7) == [
                "1", "2", "3", "4", "5", "6", "7",
            ])
    }

    @Test func theEndsAreTheGenerationConfigurations() throws {
        let config = #"{"eos_token": "<|end|>"}"#
        #expect(try vocabulary("qwen2").endTokens == [])
        let named = try vocabulary("qwen2", config: config)
        #expect(named.endTokens == [try id("<|end|>", in: named)])
        let model = try vocabulary("qwen2", config: config, model: #"{"eos_token_id": 5}"#)
        #expect(model.endTokens == [5])
        #expect(model.namedTokens["eos_token"] == "<|end|>")
        let nested = try vocabulary("qwen2", model: #"{"text_config": {"eos_token_id": [7, 5]}}"#)
        #expect(nested.endTokens == [7, 5] && nested.endOfText == 7)
        let both = try vocabulary("qwen2", config: config, generation: #"{"eos_token_id": [8, 5, 8]}"#, model: "{}")
        #expect(both.endTokens == [8, 5])
        #expect(throws: TokenizerFileError.self) { try vocabulary("qwen2", model: #"{"eos_token_id": [571]}"#) }
        #expect(throws: TokenizerFileError.self) { try vocabulary("qwen2", generation: #"{"eos_token_id": -1}"#) }
        #expect(throws: TokenizerFileError.self) { try vocabulary("qwen2", generation: #"{"eos_token_id": "2"}"#) }
    }

    @Test func theConfigurationAddsControlTokens() throws {
        let plain = Tokenizer(try vocabulary("llama3"))
        #expect(plain.id(ofControl: "quick") == nil && plain.id(ofControl: "<|pad|>") == nil)
        let config = #"""
            {"pad_token": "<|pad|>", "extra_special_tokens": ["quick"], "added_tokens_decoder":
             {"577": {"content": "<new>", "special": true}, "567": {"content": "<|end|>", "special": true}}}
            """#
        let tokenizer = Tokenizer(try vocabulary("llama3", config: config))
        #expect(tokenizer.id(ofControl: "quick") != nil && tokenizer.id(ofControl: "<|pad|>") != nil)
        #expect(tokenizer.id(ofControl: "<new>") == 577 && tokenizer.vocabularySize == 578)
        #expect(tokenizer.encode("<new>", special: .recognized) == [577])
        #expect(plain.encode("quick", special: .asText).count == 1)
        #expect(tokenizer.encode("quick", special: .asText).count > 1)
        #expect(tokenizer.vocabulary.padding == tokenizer.id(ofControl: "<|pad|>"))
    }

    /// transformers' LlamaTokenizer brings its own rules for spaces: those of the kinds `mistral` and `legacy`.
    @Test(arguments: [("true", "legacy"), ("false", "mistral"), ("null", "mistral")])
    func theLlamaClassDecidesAboutSpaces(isLegacy: String, kind: String) throws {
        let config = #"{"tokenizer_class": "LlamaTokenizerFast", "legacy": \#(isLegacy)}"#
        let tokenizer = Tokenizer(try vocabulary("llama2", config: config, model: #"{"model_type": "llama"}"#))
        let other = Tokenizer(try vocabulary(kind))
        for text in ["the", " the", "<|end|>the<|end|> the", "<think>x", "\u{2581}a", ""] {
            let ids = tokenizer.encode(text, special: .recognized)
            #expect(
                ids.map { tokenizer.vocabulary.tokens[Int($0)] }
                    == other.encode(text, special: .recognized).map { other.vocabulary.tokens[Int($0)] })
        }
    }

    @Test func rowsWithoutTokensPrintNothingAndAreNeverMatched() throws {
        let vocabulary = try vocabulary("llama3")
        let count = vocabulary.tokens.count
        let tokenizer = Tokenizer(try vocabulary.padded(to: count + 7))
        #expect(tokenizer.vocabularySize == count + 7)
        #expect(tokenizer.decode([Int32(count) + 6]) == "")
        #expect(
            tokenizer.encode("a\u{0}b", special: .recognized)
                == Tokenizer(vocabulary).encode("a\u{0}b", special: .asText))
        #expect(throws: VocabularyError.tooFewRows(rows: count - 1, tokens: count)) {
            try vocabulary.padded(to: count - 1)
        }
    }

    @Test func aFolderIsReadWhole() throws {
        let folder = try TemporaryFolder()
        let files = ["tokenizer.json": try Self.file("qwen2"), "tokenizer_config.json": "{\"eos_token\": \"<|end|>\"}"]
        for (name, text) in files {
            try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
        }
        #expect(try Vocabulary(folder: folder.url.path).endTokens.count == 1)
        try Data("{\"eos_token\": 5}".utf8).write(to: folder.url.appendingPathComponent("tokenizer_config.json"))
        let path = folder.url.appendingPathComponent("tokenizer_config.json").path
        let error = #expect(throws: (any Error).self) { try Vocabulary(folder: folder.url.path) }
        #expect("\(try #require(error))".hasPrefix("\(path): cannot read: eos_token"))
        try FileManager.default.removeItem(at: folder.url.appendingPathComponent("tokenizer.json"))
        #expect(throws: (any Error).self) { try Vocabulary(folder: folder.url.path) }
    }

    /// The kind, what is replaced in its file, by what, and the beginning of the problem.
    typealias Spoiled = (kind: String, found: String, by: String, problem: String)

    static let spoiled: [Spoiled] = [
        ("qwen2", #""normalizer":{"type":"NFC"}"#, #""normalizer":{"type":"NFKC"}"#, "normalizer: "),
        ("qwen2", #""normalizer":{"type":"NFC"}"#, #""normalizer":{"type":"NFC","x":1}"#, "normalizer: "),
        ("qwen2", #"|\\p{N}|"#, #"|\\p{N}{1,2}|"#, "pre_tokenizer: "),
        ("qwen2", #""behavior":"Isolated""#, #""behavior":"Removed""#, "pre_tokenizer: "),
        ("gpt2", #""use_regex":true}"#, #""use_regex":1}"#, "pre_tokenizer: "),
        ("gpt2", #"{"type":"ByteLevel","add_prefix_space":false"#, #"{"type":"ByteLevel""#, "pre_tokenizer: "),
        ("gpt2", #""decoder":{"type":"ByteLevel""#, #""decoder":{"type":"Fuse""#, "decoder: "),
        ("gpt2", #""dropout":null"#, #""dropout":0.1"#, "model.dropout: "),
        ("gpt2", #""type":"BPE""#, #""type":"WordPiece""#, "model.type: expected BPE"),
        ("gpt2", #""vocab":{"#, #""vocab":[],"x":{"#, "model.vocab: expected an object"),
        ("gpt2", #""merges":["#, #""merges":[["a","b","c"],"#, "model.merges: expected a merge of two tokens"),
        ("gpt2", #""merges":["#, #""merges":[["a","zzz"],"#, "model.merges[0]: "),
        ("gpt2", #""single_word":true"#, #""single_word":"no""#, "added_tokens["),
        ("gpt2", #""single_word":true"#, #""single_word":true,"x":1"#, "added_tokens["),
        ("gpt2", #""content":"<|end|>""#, #""content":"""#, "added token \"\": "),
        ("gpt2", #""content":"<|end|>""#, #""content":"in""#, "added token \"in\": expected the id"),
        ("gpt2", #""padding":null"#, #""padding":null,"x":1"#, "x: this field is not known"),
        ("llama3", #""single":[{"#, #""single":[{"SpecialToken":{"id":"b"}},{"#, "post_processor: "),
        ("llama3", #""ids":["#, #""ids":[999999,"#, "post_processor: "),
        ("llama2", #""prepend":"▁""#, #""prepend":"_""#, "normalizer: "),
        ("llama2", #""content":" ","start":1"#, #""content":" ","start":2"#, "decoder: "),
        ("llama2", #""<0x0A>":"#, #""<0x0a >":"#, "model.tokens: expected a token for each byte"),
        ("mistral", #""split":false"#, #""split":true"#, "pre_tokenizer: "),
        ("mistral", #""prepend_scheme":"first""#, #""prepend_scheme":"last""#, "pre_tokenizer: "),
        ("gpt2", #""!":0"#, #""!":-1"#, "model.vocab: the id -1"),
        ("gpt2", #""!":0"#, #""!":1"#, "model.vocab: the id 1"),
        ("gpt2", #""!":0"#, #""!":99999999999"#, "model.vocab: the id 99999999999 is too large"),
    ]

    @Test(arguments: spoiled.indices)
    func refusesWhatItDoesNotUnderstand(index: Int) throws {
        let (kind, found, by, problem) = Self.spoiled[index]
        let text = try Self.file(kind)
        let range = try #require(text.range(of: found), "\(found)")
        let error = #expect(throws: TokenizerFileError.self) {
            try Vocabulary(TokenizerFiles(tokenizer: Array(text.replacingCharacters(in: range, with: by).utf8)))
        }
        #expect(error?.file == "tokenizer.json")
        #expect(error?.problem.hasPrefix(problem) ?? false, "\(String(describing: error))")
    }

    /// Whatever happens to the file, it is refused or works.
    @Test(arguments: ["llama3", "llama2", "qwen2"])
    func brokenFilesAreNoAttack(kind: String) throws {
        let whole = Array(try Self.file(kind).utf8)
        var random = SplitMix64(seed: 19, stream: 0)
        let pieces = ["null", "{}", "[]", "\"\"", "-1", "1e99", "\"\\ud800\"", "99999999999", "}", "]", ","].map {
            Array($0.utf8)
        }
        for round in 0..<150 {
            var bytes = whole
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let start = Int.random(in: 0..<bytes.count, using: &random)
                let end = min(bytes.count, start + Int.random(in: 0..<6, using: &random))
                let piece = pieces.randomElement(using: &random) ?? []
                bytes.replaceSubrange(
                    start..<end, with: round % 2 == 0 ? piece : [UInt8.random(in: 0...255, using: &random)])
            }
            if round % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            guard let vocabulary = try? Vocabulary(TokenizerFiles(tokenizer: bytes)) else { continue }
            let ids = Tokenizer(vocabulary).encode(
                "<|begin|>It's 1234 w\u{F6}rd\u{301}!\r\n\u{1F600}", special: .recognized)
            #expect(ids.allSatisfy { vocabulary.tokens.indices.contains(Int($0)) })
        }
    }
}
