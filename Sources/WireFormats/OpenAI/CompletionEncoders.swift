/// What all frames of one OpenAI-shaped answer share.
public struct CompletionHead: Sendable {
    /// The answer's id.
    public var id: String
    /// Unix seconds.
    public var created: Int
    /// The model as it was asked for.
    public var model: String
    /// What would give the same bytes again.
    public var fingerprint: String

    /// A head of the given parts.
    public init(id: String, created: Int, model: String, fingerprint: String) {
        self.id = id
        self.created = created
        self.model = model
        self.fingerprint = fingerprint
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
}

/// One whole answer.
public struct CompletionChoice: Sendable {
    /// Its text.
    public var text: String
    /// Its tokens; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?
    /// `stop` or `length`.
    public var finishReason: String

    /// An answer of the given parts.
    public init(text: String, logprobs: [TokenLogprob]?, finishReason: String) {
        self.text = text
        self.logprobs = logprobs
        self.finishReason = finishReason
    }
}

/// Writes the frames and the response of one OpenAI-shaped route.
public protocol CompletionEncoding: Sendable {
    /// The frame that opens a choice; nil if the route has none.
    func opening(index: Int, usage: JSON?) -> JSON?
    /// A frame of text. `offset` counts the characters of the choice so far and is moved on.
    func delta(index: Int, text: String, logprobs: [TokenLogprob]?, offset: inout Int, usage: JSON?) -> JSON
    /// The frame that ends a choice. `logprobs` are those of tokens without text, which only some routes show.
    func finish(index: Int, reason: String, logprobs: [TokenLogprob]?, offset: inout Int, usage: JSON?) -> JSON
    /// The frame of the token counts.
    func usage(_ usage: Usage) -> JSON
    /// The response of a request that is not streamed. `endings` are the tokens without text, by choice.
    func response(_ choices: [CompletionChoice], endings: [[TokenLogprob]], usage: Usage) -> JSON
}

/// Writes `/v1/chat/completions`.
public struct ChatCompletionEncoder: CompletionEncoding {
    private let head: CompletionHead

    /// An encoder of one answer's frames.
    public init(_ head: CompletionHead) {
        self.head = head
    }

    private func chunk(index: Int, delta: JSON, logprobs: JSON, reason: String?, usage: JSON?) -> JSON {
        let choice: JSON = [
            "index": JSON(index), "delta": delta, "logprobs": logprobs, "finish_reason": JSON(reason),
        ]
        return head.object("chat.completion.chunk", choices: [choice], usage: usage)
    }

    /// As `CompletionEncoding` says.
    public func opening(index: Int, usage: JSON?) -> JSON? {
        let delta: JSON = ["role": "assistant", "content": "", "refusal": nil]
        return chunk(index: index, delta: delta, logprobs: .null, reason: nil, usage: usage)
    }

    /// As `CompletionEncoding` says.
    public func delta(
        index: Int, text: String, logprobs: [TokenLogprob]?, offset: inout Int, usage: JSON?
    ) -> JSON {
        chunk(
            index: index, delta: ["content": .string(text)], logprobs: logprobs?.chatJSON ?? .null, reason: nil,
            usage: usage)
    }

    /// As `CompletionEncoding` says.
    public func finish(
        index: Int, reason: String, logprobs: [TokenLogprob]?, offset: inout Int, usage: JSON?
    ) -> JSON {
        chunk(index: index, delta: [:], logprobs: .null, reason: reason, usage: usage)
    }

    /// As `CompletionEncoding` says.
    public func usage(_ usage: Usage) -> JSON {
        head.object("chat.completion.chunk", choices: [], usage: usage.json)
    }

    /// As `CompletionEncoding` says.
    public func response(_ choices: [CompletionChoice], endings: [[TokenLogprob]], usage: Usage) -> JSON {
        let list = choices.enumerated().map { index, choice -> JSON in
            [
                "index": JSON(index),
                "message": [
                    "role": "assistant", "content": .string(choice.text), "refusal": nil, "annotations": [],
                ],
                "logprobs": choice.logprobs?.chatJSON ?? .null, "finish_reason": .string(choice.finishReason),
            ]
        }
        return head.object(
            "chat.completion", choices: list, usage: usage.json, extra: [JSON.Member("service_tier", "default")])
    }
}

/// Writes `/v1/completions`.
public struct TextCompletionEncoder: CompletionEncoding {
    private let head: CompletionHead

    /// An encoder of one answer's frames.
    public init(_ head: CompletionHead) {
        self.head = head
    }

    private func choice(index: Int, text: String, logprobs: JSON, reason: String?) -> JSON {
        ["index": JSON(index), "text": .string(text), "logprobs": logprobs, "finish_reason": JSON(reason)]
    }

    /// As `CompletionEncoding` says.
    public func opening(index: Int, usage: JSON?) -> JSON? { nil }

    /// As `CompletionEncoding` says.
    public func delta(
        index: Int, text: String, logprobs: [TokenLogprob]?, offset: inout Int, usage: JSON?
    ) -> JSON {
        let logprobs = logprobs?.completionJSON(offset: &offset) ?? .null
        let choice = choice(index: index, text: text, logprobs: logprobs, reason: nil)
        return head.object("text_completion", choices: [choice], usage: usage)
    }

    /// As `CompletionEncoding` says.
    public func finish(
        index: Int, reason: String, logprobs: [TokenLogprob]?, offset: inout Int, usage: JSON?
    ) -> JSON {
        let logprobs = logprobs?.completionJSON(offset: &offset) ?? .null
        let choice = choice(index: index, text: "", logprobs: logprobs, reason: reason)
        return head.object("text_completion", choices: [choice], usage: usage)
    }

    /// As `CompletionEncoding` says.
    public func usage(_ usage: Usage) -> JSON {
        head.object("text_completion", choices: [], usage: usage.json)
    }

    /// As `CompletionEncoding` says.
    public func response(_ choices: [CompletionChoice], endings: [[TokenLogprob]], usage: Usage) -> JSON {
        let list = zip(choices, endings).enumerated().map { index, pair -> JSON in
            var offset = 0
            let logprobs = pair.0.logprobs.map { ($0 + pair.1).completionJSON(offset: &offset) } ?? .null
            return choice(index: index, text: pair.0.text, logprobs: logprobs, reason: pair.0.finishReason)
        }
        return head.object("text_completion", choices: list, usage: usage.json)
    }
}
