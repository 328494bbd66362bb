public import Support

/// Writes `/v1/ask`: the events `start`, `text` …, and `done` or `error`, or one object.
public struct AskEncoder: AnswerEncoder {
    private let id: String
    private let created: Int
    private let model: String
    private let generation: Int

    /// An encoder of one answer.
    public init(id: String, created: Int, model: String, generation: Int) {
        self.id = id
        self.created = created
        self.model = model
        self.generation = generation
    }

    /// The event `start`.
    public func begin(choices: Int, usage: Usage) -> [String] {
        let start: JSON = [
            "id": .string(id), "model": .string(model), "generation": JSON(generation),
            "prompt_tokens": JSON(usage.promptTokens), "image_tokens": JSON(usage.imageTokens),
        ]
        return [EventStream.frame(event: "start", start)]
    }

    /// The event `text`.
    public func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        [EventStream.frame(event: "text", ["text": .string(piece.text)])]
    }

    /// The event `done`.
    public func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        [EventStream.frame(event: "done", .object(ending.members(usage)))]
    }

    /// The event `error`.
    public func fail(_ error: APIError) -> [String]? {
        [EventStream.frame(event: "error", error.json)]
    }

    /// The answer as one object.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let head: [JSON.Member] = [
            .init("id", .string(id)), .init("object", "answer"), .init("created", JSON(created)),
            .init("model", .string(model)), .init("generation", JSON(generation)),
            .init("answer", .string(choices[0].text)),
        ]
        return .object(head + choices[0].ending.members(usage))
    }
}

/// Writes only the text of an answer. On failure the body is cut short, so that a client notices.
public struct PlainTextEncoder: AnswerEncoder {
    /// An encoder of one answer.
    public init() {}

    /// The text format.
    public var format: StreamFormat { .text }

    /// No frames.
    public func begin(choices: Int, usage: Usage) -> [String] { [] }

    /// The text.
    public func text(_ piece: AnswerPiece, usage: Usage) -> [String] { [piece.text] }

    /// A line end.
    public func finish(_ ending: AnswerEnding, usage: Usage) -> [String] { ["\n"] }

    /// Cuts the stream short.
    public func fail(_ error: APIError) -> [String]? { nil }

    /// The text as a string.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON { .string(choices[0].text) }
}

extension AnswerEnding {
    fileprivate func members(_ usage: Usage) -> [JSON.Member] {
        let members: [JSON.Member] = [
            .init("finish_reason", .string(reason)), .init("usage", usage.json), .init("timing", timing.json),
        ]
        return members + (scores.map { [.init("scores", $0.json)] } ?? [])
    }
}

extension AnswerEnding.Timing {
    fileprivate var json: JSON {
        [
            "queue_ms": JSON(queue), "image_ms": JSON(images), "first_token_ms": JSON(firstToken),
            "total_ms": JSON(total),
        ]
    }
}

extension AnswerEnding.Scores {
    fileprivate var json: JSON {
        ["reward": JSON(reward), "value": value.map { JSON($0) } ?? .null, "kl": kl.map { JSON($0) } ?? .null]
    }
}
