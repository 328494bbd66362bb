import Engine
import Foundation
import HTTPTypes
import HummingbirdTesting
import Images
import Policies
import Serving
import Support
import Testing

/// `/v1/responses` with a scripted engine.
@Suite struct ResponsesTests {
    private let engine = ScriptedEngine(ScriptedEngine.saying(["A ", "red"]))

    /// The names of a stream's events with their data.
    private func events(_ text: String) throws -> [(name: String, data: [String: Any])] {
        try text.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { frame in
            let lines = frame.split(separator: "\n")
            let data = try JSONSerialization.jsonObject(with: Data(lines[1].dropFirst(6).utf8))
            return (String(lines[0].dropFirst(7)), try #require(data as? [String: Any]))
        }
    }

    @Test func aStreamHasTheDocumentedEventsInOrder() async throws {
        try await withServer(engine) { client in
            let response = try await client.post("/v1/responses", #"{"model":"sft","input":"hi","stream":true}"#)
            #expect(response.headers[.contentType] == "text/event-stream; charset=utf-8")
            let events = try events(response.text)
            #expect(
                events.map(\.name) == [
                    "response.created", "response.in_progress", "response.output_item.added",
                    "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
                    "response.output_text.done", "response.content_part.done", "response.output_item.done",
                    "response.completed",
                ])
            #expect(events.map { $0.data["type"] as? String } == events.map(\.name))
            #expect(events.map { $0.data["sequence_number"] as? Int } == Array(0..<10))
            let responses = events.compactMap { $0.data["response"] as? [String: Any] }
            #expect(responses.count == 3 && Set(responses.compactMap { $0["id"] as? String }).count == 1)
            #expect(responses[0]["usage"] is NSNull && responses[0]["status"] as? String == "in_progress")
            #expect(Set(events.compactMap { $0.data["item_id"] as? String }).count == 1)
            let last = try #require(responses.last)
            #expect(last["status"] as? String == "completed")
            let usage = try #require(last["usage"] as? [String: Any])
            #expect(usage["output_tokens"] as? Int == 3)
        }
    }

    @Test func theWholeResponseHasEveryKey() async throws {
        try await withServer(engine) { client in
            let text = try await client.post(
                "/v1/responses",
                #"{"model":"sft","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}],"#
                    + #""instructions":"Be short.","max_output_tokens":9,"metadata":{"a":"b"},"temperature":0}"#
            ).text
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let keys = """
                id object created_at completed_at status incomplete_details model previous_response_id instructions \
                output error tools tool_choice truncation parallel_tool_calls text top_p presence_penalty \
                frequency_penalty top_logprobs temperature reasoning usage max_output_tokens max_tool_calls store \
                background service_tier metadata safety_identifier prompt_cache_key
                """
            #expect(Set(object.keys) == Set(keys.split(separator: " ").map(String.init)))
            #expect(text.contains(#""instructions":"Be short.""#) && text.contains(#""metadata":{"a":"b"}"#))
            #expect(
                text.contains(
                    #""content":[{"type":"output_text","text":"A red","annotations":[],"logprobs":[]}]"#))
        }
        let request = try #require(engine.requests.first)
        #expect(request.stop.maximumTokens == 9 && request.sampling.temperature == 0)
    }

    @Test func theLimitMakesAResponseIncomplete() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["A"], reason: .length))
        try await withServer(engine) { client in
            let whole = try await client.post("/v1/responses", #"{"model":"sft","input":"hi"}"#).text
            #expect(whole.contains(#""status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}"#))
            let stream = try await client.post("/v1/responses", #"{"model":"sft","input":"hi","stream":true}"#).text
            let events = try events(stream)
            #expect(events.last?.name == "response.incomplete")
            #expect(stream.components(separatedBy: #""status":"incomplete""#).count == 4)
        }
    }

    @Test func aFailureIsTheOneTerminalEvent() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.failing(after: ["A"], .internal("secret")))) { client in
            let text = try await client.post("/v1/responses", #"{"model":"sft","input":"hi","stream":true}"#).text
            let events = try events(text)
            #expect(events.last?.name == "response.failed" && !text.contains("secret"))
            #expect(events.map { $0.data["sequence_number"] as? Int } == Array(0..<events.count))
            #expect(events.filter { $0.name.hasSuffix("failed") || $0.name.hasSuffix("completed") }.count == 1)
            // Helpers of clients look for each item in the final output.
            let last = events.last?.data["response"] as? [String: Any]
            #expect((last?["output"] as? [Any])?.count == 1)
        }
    }

    @Test func outputIsValidInput() async throws {
        try await withServer(engine) { client in
            let first = try await client.post("/v1/responses", #"{"model":"sft","input":"hi"}"#).text
            let object = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
            let output = try #require(object["output"] as? [Any])
            let item = String(decoding: try JSONSerialization.data(withJSONObject: output[0]), as: UTF8.self)
            let second = try await client.post(
                "/v1/responses",
                #"{"model":"sft","input":[{"role":"user","content":"hi"},\#(item),{"role":"user","content":"more"}]}"#)
            #expect(second.status == .ok, "\(second.text)")
        }
        #expect(engine.requests[1].prompt.count > engine.requests[0].prompt.count)
    }

    @Test func logprobsComeWhenAskedFor() async throws {
        try await withServer(engine) { client in
            for field in [#""top_logprobs":1"#, #""include":["message.output_text.logprobs"]"#] {
                let text = try await client.post("/v1/responses", "{\"model\":\"sft\",\"input\":\"hi\",\(field)}").text
                #expect(text.components(separatedBy: #""logprob":-0.5"#).count >= 3, "\(text)")
            }
            let frames = try await client.post(
                "/v1/responses", #"{"model":"sft","input":"hi","top_logprobs":1,"stream":true}"#
            ).text
            #expect(frames.contains(#""delta":"A ","logprobs":[{"token":"#))
        }
    }

    @Test func imagesAreRead() async throws {
        let image = Data(ImageFile.encode(RGBImage(width: 16, height: 16, red: 255, green: 0, blue: 0)))
        let url = "data:image/png;base64,\(image.base64EncodedString())"
        try await withServer(engine, policies: ScriptedPolicies(vision: try .tiny())) { client in
            let text = try await client.post(
                "/v1/responses",
                #"{"model":"sft","input":[{"role":"user","content":[{"type":"input_image","image_url":"\#(url)","#
                    + #""detail":"auto"},{"type":"input_text","text":"What?"}]}]}"#
            ).text
            #expect(text.contains(#""image_tokens":4"#), "\(text)")
        }
    }

    @Test(arguments: [
        (#""input":"hi""#, 400, "model", "missing_required_parameter"),
        (#""model":"sft""#, 400, "input", "missing_required_parameter"),
        (#""model":"none","input":"hi""#, 404, "model", "model_not_found"),
        (#""model":"sft","input":"""#, 400, "input", "invalid_value"),
        (#""model":"sft","input":[]"#, 400, "input", "invalid_value"),
        (#""model":"sft","input":1"#, 400, "input", "invalid_type"),
        (#""model":"sft","input":[1]"#, 400, "input[0]", "invalid_type"),
        (#""model":"sft","input":[{"role":"judge","content":"x"}]"#, 400, "input[0].role", "invalid_value"),
        (#""model":"sft","input":[{"type":"item_reference","id":"x"}]"#, 400, "input[0].type", "unsupported_parameter"),
        (#""model":"sft","input":[{"role":"user","content":[]}]"#, 400, "input[0].content", "invalid_value"),
        (
            #""model":"sft","input":[{"role":"user","content":[{"type":"x"}]}]"#, 400, "input[0].content[0].type",
            "invalid_value"
        ),
        (
            #""model":"sft","input":[{"role":"assistant","content":[{"type":"input_image","image_url":"x"}]}]"#, 400,
            "input[0].content[0]", "invalid_value"
        ),
        (#""model":"sft","input":"hi","store":true"#, 400, "store", "unsupported_value"),
        (#""model":"sft","input":"hi","background":true"#, 400, "background", "unsupported_value"),
        (#""model":"sft","input":"hi","truncation":"auto""#, 400, "truncation", "unsupported_value"),
        (#""model":"sft","input":"hi","reasoning":{"effort":"high"}"#, 400, "reasoning.effort", "unsupported_value"),
        (#""model":"sft","input":"hi","include":["x"]"#, 400, "include[0]", "unsupported_value"),
        (
            #""model":"sft","input":"hi","previous_response_id":"resp_1""#, 400, "previous_response_id",
            "unsupported_parameter"
        ),
        (#""model":"sft","input":"hi","conversation":"x""#, 400, "conversation", "unsupported_parameter"),
        (#""model":"sft","input":"hi","prompt":{"id":"x"}"#, 400, "prompt", "unsupported_parameter"),
        (#""model":"sft","input":"hi","max_output_tokens":0"#, 400, "max_output_tokens", "invalid_value"),
        (#""model":"sft","input":"hi","n":2"#, 400, "n", "unknown_parameter"),
        (#""model":"sft","input":"hi","stream":1"#, 400, "stream", "invalid_type"),
        (#""model":"sft","input":"hi","metadata":{"a":1}"#, 400, "metadata.a", "invalid_type"),
    ])
    func eachWrongFieldIsNamed(_ fields: String, _ status: Int, _ param: String, _ code: String) async throws {
        try await withServer(engine) { client in
            let response = try await client.post("/v1/responses", "{\(fields)}")
            #expect(response.status.code == status)
            #expect(response.text.contains("\"param\":\"\(param)\",\"code\":\"\(code)\""), "\(response.text)")
        }
    }

    @Test func responsesAreNotStored() async throws {
        try await withServer(engine) { client in
            let fetched = try await client.execute(uri: "/v1/responses/resp_1", method: .get)
            #expect(fetched.status == .notFound)
        }
    }
}
