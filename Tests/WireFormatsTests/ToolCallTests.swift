import Support
import Testing
import WireFormats

@Suite struct ToolCallTests {
    private let call =
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"}\\\"{\", \"b\": [1, {}]}}\n</tool_call>"
    private let arguments = "{\"a\": \"}\\\"{\", \"b\": [1, {}]}"

    /// The outputs with neighbouring pieces of text, or of arguments, as one.
    private func parse(
        _ pieces: [String], mayHaveText: Bool = true, isCut: Bool = false
    ) -> [ToolCallParser.Output] {
        var parser = ToolCallParser(mayHaveText: mayHaveText)
        var outputs = pieces.flatMap { parser.append($0) } + parser.finish(isCut: isCut)
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

    /// Wherever an answer of forced calls is cut, no piece of a call is text.
    @Test(arguments: [true, false]) func forcedCallsHaveNoText(_ isCut: Bool) {
        let text = call + "\n" + call
        for end in 0...text.count {
            let pieces = text.prefix(end).map { String($0) }
            for output in parse(pieces, mayHaveText: false, isCut: isCut) {
                if case .text(let text) = output { Issue.record("\(text) of \(end) characters") }
            }
        }
        let one: [ToolCallParser.Output] = [.begin(name: "f"), .arguments(arguments), .end(isComplete: true)]
        #expect(parse([text], mayHaveText: false) == one + one)
    }

    /// Wherever an answer is cut behind its first call, the text before that is all of the text.
    @Test func nothingBehindACallIsText() {
        let text = call + "\n" + call
        for end in call.count...text.count {
            let outputs = parse(("Well. " + text.prefix(end)).map { String($0) })
            #expect(outputs.first == .text("Well."))
            for output in outputs.dropFirst() {
                if case .text(let text) = output { Issue.record("\(text) of \(end) characters") }
            }
        }
    }

    /// A text that ends in `<tool` is one, unless it was cut there.
    @Test func theBeginningOfACallThatWasCutIsNoText() {
        #expect(parse(["I look.\n<tool"], isCut: true) == [.text("I look.")])
        #expect(parse(["I look.\n<tool"]) == [.text("I look.\n<tool")])
        #expect(parse(["I look. "], isCut: true) == [.text("I look. ")])
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
