import Testing
import WireFormats

@Suite struct EncoderTests {
    private let head = CompletionHead(id: "chatcmpl-1", created: 1, model: "m", fingerprint: "f")

    @Test func writesChunks() {
        let encoder = ChatCompletionEncoder(head)
        var offset = 0
        let common =
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"f","#
        #expect(
            encoder.opening(index: 0, usage: nil)?.text == common
                + #""choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"#
                + #""finish_reason":null}]}"#)
        #expect(
            encoder.finish(index: 1, reason: "stop", logprobs: nil, offset: &offset, usage: .null).text == common
                + #""choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}"#)
    }

    @Test func writesLogprobs() {
        let token = TokenLogprob(
            .init(bytes: [0xF0, 0x9F], logprob: -.infinity), top: [.init(bytes: [0x61], logprob: -0.5)])
        let choice = CompletionChoice(text: "", logprobs: [token, token], finishReason: "length")
        let text = TextCompletionEncoder(head).response(
            [choice], endings: [[]], usage: Usage(promptTokens: 1, imageTokens: 0, completionTokens: 2)
        ).text
        #expect(text.contains(#""tokens":["bytes:\\xf0\\x9f","bytes:\\xf0\\x9f"]"#))
        #expect(text.contains(#""top_logprobs":[{"a":-0.5,"bytes:\\xf0\\x9f":-9999.0},"#))
        #expect(text.contains(#""text_offset":[0,1]"#))
    }

    @Test func framesAreOneLine() {
        #expect(
            EventStream.frame(event: "text", ["text": "a\nb\u{2028}"])
                == "event: text\ndata: {\"text\":\"a\\nb\\u2028\"}\n\n")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_767_225_599, "2025-12-31T23:59:59Z"),
    ])
    func writesTimes(_ seconds: Int, _ text: String) {
        let model = ModelInfo(
            id: "m", created: seconds, generation: 1, contextLength: 8, image: nil, defaults: [],
            digests: .init(adapter: "a", adapterConfiguration: "c", vision: nil, backbone: "b"))
        #expect(model.json.text.contains("\"created_at\":\"\(text)\""))
        let digests = #""digests":{"adapter_sha256":"a","adapter_config_sha256":"c","vision_sha256":null,"#
        #expect(model.json.text.contains(digests + #""backbone_sha256":"b"}"#))
    }
}
