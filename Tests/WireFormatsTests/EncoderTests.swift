import Support
import Testing
import WireFormats

@Suite struct EncoderTests {
    private func head(_ delivery: StreamOptions = StreamOptions()) -> CompletionHead {
        CompletionHead(id: "chatcmpl-1", created: 1, model: "m", fingerprint: "f", delivery: delivery)
    }

    private let usage = Usage(promptTokens: 3, imageTokens: 0)

    /// The choices are opened by the first frame of any of them, with the counts that were there before it.
    @Test func writesChunks() {
        var encoder = ChatCompletionEncoder(head())
        let common =
            #"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"f","#
        let opening =
            #"{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}"#
        #expect(encoder.begin(choices: 2, usage: usage).isEmpty)
        let frames = encoder.finish(AnswerEnding(choice: 1, reason: "stop", isLast: false), usage: usage)
        #expect(
            frames == [
                "data: " + common + #""choices":[{"index":0,"delta":"# + opening + "\n\n",
                "data: " + common + #""choices":[{"index":1,"delta":"# + opening + "\n\n",
                "data: " + common
                    + #""choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}]}"# + "\n\n",
            ])
        let last = encoder.finish(AnswerEnding(choice: 0, reason: "stop"), usage: usage)
        #expect(last.count == 2 && last[1] == "data: [DONE]\n\n")
        var delivery = StreamOptions()
        delivery.includesUsage = true
        var counting = ChatCompletionEncoder(head(delivery))
        _ = counting.begin(choices: 1, usage: usage)
        let counted = counting.finish(AnswerEnding(reason: "stop"), usage: usage)
        #expect(counted.count == 4 && counted[1].hasSuffix(#""finish_reason":"stop"}],"usage":null}"# + "\n\n"))
        #expect(counted[2].contains(#""choices":[],"usage":{"prompt_tokens":3"#))
        #expect(counting.fail(APIError(.internalError, "x"))?.count == 2)
    }

    @Test func writesLogprobs() {
        let token = TokenLogprob(
            .init(bytes: [0xF0, 0x9F], logprob: -.infinity), top: [.init(bytes: [0x61], logprob: -0.5)])
        let choice = AnswerChoice(logprobs: [token, token], ending: AnswerEnding(reason: "length", logprobs: []))
        let text = TextCompletionEncoder(head()).whole(
            [choice], usage: Usage(promptTokens: 1, imageTokens: 0, completionTokens: 2)
        ).text
        #expect(text.contains(#""tokens":["bytes:\\xf0\\x9f","bytes:\\xf0\\x9f"]"#))
        #expect(text.contains(#""top_logprobs":[{"a":-0.5,"bytes:\\xf0\\x9f":-9999.0},"#))
        #expect(text.contains(#""text_offset":[0,1]"#))
    }

    /// OpenAI's chat format lists the tokens of the answer, without the end token.
    @Test func chatsListTheTokensOfAnUnfinishedCharacter() {
        func token(_ bytes: [UInt8]) -> TokenLogprob { TokenLogprob(.init(bytes: bytes, logprob: -1), top: []) }
        var ending = AnswerEnding(reason: "stop", logprobs: [token([0xF0, 0x9F]), token([])])
        ending.unfinishedTokens = 1
        let half = #"{"token":"\#u{FFFD}","logprob":-1.0,"bytes":[240,159],"top_logprobs":[]}"#
        let list = #""logprobs":{"content":[\#(half)],"refusal":null},"finish_reason":"stop""#
        var encoder = ChatCompletionEncoder(head())
        #expect(encoder.finish(ending, usage: usage)[0].contains(#""delta":{},"# + list))
        #expect(encoder.whole([AnswerChoice(ending: ending)], usage: usage).text.contains(list))
        let letter = AnswerChoice(text: "a", logprobs: [token([0x61])], ending: ending)
        let both = encoder.whole([letter], usage: usage).text
        #expect(both.contains(#""bytes":[97],"top_logprobs":[]},\#(half)]"#))
        let silent = AnswerChoice(ending: AnswerEnding(reason: "stop", logprobs: [token([])]))
        #expect(encoder.whole([silent], usage: usage).text.contains(#""logprobs":{"content":[],"#))
        let unasked = AnswerChoice(ending: AnswerEnding(reason: "stop"))
        #expect(encoder.whole([unasked], usage: usage).text.contains(#""logprobs":null"#))
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
            id: "m", created: seconds, generation: 1, contextLength: 8, image: nil, defaults: [], textDefaults: [],
            digests: .init(adapter: "a", adapterConfiguration: "c", vision: nil, backbone: "b"),
            lineage: .init(
                generations: ["vision": "vision@2", "parent": "sft@1"], creator: "anna", data: ["texts": "d"],
                metrics: ["right": 0.5]))
        #expect(model.json.text.contains("\"created_at\":\"\(text)\""))
        let digests = #""digests":{"adapter_sha256":"a","adapter_config_sha256":"c","vision_sha256":null,"#
        #expect(model.json.text.contains(digests + #""backbone_sha256":"b"}"#))
        let lineage = #""lineage":{"generations":{"parent":"sft@1","vision":"vision@2"},"created_by":"anna","#
        #expect(model.json.text.contains(lineage + #""data":{"texts":"d"},"metrics":{"right":0.5}}"#))
    }
}
