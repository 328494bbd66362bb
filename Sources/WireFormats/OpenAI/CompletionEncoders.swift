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
    /// The prompt's token ids for each choice; nil if the request did not ask for them.
    public var promptTokenIDs: [[Int32]]?

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
    fileprivate func frame(_ kind: JSON, choice: JSON, usage: Usage, extra: [JSON.Member] = []) -> String {
        EventStream.frame(object(kind, choices: [choice], usage: runningUsage(usage), extra: extra))
    }

    /// The member with the ids of a choice's prompt; none if the request did not ask for them.
    fileprivate func promptTokens(of choice: Int) -> [JSON.Member] {
        JSON.Member.tokenIDs("prompt_token_ids", promptTokenIDs?[choice])
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
        opening = (0..<choices).map {
            chunk($0, delta: delta, usage: usage, extra: $0 == 0 ? head.promptTokens(of: 0) : [])
        }
        return []
    }

    /// A frame of text.
    public mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        let logprobs = piece.logprobs?.chatJSON ?? .null
        let delta: JSON = ["content": .string(piece.text)]
        return opened(chunk(piece.choice, delta: delta, logprobs: logprobs, ids: piece.tokenIDs, usage: usage))
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
        return opened(chunk(piece.choice, delta: ["tool_calls": [call]], ids: piece.tokenIDs, usage: usage))
    }

    /// The frame that ends a choice, with the tokens of an unfinished character.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        let tokens = ending.logprobs?.prefix(ending.unfinishedTokens) ?? []
        let logprobs = tokens.isEmpty ? .null : Array(tokens).chatJSON
        let last = chunk(
            ending.choice, delta: [:], logprobs: logprobs, reason: ending.reason, ids: ending.tokenIDs, usage: usage)
        return opened(last) + head.closing(Self.kind, ending, usage: usage)
    }

    /// The error's frame and the end of the stream.
    public func fail(_ error: APIError) -> [String]? { head.failure(error) }

    /// The answer as one object with all choices.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let list = choices.map { choice -> JSON in
            let ending = choice.ending
            let tokens = ending.logprobs.map { (choice.logprobs ?? []) + $0.prefix(ending.unfinishedTokens) }
            let members: [JSON.Member] = [
                .init("index", JSON(ending.choice)), .init("message", Self.message(choice)),
                .init("logprobs", (tokens ?? choice.logprobs)?.chatJSON ?? .null),
                .init("finish_reason", .string(ending.reason)),
            ]
            return .object(members + JSON.Member.tokenIDs("token_ids", choice.tokenIDs))
        }
        return head.object(
            "chat.completion", choices: list, usage: usage.json,
            extra: [JSON.Member("service_tier", "default")] + head.promptTokens(of: 0))
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
        _ index: Int, delta: JSON, logprobs: JSON = .null, reason: String? = nil, ids: [Int32]? = nil, usage: Usage,
        extra: [JSON.Member] = []
    ) -> String {
        let members: [JSON.Member] = [
            .init("index", JSON(index)), .init("delta", delta), .init("logprobs", logprobs),
            .init("finish_reason", JSON(reason)),
        ]
        let choice = JSON.object(members + JSON.Member.tokenIDs("token_ids", ids))
        return head.frame(Self.kind, choice: choice, usage: usage, extra: extra)
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
    /// The choices that have a frame.
    private var begun: Set<Int> = []

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
        let choice = framed(piece.choice, text: piece.text, logprobs: logprobs, ids: piece.tokenIDs)
        return [head.frame(Self.kind, choice: choice, usage: usage)]
    }

    /// The frame that ends a choice, with the tokens that produced no text.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        let logprobs = ending.logprobs?.completionJSON(offset: &offsets[ending.choice, default: 0]) ?? .null
        let choice = framed(
            ending.choice, text: "", logprobs: logprobs, reason: ending.reason, ids: ending.tokenIDs)
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
                reason: whole.ending.reason, ids: whole.tokenIDs, extra: head.promptTokens(of: whole.ending.choice))
        }
        return head.object(Self.kind, choices: list, usage: usage.json)
    }

    /// A choice in a frame. Its first one has the ids of its prompt.
    private mutating func framed(
        _ index: Int, text: String, logprobs: JSON, reason: String? = nil, ids: [Int32]?
    ) -> JSON {
        let isFirst = begun.insert(index).inserted
        return choice(
            index, text: text, logprobs: logprobs, reason: reason, ids: ids,
            extra: isFirst ? head.promptTokens(of: index) : [])
    }

    private func choice(
        _ index: Int, text: String, logprobs: JSON, reason: String?, ids: [Int32]?, extra: [JSON.Member]
    ) -> JSON {
        let members: [JSON.Member] = [
            .init("index", JSON(index)), .init("text", .string(text)), .init("logprobs", logprobs),
            .init("finish_reason", JSON(reason)),
        ]
        return .object(members + extra + JSON.Member.tokenIDs("token_ids", ids))
    }
}

extension JSON.Member {
    /// A member with token ids; none for nil.
    fileprivate static func tokenIDs(_ name: String, _ ids: [Int32]?) -> [JSON.Member] {
        ids.map { [JSON.Member(name, .array($0.map { .integer(Int64($0)) }))] } ?? []
    }
}
