import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import Serving
import Support
import Testing

/// Calls of functions in `/v1/responses` and `/v1/messages`, with a scripted engine.
@Suite struct ForeignToolTests {
    private let engine = ScriptedEngine(
        ScriptedEngine.saying([
            "Let me see. ", "<tool_", "call>{\"name\": \"look\", \"arguments\": {\"city\"", ": \"Rome\"}}",
            "</tool_call>",
        ]))

    private static let responses =
        #"{"model":"sft","input":"hi","tools":[{"type":"function","name":"look","parameters":{"type":"object"}}]"#
    private static let messages =
        #"{"model":"sft","max_tokens":90,"messages":[{"role":"user","content":"hi"}],"#
        + #""tools":[{"name":"look","description":"Looks.","input_schema":{"type":"object"}}]"#

    /// The events of a stream: name and data.
    private func events(_ text: String) throws -> [(name: String, data: JSON)] {
        try text.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { frame in
            let lines = frame.split(separator: "\n")
            return (String(lines[0].dropFirst(7)), try JSON.parse(Array(lines[1].dropFirst(6).utf8)))
        }
    }

    private func strings(_ name: String, _ events: [(name: String, data: JSON)], of event: String) -> [String] {
        events.filter { $0.name == event }.compactMap { event in
            guard case .object(let members) = event.data else { return nil }
            guard case .string(let text)? = members.first(where: { $0.name == name })?.value else { return nil }
            return text
        }
    }

    @Test func aResponseStreamsTextThenTheCall() async throws {
        try await withServer(engine) { client in
            let events = try events(try await client.post("/v1/responses", Self.responses + ",\"stream\":true}").text)
            let names = events.map(\.name)
            #expect(
                names.filter { !$0.hasSuffix("delta") } == [
                    "response.created", "response.in_progress", "response.output_item.added",
                    "response.content_part.added", "response.output_text.done", "response.content_part.done",
                    "response.output_item.done", "response.output_item.added", "response.function_call_arguments.done",
                    "response.output_item.done", "response.completed",
                ])
            #expect(strings("delta", events, of: "response.output_text.delta").joined() == "Let me see.")
            let arguments = strings("delta", events, of: "response.function_call_arguments.delta")
            #expect(arguments.count > 1 && arguments.joined() == #"{"city": "Rome"}"#)
            #expect(strings("arguments", events, of: "response.function_call_arguments.done") == [arguments.joined()])
            let last = try #require(events.last).data.text
            #expect(last.contains(#""type":"function_call","status":"completed","call_id":"call_"#), "\(last)")
            #expect(last.contains(#""name":"look","arguments":"{\"city\": \"Rome\"}""#))
            // The ids of the events are the ids of the final output.
            let ids = Set(strings("item_id", events, of: "response.function_call_arguments.delta"))
            #expect(ids.count == 1 && ids.allSatisfy { last.contains($0) })
        }
    }

    @Test func aWholeResponseHasTheCallAsAnItem() async throws {
        try await withServer(engine) { client in
            let text = try await client.post("/v1/responses", Self.responses + "}").text
            #expect(text.contains(#""text":"Let me see.""#) && text.contains(#""type":"function_call""#), "\(text)")
            #expect(text.contains(#""tools":[{"type":"function","name":"look""#))
            #expect(text.contains(#""status":"completed","incomplete_details":null"#))
        }
    }

    @Test func aMessageStreamsTextThenTheCall() async throws {
        try await withServer(engine) { client in
            let events = try events(try await client.post("/v1/messages", Self.messages + ",\"stream\":true}").text)
            #expect(
                events.map(\.name).filter { $0 != "content_block_delta" } == [
                    "message_start", "content_block_start", "content_block_stop", "content_block_start",
                    "content_block_stop", "message_delta", "message_stop",
                ])
            let text = events.map(\.data.text).joined(separator: "\n")
            #expect(text.contains(#""index":1,"content_block":{"type":"tool_use","id":"toolu_"#), "\(text)")
            #expect(text.contains(#""name":"look","input":{},"caller":{"type":"direct"}}"#))
            #expect(text.contains(#""delta":{"type":"input_json_delta","partial_json":"#))
            #expect(text.contains(#""delta":{"stop_reason":"tool_use","#))
            let whole = try await client.post("/v1/messages", Self.messages + "}").text
            #expect(whole.contains(#""input":{"city":"Rome"}"#) && whole.contains(#""stop_reason":"tool_use""#))
        }
    }

    /// A call that the limit cuts off is not complete, and is no error.
    @Test func aCallThatIsCutOffIsIncomplete() async throws {
        let engine = ScriptedEngine(
            ScriptedEngine.saying(["<tool_call>{\"name\": \"look\", \"arguments\": {\"ci"], reason: .length))
        try await withServer(engine) { client in
            let events = try events(try await client.post("/v1/responses", Self.responses + ",\"stream\":true}").text)
            #expect(events.last?.name == "response.incomplete")
            #expect(events.last?.data.text.contains(#""type":"function_call","status":"incomplete""#) == true)
            let whole = try await client.post("/v1/messages", Self.messages + "}").text
            #expect(whole.contains(#""input":{}"#) && !whole.contains("tool_use\",\"stop_sequence"), "\(whole)")
        }
    }

    @Test func historyWithCallsAndImagesInResultsIsTaken() async throws {
        let image = Data(ImageFile.encode(RGBImage(width: 16, height: 16, red: 255, green: 0, blue: 0)))
            .base64EncodedString()
        let responses =
            #"[{"role":"user","content":"hi"},{"type":"function_call","id":"fc_1","call_id":"call_1","name":"look","#
            + #""arguments":"{}","status":"completed"},{"type":"function_call_output","call_id":"call_1","output":["#
            + #"{"type":"input_text","text":"seen"},"#
            + #"{"type":"input_image","image_url":"data:image/png;base64,\#(image)"}]}]"#
        let messages =
            #"[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","#
            + #""name":"look","input":{},"caller":{"type":"direct"}}]},"#
            + #"{"role":"user","content":[{"type":"tool_result","#
            + #""tool_use_id":"toolu_1","content":[{"type":"text","text":"seen"},{"type":"image","source":"#
            + #"{"type":"base64","media_type":"image/png","data":"\#(image)"}}]}]}]"#
        let engine = ScriptedEngine(ScriptedEngine.saying(["A red one."]))
        try await withServer(engine, policies: ScriptedPolicies(vision: try .tiny())) { client in
            let tools = Self.responses.dropFirst(#"{"model":"sft","input":"hi","#.count)
            let response = try await client.post("/v1/responses", #"{"model":"sft","input":\#(responses),\#(tools)}"#)
            #expect(response.status == .ok, "\(response.text)")
            let message = try await client.post(
                "/v1/messages", #"{"model":"sft","max_tokens":9,"messages":\#(messages)}"#)
            #expect(message.status == .ok, "\(message.text)")
        }
        #expect(engine.requests.map(\.images.count) == [1, 1])
    }

    @Test(arguments: [
        ("/v1/responses", #"{"model":"sft","input":"hi","tool_choice":"required"}"#, "tool_choice"),
        ("/v1/responses", #"{"model":"sft","input":"hi","tools":[{"type":"web_search"}]}"#, "tools[0].type"),
        (
            "/v1/responses",
            #"{"model":"sft","input":[{"type":"function_call_output","call_id":"x","output":"y"}]}"#,
            "input[0].call_id"
        ),
        (
            "/v1/responses",
            #"{"model":"sft","input":[{"type":"function_call","call_id":"x","name":"f","arguments":"y"}]}"#,
            "input[0].arguments"
        ),
        (
            "/v1/messages",
            #"{"model":"sft","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","#
                + #""tool_use_id":"x"}]}]}"#, "messages[0].content[0].tool_use_id"
        ),
        (
            "/v1/messages",
            #"{"model":"sft","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"any"}}"#,
            "tool_choice"
        ),
        (
            "/v1/messages",
            #"{"model":"sft","max_tokens":1,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f"}]}"#,
            "tools[0].input_schema"
        ),
    ])
    func eachWrongFieldIsNamed(_ path: String, _ body: String, _ param: String) async throws {
        try await withServer(engine) { client in
            let response = try await client.post(path, body)
            #expect(response.status == .badRequest && response.text.contains(param), "\(response.text)")
        }
    }
}
