import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import NIOCore
import Serving
import Testing

/// `/v1/messages` with a scripted engine.
@Suite struct MessagesTests {
    private static let body = #""model":"sft","max_tokens":20,"messages":[{"role":"user","content":"hi"}]"#
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))

    private func names(_ text: String) -> [String] {
        text.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { frame in
            String(frame.prefix { $0 != "\n" }.dropFirst(7))
        }
    }

    @Test func aStreamHasTheDocumentedEventsInOrder() async throws {
        try await withServer(engine) { client in
            let text = try await client.post("/v1/messages", "{\(Self.body),\"stream\":true}").text
            #expect(
                names(text) == [
                    "message_start", "content_block_start", "content_block_delta", "content_block_delta",
                    "content_block_stop", "message_delta", "message_stop",
                ])
            #expect(text.contains(#""content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"#))
            #expect(text.contains(#""content_block":{"type":"text","text":"","citations":null}"#))
            #expect(text.contains(#""index":0,"delta":{"type":"text_delta","text":"A "}"#))
            #expect(
                text.contains(
                    #"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":"#
                ))
            #expect(text.contains(#""output_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}"#))
            #expect(text.hasSuffix("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
        }
    }

    @Test func theWholeMessageHasEveryKey() async throws {
        try await withServer(engine) { client in
            let response = try await client.post(
                "/v1/messages", "{\(Self.body),\"system\":[{\"type\":\"text\",\"text\":\"Be short.\"}]}")
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(response.text.utf8)) as? [String: Any])
            let keys = "id type role model content stop_reason stop_sequence stop_details container usage"
            #expect(Set(object.keys) == Set(keys.split(separator: " ").map(String.init)))
            let usage = try #require(object["usage"] as? [String: Any])
            let counts = """
                input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens cache_creation \
                server_tool_use service_tier output_tokens_details inference_geo
                """
            #expect(Set(usage.keys) == Set(counts.split(separator: " ").map(String.init)))
            #expect(response.text.contains(#""content":[{"type":"text","text":"A red","citations":null}]"#))
            #expect(response.headers[.xRequestID]?.hasPrefix("req_") == true)
        }
    }

    @Test(arguments: [
        (FinishReason.endToken, #""stop_reason":"end_turn","stop_sequence":null"#, 20),
        (.stopString("END"), #""stop_reason":"stop_sequence","stop_sequence":"END""#, 20),
        (.length, #""stop_reason":"max_tokens","stop_sequence":null"#, 3),
        (.length, #""stop_reason":"model_context_window_exceeded","stop_sequence":null"#, 20),
    ])
    func eachEndHasItsReason(_ reason: FinishReason, _ expected: String, _ limit: Int) async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A ", "red"], reason: reason))
        try await withServer(engine) { client in
            let body = #"{"model":"sft","max_tokens":\#(limit),"messages":[{"role":"user","content":"hi"}]"#
            for ending in ["}", ",\"stream\":true}"] {
                let response = try await client.post("/v1/messages", body + ending)
                #expect(response.text.contains(expected), "\(response.text)")
            }
        }
    }

    @Test func errorsHaveAnthropicsShape() async throws {
        try await withServer(engine) { client in
            let unknown = #"{"model":"none","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}"#
            let cases: [(String, Int, String)] = [
                (unknown, 404, "not_found_error"),
                (#"{"model":"sft","messages":[{"role":"user","content":"hi"}]}"#, 400, "invalid_request_error"),
                ("{", 400, "invalid_request_error"),
            ]
            for (body, status, kind) in cases {
                let response = try await client.post("/v1/messages", body)
                #expect(response.status.code == status)
                let id = response.headers[.xRequestID] ?? ""
                #expect(response.text.hasPrefix(#"{"type":"error","error":{"type":"\#(kind)","message":""#))
                #expect(response.text.hasSuffix(#"},"request_id":"\#(id)"}"#))
            }
            let method = try await client.execute(uri: "/v1/messages", method: .get)
            #expect(method.status == .methodNotAllowed && method.text.contains("\"type\":\"error\""))
            let missing = try await client.execute(uri: "/v1/messages/x", method: .get)
            #expect(missing.status == .notFound && missing.text.contains("\"not_found_error\""))
        }
        try await withServer(ScriptedEngine(limit: 0, ScriptedEngine.saying([]))) { client in
            let full = try await client.post("/v1/messages", "{\(Self.body)}")
            #expect(full.status == .tooManyRequests && full.text.contains("\"rate_limit_error\""))
        }
    }

    @Test func aFailureIsTheOneTerminalEvent() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.failing(after: ["A"], .internal("secret")))) { client in
            let text = try await client.post("/v1/messages", "{\(Self.body),\"stream\":true}").text
            #expect(names(text).last == "error" && !text.contains("message_stop") && !text.contains("secret"))
            #expect(text.contains(#"{"type":"error","error":{"type":"api_error","message":"Internal error."},"#))
        }
    }

    @Test func aLastAssistantMessageIsContinued() async throws {
        try await withServer(engine) { client in
            let question = #"{"role":"user","content":"hi"}"#
            for messages in [question, question + #",{"role":"assistant","content":"It is"}"#] {
                let body = #"{"model":"sft","max_tokens":5,"messages":[\#(messages)]}"#
                let response = try await client.post("/v1/messages", body)
                #expect(response.status == .ok)
            }
        }
        let prompts = engine.requests.map(\.prompt)
        #expect(prompts[1].starts(with: prompts[0]) && prompts[1].count > prompts[0].count)
    }

    @Test func silentStreamsGetPings() async throws {
        let silent = ScriptedEngine { _, _ in }
        try await withServer(silent, configure: { $0.keepAlive = .milliseconds(20) }) { client in
            try await withSocket(
                port: try #require(client.port), post: "/v1/messages", "{\(Self.body),\"stream\":true}"
            ) { inbound in
                let text = try await read("event: ping\ndata: {\"type\":\"ping\"}\n\n", from: &inbound)
                #expect(text.contains("event: message_start"))
            }
        }
    }

    @Test func tokensAreCounted() async throws {
        let image = Data(ImageFile.encode(RGBImage(width: 16, height: 16, red: 255, green: 0, blue: 0)))
        let block =
            #"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"\#(image.base64EncodedString())"}}"#
        try await withServer(engine, policies: ScriptedPolicies(vision: try .tiny())) { client in
            for content in [#""hi""#, #"[{"type":"text","text":"hi"},\#(block)]"#] {
                let messages = #""model":"sft","messages":[{"role":"user","content":\#(content)}]"#
                let counted = try await client.post("/v1/messages/count_tokens", "{\(messages)}").text
                let answer = try await client.post("/v1/messages", "{\(messages),\"max_tokens\":5}").text
                let count = counted.dropFirst(#"{"input_tokens":"#.count).dropLast()
                #expect(answer.contains("\"input_tokens\":\(count),"), "\(counted) \(answer)")
            }
            let refused = try await client.post("/v1/messages/count_tokens", "{\(Self.body)}")
            #expect(refused.status == .badRequest && refused.text.contains("max_tokens"))
        }
    }

    @Test(arguments: [
        (#""temperature":1.5"#, "temperature"), (#""top_k":-2"#, "top_k"), (#""stop_sequences":[""]"#, "stop string"),
        (#""thinking":{"type":"enabled","budget_tokens":1}"#, "thinking.type"), (#""n":1"#, "n"),
        (#""container":"x""#, "container"), (#""cache_control":{"type":"forever"}"#, "cache_control.type"),
    ])
    func eachWrongFieldIsNamed(_ field: String, _ name: String) async throws {
        try await withServer(engine) { client in
            let response = try await client.post("/v1/messages", "{\(Self.body),\(field)}")
            #expect(response.status == .badRequest && response.text.contains(name), "\(response.text)")
        }
    }

    @Test(arguments: [
        (#"{"role":"system","content":"x"}"#, "messages[0].role"), (#"{"role":"user"}"#, "messages[0].content"),
        (
            #"{"role":"user","content":[{"type":"image","source":{"type":"url","url":"http://x"}}]}"#,
            "messages[0].content[0].source.type"
        ),
        (#"{"role":"user","content":[{"type":"document"}]}"#, "messages[0].content[0].type"),
    ])
    func eachWrongMessageIsNamed(_ message: String, _ path: String) async throws {
        try await withServer(engine) { client in
            let body = #"{"model":"sft","max_tokens":5,"messages":[\#(message)]}"#
            let response = try await client.post("/v1/messages", body)
            #expect(response.status == .badRequest, "\(response.text)")
            #expect(response.text.contains(path) || response.text.contains("not supported"), "\(response.text)")
        }
    }
}
