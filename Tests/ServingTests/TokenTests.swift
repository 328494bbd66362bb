import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Serving
import TestSupport
import Testing
import Tokenizers

/// `/tokenize`, `/detokenize` and `/tokenizer_info`.
@Suite struct TokenTests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func textBecomesTokensAndTextAgain() async throws {
        let tokenizer = try TinyLlama.tokenizer()
        try await withServer(engine) { client in
            for text in ["it is red", "", "<|im_end|>", "a<|im_start|>b", "ünïcode 🙂"] {
                let body = try JSONSerialization.data(
                    withJSONObject: ["prompt": text, "add_special_tokens": false, "return_token_strs": true])
                let tokenized = try object(
                    try await client.post("/tokenize", String(decoding: body, as: UTF8.self)).text)
                let tokens = try #require(tokenized["tokens"] as? [Int])
                #expect(tokens == tokenizer.encode(text, special: .recognized).map(Int.init))
                #expect(tokenized["count"] as? Int == tokens.count && tokenized["max_model_len"] as? Int == 1_024)
                #expect((tokenized["token_strs"] as? [String])?.count == tokens.count)
                let back = try object(try await client.post("/detokenize", "{\"tokens\":\(tokens)}").text)
                #expect(back["prompt"] as? String == back["content"] as? String)
                if !text.contains("ü") { #expect(back["prompt"] as? String == text) }
            }
            let named = try await client.post("/tokenize", #"{"content":"<|im_end|>","add_special_tokens":false}"#).text
            #expect(named.contains(#""count":1,"#) && named.contains(#""token_strs":null"#))
        }
    }

    @Test func dialoguesAreCountedInTheirTemplate() async throws {
        try await withServer(engine) { client in
            let messages = #""messages":[{"role":"user","content":"hi"}]"#
            let counted = try object(try await client.post("/tokenize", "{\(messages)}").text)
            _ = try await client.post("/v1/chat/completions", "{\"model\":\"sft\",\(messages)}")
            #expect(counted["tokens"] as? [Int] == engine.requests.first?.prompt.map(Int.init))
        }
    }

    @Test func theTokenizerIsDescribed() async throws {
        try await withServer(engine) { client in
            let response = try await client.execute(uri: "/tokenizer_info", method: .get)
            let info = try object(response.text)
            let keys = """
                tokenizer_class bos_token eos_token pad_token unk_token model_max_length vocab_size chat_template
                """
            #expect(Set(info.keys) == Set(keys.split(separator: " ").map(String.init)))
            let end = try #require(info["eos_token"] as? String)
            let body = try JSONSerialization.data(withJSONObject: ["prompt": end, "add_special_tokens": false])
            let encoded = try object(try await client.post("/tokenize", String(decoding: body, as: UTF8.self)).text)
            #expect((encoded["tokens"] as? [Int])?.count == 1)
        }
    }

    /// A client that renders the template itself gets the server's own prompt.
    @Test func theTemplatesTextWritesTheSamePrompt() throws {
        let tokenizer = try TinyLlama.tokenizer()
        let dialogues = [
            [ChatMessage(role: .user, text: "hi")],
            [
                ChatMessage(role: .system, text: "Be short."), ChatMessage(role: .user, text: "hi"),
                ChatMessage(role: .assistant, text: "yes"), ChatMessage(role: .user, text: "more\n"),
            ],
        ]
        for template in [ChatTemplate.chatml, .smollm2] {
            let written = try ChatTemplate(jinja: template.jinja, specialTokens: [:])
            for dialogue in dialogues {
                let prompts = try [template, written].map {
                    try $0.render(dialogue, imageToken: 0, tokenizer: tokenizer).ids
                }
                #expect(prompts[0] == prompts[1])
            }
        }
    }

    @Test(arguments: [
        ("/tokenize", "{}", "prompt", "missing_required_parameter"),
        ("/tokenize", #"{"prompt":1}"#, "prompt", "invalid_type"),
        ("/tokenize", #"{"prompt":"a","content":"b"}"#, "content", "invalid_value"),
        ("/tokenize", #"{"prompt":"a","messages":[{"role":"user","content":"x"}]}"#, "prompt", "invalid_value"),
        ("/tokenize", #"{"prompt":"a","x":1}"#, "x", "unknown_parameter"),
        ("/tokenize", #"{"prompt":"a","model":"none"}"#, "model", "model_not_found"),
        ("/detokenize", "{}", "tokens", "missing_required_parameter"),
        ("/detokenize", #"{"tokens":[-1]}"#, "tokens[0]", "invalid_value"),
        ("/detokenize", #"{"tokens":[99999999]}"#, "tokens", "invalid_value"),
        ("/detokenize", #"{"tokens":"a"}"#, "tokens", "invalid_type"),
    ])
    func eachWrongFieldIsNamed(_ path: String, _ body: String, _ param: String, _ code: String) async throws {
        try await withServer(engine) { client in
            let response = try await client.post(path, body)
            #expect(response.text.contains("\"param\":\"\(param)\",\"code\":\"\(code)\""), "\(response.text)")
        }
    }
}
