import Support
import Testing
import WireFormats

@Suite struct RequestTests {
    private static let message = #""messages":[{"role":"user","content":"hi"}]"#

    private func failure(_ fields: String) -> APIError? {
        do {
            _ = try ChatCompletionRequest(body: Array("{\"model\":\"m\",\(fields)}".utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        (#""x":1"#, APIError.Code.unknownParameter, "x"),
        (#""stream_options":{"x":1},"stream":true"#, .unknownParameter, "stream_options.x"),
        (#""stream_options":{}"#, .invalidValue, "stream_options"),
        (#""functions":[]"#, .unsupportedParameter, "functions"),
        (#""response_format":{"type":"xml"}"#, .unsupportedValue, "response_format.type"),
        (#""response_format":{"type":"json_schema"}"#, .missingParameter, "response_format.json_schema"),
        (
            #""response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}}"#, .invalidValue,
            "response_format.json_schema.name"
        ),
        (#""regex":"a","grammar":"root ::= x""#, .invalidValue, "regex"),
        (#""response_format":{"type":"json_object"},"ignore_eos":true"#, .unsupportedValue, "ignore_eos"),
        (#""response_format":{"type":"json_object"},"min_tokens":5"#, .unsupportedValue, "min_tokens"),
        (#""regex":"a*","min_tokens":1"#, .unsupportedValue, "min_tokens"),
        (
            #""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","min_tokens":5"#,
            .unsupportedValue, "min_tokens"
        ),
        (
            #""tools":[{"type":"function","function":{"name":"f"}}],"ignore_eos":true,"tool_choice":{"type":"function","function":{"name":"f"}}"#,
            .unsupportedValue, "ignore_eos"
        ),
        (#""tools":[{"type":"web_search"}]"#, .unsupportedValue, "tools[0].type"),
        (#""tools":[{"type":"function","function":{"name":"f","x":1}}]"#, .unknownParameter, "tools[0].function.x"),
        (
            #""tools":[{"type":"function","function":{"name":"f","parameters":[]}}]"#, .invalidType,
            "tools[0].function.parameters"
        ),
        (
            #""tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]"#,
            .invalidValue, "tools"
        ),
        (
            #""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"any""#, .invalidValue,
            "tool_choice"
        ),
        (#""tool_choice":"required""#, .invalidValue, "tool_choice"),
        (#""store":true"#, .unsupportedValue, "store"), (#""n":true"#, .invalidType, "n"),
        (#""n":1.5"#, .invalidType, "n"), (#""n":17"#, .invalidValue, "n"), (#""n":0"#, .invalidValue, "n"),
        (#""temperature":2.1"#, .invalidValue, "temperature"), (#""temperature":"1""#, .invalidType, "temperature"),
        (#""top_p":0"#, .invalidValue, "top_p"), (#""stream":1"#, .invalidType, "stream"),
        (#""stop":[""]"#, .invalidValue, "stop"), (#""top_logprobs":3"#, .invalidValue, "top_logprobs"),
        (#""logit_bias":{"01":1}"#, .invalidValue, "logit_bias.01"),
        (#""logit_bias":{"1":101}"#, .invalidValue, "logit_bias.1"),
        (#""max_tokens":1,"max_completion_tokens":2"#, .invalidValue, "max_tokens"),
        (#""metadata":{"a":1}"#, .invalidType, "metadata.a"), (#""max_tokens":0"#, .invalidValue, "max_tokens"),
    ])
    func refusesFields(_ field: String, _ code: APIError.Code, _ param: String) {
        let error = failure(Self.message + "," + field)
        #expect(error?.code == code)
        #expect(error?.param == param)
        #expect(error?.status == 400)
    }

    @Test(arguments: [
        (#"[]"#, APIError.Code.invalidValue, "messages"),
        (#"[{"role":"user"}]"#, .missingParameter, "messages[0].content"),
        (#"[{"role":"tool","content":"x"}]"#, .missingParameter, "messages[0].tool_call_id"),
        (#"[{"role":"tool","content":"x","tool_call_id":"a"}]"#, .invalidValue, "messages[0].tool_call_id"),
        (
            #"[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"1"}}]}]"#,
            .invalidValue, "messages[0].tool_calls[0].function.arguments"
        ),
        (#"[{"role":"x","content":"x"}]"#, .invalidValue, "messages[0].role"),
        (#"[{"role":"user","content":"x","name":"y"}]"#, .unsupportedParameter, "messages[0].name"),
        (
            #"[{"role":"user","content":[{"type":"text","text":"x","y":1}]}]"#, .unknownParameter,
            "messages[0].content[0].y"
        ),
        (
            #"[{"role":"system","content":[{"type":"image_url","image_url":{"url":"x"}}]}]"#, .invalidValue,
            "messages[0].content[0]"
        ),
        (
            #"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x","detail":"best"}}]}]"#,
            .invalidValue, "messages[0].content[0].image_url.detail"
        ),
    ])
    func refusesMessages(_ messages: String, _ code: APIError.Code, _ param: String) {
        let error = failure("\"messages\":\(messages)")
        #expect(error?.code == code)
        #expect(error?.param == param)
    }

    @Test func takesItsOwnAnswersBack() throws {
        let head = CompletionHead(id: "chatcmpl-1", created: 1, model: "m", fingerprint: "f", delivery: StreamOptions())
        let choice = AnswerChoice(text: "A \"red\" one", ending: AnswerEnding(reason: "stop"))
        let response = ChatCompletionEncoder(head).whole([choice], usage: Usage(promptTokens: 1, imageTokens: 0))
        var fields = try FieldReader(response)
        guard case .object(let members)? = try fields.array("choices")?.first else { throw NoChoice() }
        let message = try #require(members.first { $0.name == "message" }?.value)
        let body: JSON = ["model": "m", "messages": [message, ["role": "user", "content": "why?"]], "stop": nil]
        let request = try ChatCompletionRequest(body: Array(body.text.utf8))
        #expect(request.messages[0] == DialogueMessage(role: .assistant, parts: [.text("A \"red\" one")]))
    }

    @Test func takesItsOwnCallsBack() throws {
        let head = CompletionHead(id: "chatcmpl-1", created: 1, model: "m", fingerprint: "f", delivery: StreamOptions())
        let call = ToolCall(id: "call_1", name: "f", arguments: #"{"a":1}"#)
        let choice = AnswerChoice(toolCalls: [call], ending: AnswerEnding(reason: "tool_calls"))
        let response = ChatCompletionEncoder(head).whole([choice], usage: Usage(promptTokens: 1, imageTokens: 0))
        #expect(response.text.contains(#""content":null,"refusal":null,"annotations":[],"tool_calls":["#))
        var fields = try FieldReader(response)
        guard case .object(let members)? = try fields.array("choices")?.first else { throw NoChoice() }
        let message = try #require(members.first { $0.name == "message" }?.value)
        let result: JSON = ["role": "tool", "tool_call_id": "call_1", "content": "4"]
        let body: JSON = ["model": "m", "messages": [["role": "user", "content": "?"], message, result]]
        let request = try ChatCompletionRequest(body: Array(body.text.utf8))
        #expect(request.messages[1] == DialogueMessage(role: .assistant, parts: [], toolCalls: [call]))
        #expect(request.messages[2] == DialogueMessage(role: .tool, parts: [.text("4")], toolCallID: "call_1"))
    }

    @Test func takesACallBackThatWasCut() throws {
        func call(_ arguments: String) throws -> [ToolCall] {
            let call = ToolCall(id: "call_1", name: "f", arguments: arguments).json
            let message: JSON = ["role": "assistant", "content": nil, "tool_calls": [call]]
            let body: JSON = ["model": "m", "messages": [message]]
            return try ChatCompletionRequest(body: Array(body.text.utf8)).messages[0].toolCalls
        }
        for cut in ["", "{", #"{"place": "Oslo"#, #"{"a":[1,"#, #"{"a":tr"#, #"{"a":"\"#] {
            #expect(try call(cut).map(\.arguments) == ["{}"], "\(cut)")
        }
        for wrong in ["[1", "1", #"{"a":x"#, #"{"a":1}}"#, "\"a", "null"] {
            #expect(throws: APIError.self, "\(wrong)") { try call(wrong) }
        }
    }

    @Test func anUnknownFieldOfNullSaysNothing() {
        #expect(failure(Self.message + #","x":null,"stream_options":null"#) == nil)
    }

    private struct NoChoice: Error {}

    @Test func readsWhatItSupports() throws {
        let body = #"""
            {"model":"m","messages":[{"role":"developer","content":"d"},{"role":"user","content":[
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAA=","detail":"low"}},
            {"type":"text","text":"t"}]}],"n":2.0,"seed":-1,"stop":"x","logprobs":true,"temperature":0,
            "logit_bias":{"5":-1},"stream":true,"stream_options":{"include_usage":true},"user":"u","metadata":null}
            """#
        let request = try ChatCompletionRequest(body: Array(body.utf8))
        #expect(request.options.count == 2)
        #expect(request.options.seed == -1)
        #expect(request.options.stop == ["x"])
        #expect(request.options.topLogprobs == 0)
        #expect(request.options.logitBias == [5: -1])
        #expect(request.delivery.includesUsage)
        #expect(request.messages[0].role == .system)
        let image = try #require(request.messages[1].images.first)
        #expect(image.detail == .low)
        #expect(try image.bytes(limit: 10) == [0, 0])
        #expect(throws: APIError.self) { try image.bytes(limit: 1) }
    }

    @Test func onlyEchoesNeedNoAnswer() throws {
        let body = #"{"model":"m","prompt":"hi","max_tokens":0"#
        #expect(throws: APIError.self) { try CompletionRequest(body: Array((body + "}").utf8)) }
        let request = try CompletionRequest(body: Array((body + #","echo":true}"#).utf8))
        #expect(request.echoesPrompt && request.options.maximumTokens == 0)
    }

    @Test(arguments: [
        (#""hi""#, [CompletionRequest.Prompt.text("hi")]), (#"["a","b"]"#, [.text("a"), .text("b")]),
        (#"[1,2]"#, [.tokens([1, 2])]), (#"[[1],[2,3]]"#, [.tokens([1]), .tokens([2, 3])]),
        (#""""#, nil), ("[]", nil), ("[[]]", nil), ("[-1]", nil), (#"[1,"a"]"#, nil), ("1", nil),
    ])
    func readsPrompts(_ prompt: String, _ expected: [CompletionRequest.Prompt]?) {
        let request = try? CompletionRequest(body: Array("{\"model\":\"m\",\"prompt\":\(prompt)}".utf8))
        #expect(request?.prompts == expected)
    }

    @Test(arguments: [
        ("http://x/y.png", APIError.Code.remoteImage), ("file:///etc/passwd", .remoteImage), ("x.png", .remoteImage),
        ("data:image/jpeg;base64,AAAA", nil), ("data:image/svg+xml;base64,AAAA", nil),
        ("data:image/;base64,AAAA", .invalidValue), ("data:image/png;x=1;base64,AAAA", .invalidValue),
        ("data:image/a b;base64,AAAA", .invalidValue), ("data:image/png,AAAA", .invalidValue),
        ("data:text/plain;base64,AAAA", .invalidValue), ("data:image/png;base64,AAA", .invalidBase64),
        ("data:image/png;base64,AA A", .invalidBase64), ("data:image/png;base64,AAB=", .invalidBase64),
        ("data:image/png;base64,A===", .invalidBase64), ("data:image/png;base64,A_-A", .invalidBase64),
        ("DATA:Image/PNG;Base64,AAAA", nil), ("data:", .invalidValue),
    ])
    func readsDataURLs(_ url: String, _ code: APIError.Code?) {
        var found: APIError.Code?
        do {
            _ = try ImageReference(source: .url(url), detail: .auto, param: "p").bytes(limit: 100)
        } catch {
            found = error.code
        }
        #expect(found == code)
    }
}
