/// Durations of an answer's stages, in milliseconds.
public struct AskTiming: Sendable, Equatable {
    /// Until the request left the queue.
    public var queue: Double
    /// In the vision encoder.
    public var images: Double
    /// Until the first token.
    public var firstToken: Double
    /// Until the end.
    public var total: Double

    /// Timing of an answer.
    public init(queue: Double, images: Double, firstToken: Double, total: Double) {
        self.queue = queue
        self.images = images
        self.firstToken = firstToken
        self.total = total
    }

    fileprivate var json: JSON {
        [
            "queue_ms": JSON(queue), "image_ms": JSON(images), "first_token_ms": JSON(firstToken),
            "total_ms": JSON(total),
        ]
    }
}

/// Writes `/v1/ask`.
public struct AskEncoder: Sendable {
    private let id: String
    private let created: Int
    private let model: String
    private let generation: Int

    /// An encoder of one answer's frames.
    public init(id: String, created: Int, model: String, generation: Int) {
        self.id = id
        self.created = created
        self.model = model
        self.generation = generation
    }

    /// The data of `event: start`.
    public func start(_ usage: Usage) -> JSON {
        [
            "id": .string(id), "model": .string(model), "generation": JSON(generation),
            "prompt_tokens": JSON(usage.promptTokens), "image_tokens": JSON(usage.imageTokens),
        ]
    }

    /// The data of `event: text`.
    public func text(_ text: String) -> JSON {
        ["text": .string(text)]
    }

    /// The data of `event: done`.
    public func done(reason: String, usage: Usage, timing: AskTiming) -> JSON {
        ["finish_reason": .string(reason), "usage": usage.json, "timing": timing.json]
    }

    /// The response of a request that is not streamed.
    public func response(_ answer: String, reason: String, usage: Usage, timing: AskTiming) -> JSON {
        [
            "id": .string(id), "object": "answer", "created": JSON(created), "model": .string(model),
            "generation": JSON(generation), "answer": .string(answer), "finish_reason": .string(reason),
            "usage": usage.json, "timing": timing.json,
        ]
    }
}
