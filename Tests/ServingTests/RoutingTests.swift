import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Serving
import TestSupport
import Testing

@Suite struct RoutingTests {
    private let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#

    private func error(_ response: TestResponse, _ status: Int, _ code: String) {
        #expect(response.status.code == status)
        #expect(response.text.contains("\"code\":\"\(code)\""), "\(response.text)")
        #expect(response.headers[.contentType] == "application/json")
        #expect(response.headers[.xRequestID] != nil)
    }

    @Test func refusesInOneShape() async throws {
        try await withServer(
            ScriptedEngine(contextLength: 20, ScriptedEngine.saying(["x"])), configure: { $0.maximumBodyBytes = 2_000 }
        ) { client in
            error(try await client.execute(uri: "/v1/nothing", method: .get), 404, "not_found")
            error(try await client.execute(uri: "/livez/", method: .get), 404, "not_found")
            error(try await client.execute(uri: "/assets/x.js", method: .get), 404, "not_found")
            let method = try await client.execute(uri: "/v1/ask", method: .get)
            error(method, 405, "method_not_allowed")
            #expect(method.headers[.allow] == "POST, OPTIONS")
            let path = "/v1/chat/completions"
            error(try await client.execute(uri: path, method: .post), 415, "unsupported_media_type")
            error(try await client.post(path, "{"), 400, "invalid_json")
            error(try await client.post(path, "{}"), 400, "missing_required_parameter")
            error(try await client.post(path, chat.replacing("sft", with: "gpt")), 404, "model_not_found")
            error(try await client.post(path, chat, headers: [.contentEncoding: "gzip"]), 415, "unsupported_media_type")
            let long = chat.replacing("hi", with: String(repeating: "hi ", count: 100))
            let context = try await client.post(path, long)
            error(context, 400, "context_length_exceeded")
            #expect(context.text.contains("maximum context length is 20 tokens"))
            let image = #"[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]"#
            error(try await client.post(path, chat.replacing("\"hi\"", with: image)), 400, "unsupported_value")
            error(try await client.post("/v1/completions", #"{"model":"sft","prompt":[99999]}"#), 400, "invalid_value")
            let huge = chat.replacing("hi", with: String(repeating: "hi", count: 2_000))
            let large = try await client.post(path, huge)
            error(large, 413, "request_too_large")
            #expect(large.headers[.connection] == "close")
        }
    }

    @Test func aFullQueueIsSaidAtOnce() async throws {
        try await withServer(ScriptedEngine(limit: 1, stepSeconds: 2.5, ScriptedEngine.saying(["x"]))) { client in
            let response = try await client.post(
                "/v1/chat/completions", chat.replacing("\"sft\"", with: "\"sft\",\"n\":2"))
            error(response, 429, "queue_full")
            #expect(response.headers[.retryAfter] == "3", "the time of the one that waits, rounded up")
            #expect(try await client.post("/v1/chat/completions", chat).status == .ok)
        }
    }

    @Test func requestIDsAreKeptIfHarmless() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["x"]))) { client in
            for (given, isKept) in [("a-B_9.", true), ("a b", false), (String(repeating: "a", count: 129), false)] {
                let response = try await client.execute(uri: "/livez", method: .get, headers: [.xRequestID: given])
                #expect((response.headers[.xRequestID] == given) == isKept)
            }
        }
    }

    @Test func listsModels() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["x"]))) { client in
            let list = try await client.execute(uri: "/v1/models", method: .get)
            #expect(list.text.contains(#""first_id":"sft""#))
            #expect(list.text.contains(#""root":"sft","parent":"base","#))
            #expect(list.text.contains(#""max_model_len":1024,"generation":3,"image":null"#))
            #expect(try await client.execute(uri: "/v1/models/sft", method: .get).status == .ok)
            error(try await client.execute(uri: "/v1/models/x", method: .get), 404, "model_not_found")
        }
    }

    @Test func metricsCountRequests() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["a", "b"]))) { client in
            _ = try await client.post("/v1/chat/completions", chat)
            _ = try await client.post("/v1/chat/completions", chat.replacing("sft", with: "gpt"))
            let text = try await client.execute(uri: "/metrics", method: .get).text
            let route = "route=\"/v1/chat/completions\""
            #expect(text.contains("apus_requests_total{\(route),model=\"sft\",modality=\"text\",outcome=\"stop\"} 1\n"))
            #expect(
                text.contains("apus_requests_total{\(route),model=\"\",modality=\"text\",outcome=\"rejected\"} 1\n"))
            #expect(text.contains("apus_http_responses_total{\(route),method=\"POST\",status=\"404\"} 1\n"))
            #expect(text.contains("apus_generated_tokens_total{model=\"sft\"} 3\n"))
            #expect(text.contains("apus_inter_token_seconds_count{model=\"sft\",modality=\"text\"} 1\n"))
            #expect(text.contains("apus_prefill_seconds_count{model=\"sft\",modality=\"text\"} 1\n"))
            #expect(text.contains("apus_requests_running{modality=\"text\"} 1.0\n"))
            #expect(text.contains("apus_step_seconds_bucket{le=\"0.02\"} 1\n"))
            #expect(text.contains("apus_policy_generation{model=\"sft\"} 3.0\n"))
            #expect(text.contains("vllm:kv_cache_usage_perc{model_name=\"sft\"} 0.25\n"))
            #expect(text.contains("vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"8\"} 1.0\n"))
            let adapters = "max_lora=\"0\",running_lora_adapters=\"ppo,sft\",waiting_lora_adapters=\"\""
            #expect(text.contains("vllm:lora_requests_info{\(adapters)} 12.0\n"))
            #expect(!text.contains("gpt"))
        }
    }

    /// Computed tokens count even if an answer does not end; the prompt's count once for any number of candidates.
    @Test func tokensOfUnfinishedAnswersAreCounted() async throws {
        let engine = ScriptedEngine(ScriptedEngine.failing(after: ["a", "b"], .deadlineExceeded))
        try await withServer(engine) { client in
            for (index, stream) in ["true", "false"].enumerated() {
                let body = chat.replacing("{", with: "{\"stream\": \(stream),", maxReplacements: 1)
                _ = try await client.post("/v1/chat/completions", body)
                _ = try await client.post("/v1/ask", #"{"question": "What?", "model": "sft", "stream": \#(stream)}"#)
                let text = try await client.execute(uri: "/metrics", method: .get).text
                #expect(text.contains("apus_generated_tokens_total{model=\"sft\"} \(4 * (index + 1))\n"))
            }
        }
    }

    @Test func servesThePage() async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(
                at: folder.appendingPathComponent("assets/sub"), withIntermediateDirectories: true)
            try Data("<p>".utf8).write(to: folder.appendingPathComponent("index.html"))
            try Data("x".utf8).write(to: folder.appendingPathComponent("assets/sub/a.js"))
            try await withServer(
                ScriptedEngine(ScriptedEngine.saying(["x"])), configure: { $0.publicFolder = folder.path }
            ) { client in
                let page = try await client.execute(uri: "/", method: .get)
                #expect(page.text == "<p>")
                #expect(page.headers[.contentSecurityPolicy]?.hasPrefix("default-src 'none'") == true)
                #expect(page.headers[.xContentTypeOptions] == "nosniff")
                let script = try await client.execute(uri: "/assets/sub/a.js", method: .get)
                #expect(script.headers[.contentType] == "text/javascript; charset=utf-8")
                error(try await client.execute(uri: "/assets/../index.html", method: .get), 404, "not_found")
                let head = try await client.execute(uri: "/", method: .head)
                #expect(head.text.isEmpty)
                #expect(head.headers[.contentLength] == "3")
            }
        }
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("localhost", true), ("::1", true), ("0.0.0.0", false), ("::", false),
        ("127.evil.example.com", false), ("192.168.0.1", false),
    ])
    func exposedAddressesAreRefused(_ host: String, _ isLoopback: Bool) {
        var configuration = ServerConfiguration()
        configuration.host = host
        #expect(throws: Never.self) { try configuration.checkAddress(hasKeys: true) }
        if isLoopback {
            #expect(throws: Never.self) { try configuration.checkAddress(hasKeys: false) }
        } else {
            #expect(throws: ExposedAddressError.self) { try configuration.checkAddress(hasKeys: false) }
        }
        configuration.isInsecure = true
        #expect(throws: Never.self) { try configuration.checkAddress(hasKeys: false) }
    }
}
