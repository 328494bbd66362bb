public import Support

/// The fields that all frames of one answer in OpenAI's format share.
public struct CompletionHead: Sendable {
    /// The answer's id.
    public var id: String
    /// The creation time in Unix seconds.
    public var created: Int
    /// The model's name as in the request.
    public var model: String
    /// Identifies the versions that give the same bytes for the same seed.
    public var fingerprint: String
    /// How the answer is streamed.
    public var delivery: StreamOptions

    /// A head with the given properties.
    public init(id: String, created: Int, model: String, fingerprint: String, delivery: StreamOptions) {
        self.id = id
        self.created = created
        self.model = model
        self.fingerprint = fingerprint
        self.delivery = delivery
    }

    fileprivate func object(_ kind: JSON, choices: [JSON], usage: JSON?, extra: [JSON.Member] = []) -> JSON {
        var members = [
            JSON.Member("id", .string(id)), JSON.Member("object", kind), JSON.Member("created", JSON(created)),
            JSON.Member("model", .string(model)), JSON.Member("system_fingerprint", .string(fingerprint)),
        ]
        members += extra
        members.append(JSON.Member("choices", .array(choices)))
        if let usage { members.append(JSON.Member("usage", usage)) }
        return .object(members)
    }

    /// A frame in the middle. Its member `usage` has the counts so far, is `null`, or is absent.
    fileprivate func frame(_ kind: JSON, choice: JSON, usage: Usage) -> String {
        EventStream.frame(object(kind, choices: [choice], usage: runningUsage(usage)))
    }

    private func runningUsage(_ usage: Usage) -> JSON? {
        if delivery.hasContinuousUsage { return usage.json }
        // A plain `nil` would become JSON's null.
        return delivery.includesUsage ? JSON.null : Optional.none
    }

    /// The frames after the last choice; none while other choices are open.
    fileprivate func closing(_ kind: JSON, _ ending: AnswerEnding, usage: Usage) -> [String] {
        guard ending.isLast else { return [] }
        let counts = delivery.includesUsage ? [EventStream.frame(object(kind, choices: [], usage: usage.json))] : []
        return counts + [EventStream.done]
    }

    fileprivate func failure(_ error: APIError) -> [String] { [EventStream.frame(error.json), EventStream.done] }
}

/// Writes `/v1/chat/completions`.
public struct ChatCompletionEncoder: AnswerEncoder {
    private let head: CompletionHead
    /// The frames that open all choices, in order, held back until the first frame of an answer.
    private var opening: [String] = []

    private static let kind: JSON = "chat.completion.chunk"

    /// An encoder of one answer.
    public init(_ head: CompletionHead) {
        self.head = head
    }

    /// No frames yet: the first frame of any choice opens all choices.
    public mutating func begin(choices: Int, usage: Usage) -> [String] {
        let delta: JSON = ["role": "assistant", "content": "", "refusal": nil]
        opening = (0..<choices).map { chunk($0, delta: delta, usage: usage) }
        return []
    }

    /// A frame of text.
    public mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        let logprobs = piece.logprobs?.chatJSON ?? .null
        return opened(chunk(piece.choice, delta: ["content": .string(piece.text)], logprobs: logprobs, usage: usage))
    }

    /// The frame of a call's name, or of a piece of its arguments.
    public mutating func toolCall(_ piece: ToolCallPiece, usage: Usage) -> [String] {
        let call: JSON
        switch piece.step {
        case .begin(let id, let name):
            call = [
                "index": JSON(piece.index), "id": .string(id), "type": "function",
                "function": ["name": .string(name), "arguments": ""],
            ]
        case .arguments(let text):
            call = ["index": JSON(piece.index), "function": ["arguments": .string(text)]]
        case .end: return []
        }
        return opened(chunk(piece.choice, delta: ["tool_calls": [call]], usage: usage))
    }

    /// The frame that ends a choice, with the tokens of an unfinished character.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        let tokens = ending.logprobs?.prefix(ending.unfinishedTokens) ?? []
        let logprobs = tokens.isEmpty ? .null : Array(tokens).chatJSON
        return opened(chunk(ending.choice, delta: [:], logprobs: logprobs, reason: ending.reason, usage: usage))
            + head.closing(Self.kind, ending, usage: usage)
    }

    /// The error's frame and the end of the stream.
    public func fail(_ error: APIError) -> [String]? { head.failure(error) }

    /// The answer as one object with all choices.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let list = choices.map { choice -> JSON in
            let ending = choice.ending
            let tokens = ending.logprobs.map { (choice.logprobs ?? []) + $0.prefix(ending.unfinishedTokens) }
            return [
                "index": JSON(ending.choice), "message": Self.message(choice),
                "logprobs": (tokens ?? choice.logprobs)?.chatJSON ?? .null, "finish_reason": .string(ending.reason),
            ]
        }
        return head.object(
            "chat.completion", choices: list, usage: usage.json, extra: [JSON.Member("service_tier", "default")])
    }

    private static func message(_ choice: AnswerChoice) -> JSON {
        let hasContent = !choice.text.isEmpty || choice.toolCalls.isEmpty
        let message: [JSON.Member] = [
            .init("role", "assistant"), .init("content", hasContent ? .string(choice.text) : .null),
            .init("refusal", nil), .init("annotations", []),
        ]
        let calls = choice.toolCalls.map(\.json)
        return .object(message + (calls.isEmpty ? [] : [.init("tool_calls", .array(calls))]))
    }

    private func chunk(
        _ index: Int, delta: JSON, logprobs: JSON = .null, reason: String? = nil, usage: Usage
    ) -> String {
        let choice: JSON = [
            "index": JSON(index), "delta": delta, "logprobs": logprobs, "finish_reason": JSON(reason),
        ]
        return head.frame(Self.kind, choice: choice, usage: usage)
    }

    private mutating func opened(_ frame: String) -> [String] {
        defer { opening = [] }
        return opening + [frame]
    }
}

/// Writes `/v1/completions`.
public struct TextCompletionEncoder: AnswerEncoder {
    private let head: CompletionHead
    /// Characters of each choice so far.
    private var offsets: [Int: Int] = [:]

    private static let kind: JSON = "text_completion"

    /// An encoder of one answer.
    public init(_ head: CompletionHead) {
        self.head = head
    }

    /// No frames.
    public func begin(choices: Int, usage: Usage) -> [String] { [] }

    /// A frame of text.
    public mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        let logprobs = piece.logprobs?.completionJSON(offset: &offsets[piece.choice, default: 0]) ?? .null
        let choice = choice(piece.choice, text: piece.text, logprobs: logprobs)
        return [head.frame(Self.kind, choice: choice, usage: usage)]
    }

    /// The frame that ends a choice, with the tokens that produced no text.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        let logprobs = ending.logprobs?.completionJSON(offset: &offsets[ending.choice, default: 0]) ?? .null
        let choice = choice(ending.choice, text: "", logprobs: logprobs, reason: ending.reason)
        return [head.frame(Self.kind, choice: choice, usage: usage)] + head.closing(Self.kind, ending, usage: usage)
    }

    /// The error's frame and the end of the stream.
    public func fail(_ error: APIError) -> [String]? { head.failure(error) }

    /// The answer as one object with all choices.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let list = choices.map { whole -> JSON in
            var offset = 0
            let tokens = whole.logprobs.map { $0 + (whole.ending.logprobs ?? []) }
            return choice(
                whole.ending.choice, text: whole.text, logprobs: tokens?.completionJSON(offset: &offset) ?? .null,
                reason: whole.ending.reason)
        }
        return head.object(Self.kind, choices: list, usage: usage.json)
    }

    private func choice(_ index: Int, text: String, logprobs: JSON, reason: String? = nil) -> JSON {
        ["index": JSON(index), "text": .string(text), "logprobs": logprobs, "finish_reason": JSON(reason)]
    }
}
