public import Support

/// Writes `/v1/responses`: a fixed sequence of numbered events, or one object.
///
/// All output is one message with one part of text. Its id is the same in all events and in the final object.
public struct ResponsesEncoder: AnswerEncoder {
    private let head: ResponseHead
    /// The number of the next event.
    private var next = 0
    private var text = ""
    private var logprobs: [TokenLogprob] = []
    private var isOpen = false

    /// An encoder of one answer.
    public init(_ head: ResponseHead) {
        self.head = head
    }

    /// The events that announce the response.
    public mutating func begin(choices: Int, usage: Usage) -> [String] {
        let response = head.object(.inProgress)
        return [event("response.created", ["response": response]), event("response.in_progress", ["response": response])]
    }

    /// A delta of the text.
    public mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        let opening = open()
        text += piece.text
        logprobs += piece.logprobs ?? []
        return opening + [
            event(
                "response.output_text.delta",
                place(["delta": .string(piece.text), "logprobs": (piece.logprobs ?? []).responsesJSON]))
        ]
    }

    /// The events that complete the text, its part, its item and the response.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        let opening = open()
        logprobs += ending.logprobs?.prefix(ending.unfinishedTokens) ?? []
        let outcome = ResponseHead.Outcome(ending)
        let part = ResponseHead.part(text, logprobs)
        let item = head.item([part], status: outcome.itemStatus)
        return opening + [
            event(
                "response.output_text.done", place(["text": .string(text), "logprobs": logprobs.responsesJSON])),
            event("response.content_part.done", place(["part": part])),
            event("response.output_item.done", ["output_index": 0, "item": item]),
            event(outcome.event, ["response": head.object(outcome, output: [item], usage: usage)]),
        ]
    }

    /// The event `response.failed`, whose response has the text so far.
    public func fail(_ error: APIError) -> [String]? {
        var last = self
        let outcome = ResponseHead.Outcome.failed(error)
        let output = isOpen ? [head.item([ResponseHead.part(text, logprobs)], status: outcome.itemStatus)] : []
        return [last.event(outcome.event, ["response": head.object(outcome, output: output)])]
    }

    /// The response as one object.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let (choice, ending) = (choices[0], choices[0].ending)
        let logprobs = (choice.logprobs ?? []) + (ending.logprobs?.prefix(ending.unfinishedTokens) ?? [])
        let outcome = ResponseHead.Outcome(ending)
        let item = head.item([ResponseHead.part(choice.text, logprobs)], status: outcome.itemStatus)
        return head.object(outcome, output: [item], usage: usage)
    }

    /// The events that open the message and its part, before the first delta.
    private mutating func open() -> [String] {
        guard !isOpen else { return [] }
        isOpen = true
        return [
            event("response.output_item.added", ["output_index": 0, "item": head.item([], status: "in_progress")]),
            event("response.content_part.added", place(["part": ResponseHead.part("", [])])),
        ]
    }

    /// `members` after the members that say which part they are about.
    private func place(_ members: JSON) -> JSON {
        JSON.joined(["item_id": .string(head.itemID), "output_index": 0, "content_index": 0], members)
    }

    private mutating func event(_ name: String, _ members: JSON) -> String {
        defer { next += 1 }
        return EventStream.frame(
            event: name, JSON.joined(["type": .string(name), "sequence_number": JSON(next)], members))
    }
}

/// What all objects of one response share.
public struct ResponseHead: Sendable {
    /// The response's id.
    public var id: String
    /// The id of the message in its output.
    public var itemID: String
    /// The creation time in Unix seconds.
    public var created: Int
    /// The model's name as in the request.
    public var model: String
    /// The fields of the request that the response repeats.
    public var echo: ResponseEcho
    /// The current time in Unix seconds.
    public var now: @Sendable () -> Int

    /// A head with the given properties.
    public init(
        id: String, itemID: String, created: Int, model: String, echo: ResponseEcho, now: @escaping @Sendable () -> Int
    ) {
        self.id = id
        self.itemID = itemID
        self.created = created
        self.model = model
        self.echo = echo
        self.now = now
    }

    /// The state of a response.
    enum Outcome {
        case inProgress
        case completed
        /// Cut off at the limit of tokens.
        case incomplete
        case failed(APIError)

        init(_ ending: AnswerEnding) {
            self = ending.reason == "length" ? .incomplete : .completed
        }

        var status: String {
            switch self {
            case .inProgress: "in_progress"
            case .completed: "completed"
            case .incomplete: "incomplete"
            case .failed: "failed"
            }
        }

        /// The event that ends a stream with this state.
        var event: String { "response.\(status)" }

        var itemStatus: String { if case .completed = self { "completed" } else { "incomplete" } }
    }

    /// A part of text.
    static func part(_ text: String, _ logprobs: [TokenLogprob]) -> JSON {
        ["type": "output_text", "text": .string(text), "annotations": [], "logprobs": logprobs.responsesJSON]
    }

    /// The message.
    func item(_ content: [JSON], status: String) -> JSON {
        [
            "id": .string(itemID), "type": "message", "status": .string(status), "role": "assistant",
            "content": .array(content),
        ]
    }

    /// The response, with every member that the format has.
    func object(_ outcome: Outcome, output: [JSON] = [], usage: Usage? = nil) -> JSON {
        var (details, failure, completed) = (JSON.null, JSON.null, JSON.null)
        switch outcome {
        case .inProgress: break
        case .completed: completed = JSON(now())
        case .incomplete: details = ["reason": "max_output_tokens"]
        case .failed(let error):
            failure = ["code": .string(error.code.rawValue), "message": .string(error.message)]
        }
        return [
            "id": .string(id), "object": "response", "created_at": JSON(created), "completed_at": completed,
            "status": .string(outcome.status), "incomplete_details": details, "model": .string(model),
            "previous_response_id": nil, "instructions": JSON(echo.instructions), "output": .array(output),
            "error": failure, "tools": [], "tool_choice": "auto", "truncation": "disabled",
            "parallel_tool_calls": .bool(echo.allowsParallelCalls), "text": ["format": ["type": "text"]],
            "top_p": echo.topP.map { JSON($0) } ?? .null, "presence_penalty": 0, "frequency_penalty": 0,
            "top_logprobs": JSON(echo.topLogprobs), "temperature": echo.temperature.map { JSON($0) } ?? .null,
            "reasoning": ["effort": nil, "summary": nil], "usage": usage?.responsesJSON ?? .null,
            "max_output_tokens": JSON(echo.maximumTokens), "max_tool_calls": nil, "store": false, "background": false,
            "service_tier": "default", "metadata": .object(echo.metadata),
            "safety_identifier": JSON(echo.safetyIdentifier), "prompt_cache_key": JSON(echo.promptCacheKey),
        ]
    }
}

extension Usage {
    /// The counts in the format of responses.
    fileprivate var responsesJSON: JSON {
        [
            "input_tokens": JSON(promptTokens), "output_tokens": JSON(completionTokens),
            "total_tokens": JSON(promptTokens + completionTokens),
            "input_tokens_details": ["cached_tokens": JSON(cachedTokens), "image_tokens": JSON(imageTokens)],
            "output_tokens_details": ["reasoning_tokens": 0],
        ]
    }
}

extension JSON {
    /// The members of both objects, in order.
    static func joined(_ first: JSON, _ second: JSON) -> JSON {
        guard case .object(let one) = first, case .object(let two) = second else { return second }
        return .object(one + two)
    }
}
