public import Support

/// Writes `/v1/messages`: Anthropic's events, or one message.
public struct MessagesEncoder: AnswerEncoder {
    private let id: String
    private let model: String
    private let maximumTokens: Int
    private let requestID: String
    /// The index of the next block, or of the open one.
    private var index = 0
    private var open: Block?

    /// A block that is being written.
    private enum Block {
        case text
        case toolUse
    }

    /// An encoder of one answer.
    ///
    /// - Parameters:
    ///   - maximumTokens: the limit that the request sets.
    ///   - requestID: the request's id, which errors repeat.
    public init(id: String, model: String, maximumTokens: Int, requestID: String) {
        self.id = id
        self.model = model
        self.maximumTokens = maximumTokens
        self.requestID = requestID
    }

    /// The event `ping`.
    public var keepAlive: [String] { [Self.event("ping")] }

    /// The event `message_start`.
    public func begin(choices: Int, usage: Usage) -> [String] {
        [Self.event("message_start", ["message": message([], ending: nil, usage: usage)])]
    }

    /// A delta of the text.
    public mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String] {
        let opening = open == .text ? [] : start(.text, Self.textBlock(""))
        return opening + [delta(["type": "text_delta", "text": .string(piece.text)])]
    }

    /// The events of a call.
    public mutating func toolCall(_ piece: ToolCallPiece, usage: Usage) -> [String] {
        switch piece.step {
        case .begin(let id, let name): start(.toolUse, Self.toolBlock(id: id, name: name, input: [:]))
        case .arguments(let text): [delta(["type": "input_json_delta", "partial_json": .string(text)])]
        case .end: stop()
        }
    }

    /// The end of the last block and of the message, with the final counts.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        // An answer without text has a block too: clients read it unguarded.
        let opening = index == 0 && open == nil ? start(.text, Self.textBlock("")) : []
        let delta: JSON = .object(reason(ending, usage: usage) + [JSON.Member("container", nil)])
        return opening + stop() + [
            Self.event("message_delta", ["delta": delta, "usage": .object(usage.anthropicMembers)]),
            Self.event("message_stop"),
        ]
    }

    /// The event `error`.
    public func fail(_ error: APIError) -> [String]? {
        [EventStream.frame(event: "error", error.anthropicJSON(requestID: requestID))]
    }

    /// The message as one object.
    public func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON {
        let choice = choices[0]
        var blocks: [JSON] = []
        if !choice.text.isEmpty || choice.toolCalls.isEmpty { blocks.append(Self.textBlock(choice.text)) }
        for call in choice.toolCalls {
            // Arguments that were cut off are no JSON; the reason for the end says that they were.
            let input = try? JSON.parse(Array(call.arguments.utf8))
            blocks.append(Self.toolBlock(id: call.id, name: call.name, input: input ?? [:]))
        }
        return message(blocks, ending: choice.ending, usage: usage)
    }

    /// The end of the open block, if there is one, and the start of the next.
    private mutating func start(_ kind: Block, _ block: JSON) -> [String] {
        let closing = stop()
        open = kind
        return closing + [Self.event("content_block_start", ["index": JSON(index), "content_block": block])]
    }

    private mutating func stop() -> [String] {
        guard open != nil else { return [] }
        defer { (open, index) = (nil, index + 1) }
        return [Self.event("content_block_stop", ["index": JSON(index)])]
    }

    private func delta(_ delta: JSON) -> String {
        Self.event("content_block_delta", ["index": JSON(index), "delta": delta])
    }

    private static func textBlock(_ text: String) -> JSON {
        ["type": "text", "text": .string(text), "citations": nil]
    }

    private static func toolBlock(id: String, name: String, input: JSON) -> JSON {
        let own = id.hasPrefix("call_") ? "toolu_\(id.dropFirst(5))" : id
        return [
            "type": "tool_use", "id": .string(own), "name": .string(name), "input": input,
            "caller": ["type": "direct"],
        ]
    }

    private static func event(_ name: String, _ members: JSON = [:]) -> String {
        EventStream.frame(event: name, JSON.joined(["type": .string(name)], members))
    }

    private func message(_ content: [JSON], ending: AnswerEnding?, usage: Usage) -> JSON {
        let head: [JSON.Member] = [
            .init("id", .string(id)), .init("type", "message"), .init("role", "assistant"),
            .init("model", .string(model)), .init("content", .array(content)),
        ]
        let counts: [JSON.Member] = [
            .init("cache_creation", nil), .init("server_tool_use", nil), .init("service_tier", "standard"),
            .init("output_tokens_details", nil), .init("inference_geo", nil),
        ]
        return .object(
            head + reason(ending, usage: usage) + [
                .init("container", nil), .init("usage", .object(usage.anthropicMembers + counts)),
            ])
    }

    /// Why the message ended; all members are null before its end.
    private func reason(_ ending: AnswerEnding?, usage: Usage) -> [JSON.Member] {
        let reason: String? = ending.map { ending in
            if ending.stopString != nil { return "stop_sequence" }
            if ending.reason == "tool_calls" { return "tool_use" }
            guard ending.reason == "length" else { return "end_turn" }
            // A shortened text may end before its limit.
            let isAtLimit = ending.isShortened || usage.completionTokens >= maximumTokens
            return isAtLimit ? "max_tokens" : "model_context_window_exceeded"
        }
        return [
            .init("stop_reason", JSON(reason)), .init("stop_sequence", JSON(ending?.stopString)),
            .init("stop_details", nil),
        ]
    }
}

extension Usage {
    /// The counts in Anthropic's format: positions from the cache are counted apart.
    fileprivate var anthropicMembers: [JSON.Member] {
        [
            .init("input_tokens", JSON(promptTokens - cachedTokens)), .init("output_tokens", JSON(completionTokens)),
            .init("cache_creation_input_tokens", 0), .init("cache_read_input_tokens", JSON(cachedTokens)),
        ]
    }
}

extension APIError {
    /// The error in Anthropic's format.
    public func anthropicJSON(requestID: String) -> JSON {
        [
            "type": "error", "error": ["type": .string(anthropicKind), "message": .string(message)],
            "request_id": .string(requestID),
        ]
    }

    private var anthropicKind: String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 408, 504: "timeout_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503: "overloaded_error"
        case 500...: "api_error"
        default: "invalid_request_error"
        }
    }
}
