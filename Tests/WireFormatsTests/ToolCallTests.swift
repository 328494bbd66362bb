import Support
import Testing
import WireFormats

@Suite struct ToolCallTests {
    private let call =
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"}\\\"{\", \"b\": [1, {}]}}\n</tool_call>"
    private let arguments = "{\"a\": \"}\\\"{\", \"b\": [1, {}]}"

    /// The outputs with neighbouring pieces of text, or of arguments, as one.
    private func parse(_ pieces: [String]) -> [ToolCallParser.Output] {
        var parser = ToolCallParser()
        var outputs = pieces.flatMap { parser.append($0) } + parser.finish()
        var index = 1
        while index < outputs.count {
            switch (outputs[index - 1], outputs[index]) {
            case (.text(let one), .text(let two)): outputs[index - 1...index] = [.text(one + two)]
            case (.arguments(let one), .arguments(let two)): outputs[index - 1...index] = [.arguments(one + two)]
            default: index += 1
            }
        }
        return outputs
    }

    /// However the text arrives, the calls are the same.
    @Test(arguments: [1, 2, 3, 7, 1_000]) func findsCallsInPieces(of size: Int) {
        let text = "I look. \n" + call + "\n" + call
        let characters = Array(text)
        let pieces = stride(from: 0, to: characters.count, by: size).map {
            String(characters[$0..<min(characters.count, $0 + size)])
        }
        let one: [ToolCallParser.Output] = [.begin(name: "f"), .arguments(arguments), .end(isComplete: true)]
        #expect(parse(pieces) == [.text("I look.")] + one + one)
    }

    @Test(arguments: ["", "A < b", "<tool_cal", "ends with blanks  ", "<tool>x</tool>"])
    func otherTextStaysAsItIs(_ text: String) {
        #expect(parse(text.map { String($0) }) == (text.isEmpty ? [] : [.text(text)]))
    }

    @Test func aCallThatIsCutShortIsNotComplete() {
        let begun = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": "
        #expect(parse([begun]) == [.begin(name: "f"), .arguments("{\"a\": "), .end(isComplete: false)])
        #expect(parse(["Well <tool_call>\n{\"na"]) == [.text("Well")])
    }

    @Test func writesTheFramesOfACall() {
        let head = CompletionHead(id: "1", created: 1, model: "m", fingerprint: "f", delivery: StreamOptions())
        var encoder = ChatCompletionEncoder(head)
        let usage = Usage(promptTokens: 1, imageTokens: 0)
        _ = encoder.begin(choices: 1, usage: usage)
        let begin = encoder.toolCall(.init(index: 0, step: .begin(id: "call_1", name: "f")), usage: usage)
        #expect(begin.count == 2)
        let first = #""delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":"#
        #expect(begin[1].contains(first + #"{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null"#))
        let more = encoder.toolCall(.init(index: 0, step: .arguments("{\"a\"")), usage: usage)
        #expect(more[0].contains(#""delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}"#))
        #expect(encoder.toolCall(.init(index: 0, step: .end(isComplete: true)), usage: usage).isEmpty)
    }
}
