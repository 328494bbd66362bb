import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Policies
import Serving
import Synchronization
import TestSupport
import Testing
import Tokenizers

@Suite struct CompletionTests {
    private static let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]"#

    @Test func answersWhole() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A ", "red"], reason: .length))
        try await withServer(engine) { client in
            let response = try await client.post(
                "/v1/chat/completions", Self.chat + ",\"seed\":5,\"n\":2,\"max_tokens\":9,\"stop\":\"x\",\"top_k\":-1}")
            #expect(response.status == .ok)
            #expect(response.headers[.server] == "apus")
            #expect(response.headers[.apusPolicy] == "sft@3")
            #expect(response.headers[.xRequestID]?.hasPrefix("req_") == true)
            #expect(
                response.text.contains(
                    #""message":{"role":"assistant","content":"A red","refusal":null,"annotations":[]}"#))
            #expect(response.text.contains(#""finish_reason":"length""#))
            #expect(response.text.contains(#""completion_tokens":6"#))
        }
        #expect(engine.requests.count == 2)
        #expect(engine.requests[0].sampling.seed == 5)
        #expect(engine.requests[1].sampling.seed != 5)
        #expect(engine.requests[0].sampling.topK == nil)
        #expect(engine.requests[0].stop.maximumTokens == 9)
        #expect(engine.requests[0].stop.strings == ["x"])
        #expect(engine.requests[0].deadline != nil)
    }

    /// Each prompt counts once: the answer with the fewest cached tokens shows the cache's state before the request.
    @Test(arguments: [false, true]) func cachedTokensAreCountedByPrompt(isStreaming: Bool) async throws {
        let found = Mutex([0, 5, 7, 3][...])
        let engine = ScriptedEngine { _, events in
            let cached = found.withLock { $0.popFirst() ?? 0 }
            events.yield(.started)
            events.yield(
                .finished(Completion(reason: .length, tokens: [], generatedTokens: 1, cachedTokens: cached)))
            events.finish()
        }
        let stream = isStreaming ? #","stream":true,"stream_options":{"include_usage":true}"# : ""
        try await withServer(engine) { client in
            let response = try await client.post(
                "/v1/completions", #"{"model":"sft","prompt":[[5,6],[7,8]],"n":2"# + stream + "}")
            #expect(response.text.contains(#""cached_tokens":3"#), "\(response.text)")
        }
    }

    /// If the vocabulary lacks the template's tokens, the error does not blame the caller's messages.
    @Test func aModelWithoutATemplateTakesPromptsAlone() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))
        let tokenizer = try TinyLlama.tokenizer(of: TinyLlama.file(), kinds: [1: .userDefined])
        let model = ServedModel(
            engine: engine, policies: try PolicyStore(ScriptedPolicies()),
            processor: InputProcessor(tokenizer: tokenizer), contextLength: 1_024)
        try await withServer(model) { client in
            let models = try await client.execute(uri: "/v1/models", method: .get)
            #expect(models.text.contains(#""chat":false"#))
            let response = try await client.post("/v1/chat/completions", Self.chat + "}")
            #expect(response.status == .badRequest)
            #expect(response.text.contains(#""param":"model""#))
            #expect(response.text.contains("/v1/completions: the vocabulary has no control token"))
            #expect(try await client.post("/v1/completions", #"{"model":"sft","prompt":"hi"}"#).status == .ok)
        }
    }

    /// They apply if a request sets none, and raw prompts are no dialogues.
    @Test func dialoguesWithoutAnImageHaveSamplingDefaultsOfTheirOwn() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))
        var sampling = SamplingParameters()
        sampling.temperature = 0.25
        sampling.topP = 0.5
        let model = ServedModel(
            engine: engine, policies: try PolicyStore(ScriptedPolicies(textSampling: sampling)),
            processor: InputProcessor(tokenizer: try TinyLlama.tokenizer()), contextLength: 1_024)
        try await withServer(model) { client in
            _ = try await client.post("/v1/chat/completions", Self.chat + "}")
            _ = try await client.post("/v1/chat/completions", Self.chat + #","temperature":0.75}"#)
            _ = try await client.post("/v1/completions", #"{"model":"sft","prompt":"hi"}"#)
            let models = try await client.execute(uri: "/v1/models", method: .get)
            let rest = #","top_k":0,"min_p":0.0,"repetition_penalty":1.0,"max_tokens":1024}"#
            #expect(models.text.contains(#""defaults":{"temperature":1.0,"top_p":1.0"# + rest))
            #expect(models.text.contains(#""text_defaults":{"temperature":0.25,"top_p":0.5"# + rest))
        }
        #expect(engine.requests.map(\.sampling.temperature) == [0.25, 0.75, 1])
        #expect(engine.requests.map(\.sampling.topP) == [0.5, 0.5, 1])
    }

    @Test func dialoguesWithoutALimitGetTheServersOne() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))
        try await withServer(engine) { client in
            _ = try await client.post("/v1/chat/completions", Self.chat + "}")
            _ = try await client.post("/v1/chat/completions", Self.chat + ",\"ignore_eos\":true}")
            let models = try await client.execute(uri: "/v1/models", method: .get)
            #expect(models.text.contains(#""max_tokens":1024"#))
        }
        #expect(engine.requests.map(\.stop.maximumTokens) == [1_024, 1_024])
        #expect(engine.requests.map(\.stop.endsRepetition) == [true, false])
    }

    /// Every byte of a stream without options, except for id, time and fingerprint.
    @Test func streamsAreTheseBytes() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A "]))
        @Sendable func head(_ kind: String) -> String {
            #"data: {"id":"","object":"\#(kind)","created":0,"model":"sft","system_fingerprint":"","choices":[{"index":0,"#
        }
        @Sendable func stream(_ kind: String, _ choices: [String]) -> String {
            choices.map { head(kind) + $0 + "}]}\n\n" }.joined() + "data: [DONE]\n\n"
        }
        try await withServer(engine) { client in
            for (path, fields, expected) in [
                (
                    "/v1/completions", #""prompt":"hi""#,
                    stream(
                        "text_completion",
                        [
                            #""text":"A ","logprobs":null,"finish_reason":null"#,
                            #""text":"","logprobs":null,"finish_reason":"stop""#,
                        ])
                ),
                (
                    "/v1/chat/completions", #""messages":[{"role":"user","content":"hi"}]"#,
                    stream(
                        "chat.completion.chunk",
                        [
                            #""delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"#
                                + #""finish_reason":null"#,
                            #""delta":{"content":"A "},"logprobs":null,"finish_reason":null"#,
                            #""delta":{},"logprobs":null,"finish_reason":"stop""#,
                        ])
                ),
            ] {
                var text = try await client.post(path, "{\"model\":\"sft\",\"stream\":true,\(fields)}").text
                for (found, scrubbed) in [
                    (#""id":"[^"]*""#, #""id":"""#), (#""created":\d+"#, #""created":0"#),
                    (#""system_fingerprint":"[^"]*""#, #""system_fingerprint":"""#),
                ] { text = text.replacingOccurrences(of: found, with: scrubbed, options: .regularExpression) }
                #expect(text == expected)
            }
        }
    }

    @Test func streamsInOrder() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))
        try await withServer(engine) { client in
            let response = try await client.post(
                "/v1/chat/completions",
                Self.chat + #","n":2,"stream":true,"stream_options":{"include_usage":true}}"#)
            #expect(response.headers[.contentType] == "text/event-stream; charset=utf-8")
            let frames = response.frames
            #expect(frames.count == 10)
            #expect(frames[0].contains(#""index":0,"delta":{"role":"assistant","content":"","refusal":null}"#))
            #expect(frames[1].contains(#""index":1,"delta":{"role":"assistant""#))
            for index in 0..<2 {
                let own = frames.filter { $0.contains("\"index\":\(index),") }
                #expect(own.count == 4)
                #expect(
                    own[1].contains(#""delta":{"content":"A "},"logprobs":null,"finish_reason":null}],"usage":null}"#))
                #expect(own[3].contains(#""delta":{},"logprobs":null,"finish_reason":"stop""#))
            }
            #expect(frames[8].contains(#""choices":[],"usage":{"prompt_tokens":"#))
            #expect(frames[9] == "[DONE]")
            #expect(frames.filter { $0.contains("\"usage\":{") }.count == 1)
        }
    }

    @Test func failureEndsStreamsOnce() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.failing(after: ["A"], .internal("secret")))) { client in
            let response = try await client.post("/v1/chat/completions", Self.chat + #","stream":true}"#)
            #expect(response.status == .ok)
            #expect(response.frames.suffix(2).first?.hasPrefix(#"{"error":{"message":"Internal error."#) == true)
            #expect(response.frames.last == "[DONE]")
            #expect(!response.text.contains("finish_reason\":\"stop"))
            #expect(!response.text.contains("secret"))
        }
    }

    @Test(arguments: [
        (EngineFailure.deadlineExceeded, 504, "generation_timeout"), (.stopped, 503, "server_draining"),
        (.internal("secret"), 500, "internal_error"),
    ])
    func failureIsAStatus(_ failure: EngineFailure, _ status: Int, _ code: String) async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.failing(after: ["A"], failure))) { client in
            let response = try await client.post("/v1/chat/completions", Self.chat + "}")
            #expect(response.status.code == status)
            #expect(response.text.contains("\"code\":\"\(code)\""))
            #expect(!response.text.contains("secret"))
        }
    }

    @Test func reportsLogprobs() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A"]))) { client in
            let chat = try await client.post("/v1/chat/completions", Self.chat + #","logprobs":true,"top_logprobs":1}"#)
            #expect(chat.text.components(separatedBy: "\"top_logprobs\":[{").count == 2)
            let completion = try await client.post(
                "/v1/completions", #"{"model":"sft","prompt":[[5,6],[7]],"logprobs":1}"#)
            #expect(completion.text.contains(#""token_logprobs":[-0.5,-1.0]"#))
            #expect(completion.text.contains(#""prompt_tokens":3"#))
            #expect(completion.text.contains(#""index":1"#))
        }
        // The engine's last token is half a character here: it printed nothing, but belongs to the answer.
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A"], reason: .length))) { client in
            let chat = try await client.post("/v1/chat/completions", Self.chat + #","logprobs":true}"#)
            #expect(chat.text.components(separatedBy: "\"logprob\":").count == 4)
        }
    }

    @Test func reportsTokenIDs() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A"]))) { client in
            let wanted = #","return_token_ids":true"#
            let chat = try await client.post("/v1/chat/completions", Self.chat + wanted + "}")
            let prompt = try #require(chat.text.firstMatch(of: /"prompt_token_ids":\[[0-9,]+\]/)?.output)
            let answer = try #require(chat.text.firstMatch(of: /"token_ids":\[([0-9]+),([0-9]+)\]/)?.output)
            let stream = try await client.post("/v1/chat/completions", Self.chat + wanted + #","stream":true}"#)
            #expect(stream.text.components(separatedBy: prompt).count == 2)
            #expect(stream.text.contains("\"token_ids\":[\(answer.1)]"))
            #expect(stream.text.contains("\"token_ids\":[\(answer.2)]"))
            let body = #"{"model":"sft","prompt":[[5,6],[7]]"#
            for ending in ["}", #","stream":true}"#] {
                let completion = try await client.post("/v1/completions", body + wanted + ending)
                for ids in ["[5,6]", "[7]"] {
                    #expect(completion.text.components(separatedBy: "\"prompt_token_ids\":\(ids)").count == 2)
                }
            }
            let plain = try await client.post("/v1/chat/completions", Self.chat + "}")
            #expect(!plain.text.contains("token_ids"))
        }
    }

    @Test func completionsEchoPrompts() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A"]))
        try await withServer(engine) { client in
            let body = #"{"model":"sft","prompt":[5,6,7],"echo":true,"logprobs":0,"max_tokens":0"#
            let whole = try await client.post("/v1/completions", body + "}").text
            #expect(whole.contains(#""text":"hi A""#))
            #expect(whole.contains(#""token_logprobs":[null,-2.0,-2.0,-0.5,-1.0],"top_logprobs":[null,{"#))
            let frames = try await client.post(
                "/v1/completions",
                body + #","stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#
            ).frames
            #expect(frames[0].contains(#""text":"hi ""#) && frames[0].contains(#""completion_tokens":0"#))
            #expect(frames[1].contains(#""text":"A""#) && frames[1].contains(#""completion_tokens":1"#))
        }
        #expect(engine.requests.first?.stop.maximumTokens == 0)
    }

    @Test func completionsStreamWithoutRoles() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["A", "B"]))) { client in
            let response = try await client.post("/v1/completions", #"{"model":"sft","prompt":"hi","stream":true}"#)
            #expect(response.frames.count == 4)
            #expect(response.frames[0].contains(#""object":"text_completion""#))
            #expect(
                response.frames[0].contains(#""choices":[{"index":0,"text":"A","logprobs":null,"finish_reason":null}]"#)
            )
        }
    }
}
