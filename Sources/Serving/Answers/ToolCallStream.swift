import WireFormats

/// Takes the calls of functions out of one choice's text.
struct ToolCallStream {
    /// A piece of the choice.
    enum Part {
        case text(AnswerPiece)
        case toolCall(ToolCallPiece)
    }

    private let choice: Int
    private var parser: ToolCallParser?
    private var index = -1
    /// Tokens of text that is held back.
    private var logprobs: [TokenLogprob]?

    /// - Parameter calls: whether the choice has calls of functions. With `none` all is text.
    init(choice: Int, calls: ToolChoice) {
        self.choice = choice
        parser = calls == .none ? nil : ToolCallParser(mayHaveText: calls == .auto)
    }

    /// Adds a piece of the choice's text.
    mutating func append(_ piece: AnswerPiece) -> [Part] {
        guard let outputs = parser?.append(piece.text) else { return [.text(piece)] }
        if let more = piece.logprobs { logprobs = (logprobs ?? []) + more }
        return outputs.map { part($0) }
    }

    /// Ends the choice, given the reason without regard to calls.
    mutating func finish(_ reason: String) -> [Part] {
        (parser?.finish(isCut: reason == "length") ?? []).map { part($0) }
    }

    /// Why the choice ended, given the reason without regard to calls.
    func reason(_ reason: String) -> String {
        reason == "stop" && parser?.completeCalls ?? 0 > 0 ? "tool_calls" : reason
    }

    private mutating func part(_ output: ToolCallParser.Output) -> Part {
        switch output {
        case .text(let text):
            defer { logprobs = nil }
            return .text(AnswerPiece(choice: choice, text: text, logprobs: logprobs))
        case .begin(let name):
            index += 1
            // The tokens of a call are not tokens of the text.
            logprobs = nil
            return .toolCall(.init(choice: choice, index: index, step: .begin(id: newID("call_"), name: name)))
        case .arguments(let text):
            return .toolCall(.init(choice: choice, index: index, step: .arguments(text)))
        case .end(let isComplete):
            logprobs = nil
            return .toolCall(.init(choice: choice, index: index, step: .end(isComplete: isComplete)))
        }
    }
}
