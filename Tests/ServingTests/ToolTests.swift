import Engine
import HTTPTypes
import HummingbirdTesting
import Testing

@Suite struct ToolTests {
    private static let tool =
        #"{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}}"#
    private static let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}],"tools":["# + tool + "]"
    private static let words = [
        "I look", ".\n<tool_", "call>\n{\"name\": \"f\", \"argu", "ments\": {\"a\":", " 1}}\n</tool_call>",
    ]

    @Test func answersWithACall() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(Self.words))) { client in
            let whole = try await client.post("/v1/chat/completions", Self.chat + "}")
            #expect(whole.status == .ok)
            #expect(
                whole.text.contains(#""content":"I look.","refusal":null,"annotations":[],"tool_calls":[{"id":"call_"#))
            #expect(whole.text.contains(#""function":{"name":"f","arguments":"{\"a\": 1}"}}]"#))
            #expect(whole.text.contains(#""finish_reason":"tool_calls""#))
            let stream = try await client.post("/v1/chat/completions", Self.chat + ",\"stream\":true}").text
            #expect(stream.contains(#""function":{"name":"f","arguments":""}"#))
            #expect(stream.contains(#""delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}"#))
            #expect(stream.contains(#""delta":{},"logprobs":null,"finish_reason":"tool_calls""#))
            #expect(!stream.contains("tool_call>"))
        }
    }

    @Test func tokenIDsIncludeThoseOfCalls() async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(Self.words))) { client in
            let wanted = Self.chat + ",\"return_token_ids\":true"
            let whole = try await client.post("/v1/chat/completions", wanted + "}")
            #expect(whole.text.contains("\"token_ids\":[0,1,2,3,4,2]"))
            let stream = try await client.post("/v1/chat/completions", wanted + ",\"stream\":true}").text
            let ids = stream.matches(of: /"token_ids":\[([0-9,]*)\]/).map(\.output.1).filter { !$0.isEmpty }
            #expect(ids.joined(separator: ",") == "0,1,2,3,4,2")
        }
    }

    /// With the choice `none` the text is the answer, whatever it looks like.
    @Test func parsesNoCallsWhereThereAreNone() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(Self.words))
        try await withServer(engine) { client in
            let none = try await client.post("/v1/chat/completions", Self.chat + #","tool_choice":"none"}"#)
            #expect(none.text.contains("<tool_call>"))
            #expect(none.text.contains(#""finish_reason":"stop""#))
            _ = try await client.post("/v1/chat/completions", Self.chat + "}")
        }
        #expect(engine.requests.map { $0.grammar == nil } == [true, false])
        // The functions are part of the prompt unless none may be called.
        #expect(engine.requests[0].prompt.count < engine.requests[1].prompt.count)
    }

    @Test(arguments: [
        (
            #""response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"not":{}}}}"#,
            "invalid_schema", "response_format.json_schema.schema.not"
        ),
        (#""regex":"(?=a)""#, "invalid_value", "regex"), (#""grammar":"x""#, "invalid_value", "grammar"),
        (
            #""tools":[{"type":"function","function":{"name":"g","parameters":{"if":{}}}}]"#, "invalid_schema",
            "tools[0].function.parameters.if"
        ),
    ])
    func namesWhatCannotBeEnforced(_ field: String, _ code: String, _ param: String) async throws {
        try await withServer(ScriptedEngine(ScriptedEngine.saying(["x"]))) { client in
            let body = #"{"model":"sft","messages":[{"role":"user","content":"hi"}],"# + field + "}"
            let response = try await client.post("/v1/chat/completions", body)
            #expect(response.status == .badRequest)
            #expect(response.text.contains("\"code\":\"\(code)\""))
            #expect(response.text.contains("\"param\":\"\(param)\""))
        }
    }

    /// The same form again is not compiled again.
    @Test func sharesTheGrammarOfEqualRequests() async throws {
        let engine = ScriptedEngine(ScriptedEngine.saying(["{}"]))
        try await withServer(engine) { client in
            let form = #""response_format":{"type":"json_object"}"#
            let chat = #"{"model":"sft","messages":[{"role":"user","content":"hi"}],\#(form)}"#
            for (route, body) in [
                ("/v1/chat/completions", chat), ("/v1/chat/completions", chat),
                ("/v1/ask", #"{"question":"hi","stream":false,\#(form)}"#),
                ("/v1/completions", #"{"model":"sft","prompt":"hi",\#(form)}"#),
            ] {
                let response = try await client.post(route, body)
                #expect(response.status == .ok, "\(response.text)")
            }
        }
        let grammars = engine.requests.map(\.grammar)
        #expect(grammars.count == 4 && grammars.allSatisfy { $0 != nil && $0 === grammars[0] })
    }
}
