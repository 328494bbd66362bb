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

/// What an answer is worth.
public struct AskScores: Sendable, Equatable {
    /// The reward model's scalar.
    public var reward: Double
    /// The value before the first token; nil: nothing tells it.
    public var value: Double?
    /// Σ log π/π_sft over the answer, in nats; nil: nothing tells it.
    public var kl: Double?

    /// The given scores.
    public init(reward: Double, value: Double?, kl: Double?) {
        self.reward = reward
        self.value = value
        self.kl = kl
    }

    fileprivate var json: JSON {
        ["reward": JSON(reward), "value": value.map { JSON($0) } ?? .null, "kl": kl.map { JSON($0) } ?? .null]
    }
}

/// How an answer ended and what it took.
public struct AskEnding: Sendable, Equatable {
    /// Why it ended, in OpenAI's words.
    public var reason: String
    /// Tokens, those of candidates that were not picked among them.
    public var usage: Usage
    /// Where the time went.
    public var timing: AskTiming
    /// What it is worth; nil unless the request asked for it.
    public var scores: AskScores?

    /// The end of an answer.
    public init(reason: String, usage: Usage, timing: AskTiming, scores: AskScores? = nil) {
        self.reason = reason
        self.usage = usage
        self.timing = timing
        self.scores = scores
    }

    fileprivate var members: [JSON.Member] {
        let members: [JSON.Member] = [
            .init("finish_reason", .string(reason)), .init("usage", usage.json), .init("timing", timing.json),
        ]
        return members + (scores.map { [.init("scores", $0.json)] } ?? [])
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
    public func done(_ ending: AskEnding) -> JSON {
        .object(ending.members)
    }

    /// The response of a request that is not streamed.
    public func response(_ answer: String, _ ending: AskEnding) -> JSON {
        let head: [JSON.Member] = [
            .init("id", .string(id)), .init("object", "answer"), .init("created", JSON(created)),
            .init("model", .string(model)), .init("generation", JSON(generation)), .init("answer", .string(answer)),
        ]
        return .object(head + ending.members)
    }
}
