public import Support

/// Writes `/v1/responses`: a fixed sequence of numbered events, or one object.
///
/// The output is a list of items: messages with one part of text each, and calls of functions. An item's id is the same
/// in all events and in the final object.
public struct ResponsesEncoder: AnswerEncoder {
    private let head: ResponseHead
    /// The number of the next event.
    private var next = 0
    /// The items that are complete.
    private var items: [JSON] = []
    private var open: OpenItem?

    /// An item that is being written.
    private enum OpenItem {
        case message(id: String, text: String, logprobs: [TokenLogprob])
        case call(id: String, ToolCall)
    }

    /// An encoder of one answer.
    public init(_ head: ResponseHead) {
        self.head = head
    }

    /// The events that announce the response.
    public mutating func begin(choices: Int, usage: Usage) -> [String] {
        let response = head.object(.inProgress)
        return [
            event("response.created", ["response": response]), event("response.in_progress", ["response": response]),
        ]
    }

    /// A delta of the text.
    public mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        let opening = openMessage()
        guard case .message(let id, let text, let logprobs) = open else { return opening }
        let more = piece.logprobs ?? []
        open = .message(id: id, text: text + piece.text, logprobs: logprobs + more)
        return opening + [
            event(
                "response.output_text.delta",
                part(of: id, ["delta": .string(piece.text), "logprobs": more.responsesJSON]))
        ]
    }

    /// The events of a call.
    public mutating func toolCall(_ piece: ToolCallPiece, usage: Usage) -> [String] {
        switch piece.step {
        case .begin(let callID, let name):
            let closing = close(status: "completed")
            let (id, call) = (head.makeID("fc_"), ToolCall(id: callID, name: name, arguments: ""))
            open = .call(id: id, call)
            let item = ResponseHead.item(call, id: id, status: "in_progress")
            return closing + [event("response.output_item.added", item.placed(at: items.count))]
        case .arguments(let text):
            guard case .call(let id, var call) = open else { return [] }
            call.arguments += text
            open = .call(id: id, call)
            return [
                event(
                    "response.function_call_arguments.delta",
                    ["item_id": .string(id), "output_index": JSON(items.count), "delta": .string(text)])
            ]
        case .end(let isComplete): return close(status: isComplete ? "completed" : "incomplete")
        }
    }

    /// The events that complete the last item and the response.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        // A response without any item would have nothing that clients look for.
        let opening = items.isEmpty && open == nil ? openMessage() : []
        if case .message(let id, let text, let logprobs) = open {
            let rest = ending.logprobs?.prefix(ending.unfinishedTokens) ?? []
            open = .message(id: id, text: text, logprobs: logprobs + rest)
        }
        let outcome = ResponseHead.Outcome(ending)
        return opening + close(status: outcome.itemStatus) + [
            event(outcome.event, ["response": head.object(outcome, output: items, usage: usage)])
        ]
    }

    /// The event `response.failed`, whose response has the items so far.
    public func fail(_ error: APIError) -> [String]? {
        var last = self
        let outcome = ResponseHead.Outcome.failed(error)
        _ = last.close(status: outcome.itemStatus)
        last.next = next
        return [last.event(outcome.event, ["response": head.object(outcome, output: last.items)])]
    }

    /// The response as one object.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let (choice, ending) = (choices[0], choices[0].ending)
        let logprobs = (choice.logprobs ?? []) + (ending.logprobs?.prefix(ending.unfinishedTokens) ?? [])
        let outcome = ResponseHead.Outcome(ending)
        var output: [JSON] = []
        if !choice.text.isEmpty || choice.toolCalls.isEmpty {
            let part = ResponseHead.part(choice.text, logprobs)
            output.append(ResponseHead.message(part, id: head.makeID("msg_"), status: outcome.itemStatus))
        }
        for call in choice.toolCalls {
            output.append(ResponseHead.item(call, id: head.makeID("fc_"), status: outcome.itemStatus))
        }
        return head.object(outcome, output: output, usage: usage)
    }

    /// The events that open a message and its part, unless one is open.
    private mutating func openMessage() -> [String] {
        guard open == nil else { return [] }
        let id = head.makeID("msg_")
        open = .message(id: id, text: "", logprobs: [])
        return [
            event(
                "response.output_item.added",
                ResponseHead.message(nil, id: id, status: "in_progress").placed(at: items.count)),
            event("response.content_part.added", part(of: id, ["part": ResponseHead.part("", [])])),
        ]
    }

    /// The events that complete the open item, if there is one.
    private mutating func close(status: String) -> [String] {
        let index = items.count
        switch open {
        case nil: return []
        case .message(let id, let text, let logprobs):
            let part = ResponseHead.part(text, logprobs)
            let item = ResponseHead.message(part, id: id, status: status)
            let events = [
                event(
                    "response.output_text.done",
                    self.part(of: id, ["text": .string(text), "logprobs": logprobs.responsesJSON])),
                event("response.content_part.done", self.part(of: id, ["part": part])),
                event("response.output_item.done", item.placed(at: index)),
            ]
            (open, items) = (nil, items + [item])
            return events
        case .call(let id, let call):
            let item = ResponseHead.item(call, id: id, status: status)
            let events = [
                event(
                    "response.function_call_arguments.done",
                    [
                        "item_id": .string(id), "output_index": JSON(index), "name": .string(call.name),
                        "arguments": .string(call.arguments),
                    ]), event("response.output_item.done", item.placed(at: index)),
            ]
            (open, items) = (nil, items + [item])
            return events
        }
    }

    /// `members` after the members that say which part of the open message they are about.
    private func part(of id: String, _ members: JSON) -> JSON {
        JSON.joined(["item_id": .string(id), "output_index": JSON(items.count), "content_index": 0], members)
    }

    private mutating func event(_ name: String, _ members: JSON) -> String {
        defer { next += 1 }
        return EventStream.frame(
            event: name, JSON.joined(["type": .string(name), "sequence_number": JSON(next)], members))
    }
}

extension JSON {
    /// An item with its place in the output.
    fileprivate func placed(at index: Int) -> JSON { ["output_index": JSON(index), "item": self] }

    /// The members of both objects, in order.
    static func joined(_ first: JSON, _ second: JSON) -> JSON {
        guard case .object(let one) = first, case .object(let two) = second else { return second }
        return .object(one + two)
    }
}

/// What all objects of one response share.
public struct ResponseHead: Sendable {
    /// The response's id.
    public var id: String
    /// The creation time in Unix seconds.
    public var created: Int
    /// The model's name as in the request.
    public var model: String
    /// The fields of the request that the response repeats.
    public var echo: ResponseEcho
    /// A new id with the given prefix.
    public var makeID: @Sendable (String) -> String
    /// The current time in Unix seconds.
    public var now: @Sendable () -> Int

    /// A head with the given properties.
    public init(
        id: String, created: Int, model: String, echo: ResponseEcho, makeID: @escaping @Sendable (String) -> String,
        now: @escaping @Sendable () -> Int
    ) {
        self.id = id
        self.created = created
        self.model = model
        self.echo = echo
        self.makeID = makeID
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

    /// A message with one part, or none yet.
    static func message(_ part: JSON?, id: String, status: String) -> JSON {
        [
            "id": .string(id), "type": "message", "status": .string(status), "role": "assistant",
            "content": .array(part.map { [$0] } ?? []),
        ]
    }

    /// A call of a function.
    static func item(_ call: ToolCall, id: String, status: String) -> JSON {
        [
            "id": .string(id), "type": "function_call", "status": .string(status), "call_id": .string(call.id),
            "name": .string(call.name), "arguments": .string(call.arguments),
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
            "error": failure, "tools": .array(echo.tools), "tool_choice": echo.toolChoice, "truncation": "disabled",
            "parallel_tool_calls": .bool(echo.allowsParallelCalls), "text": ["format": echo.format],
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
