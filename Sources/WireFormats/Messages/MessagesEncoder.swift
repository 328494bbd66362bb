public import Support

/// Writes `/v1/messages`: Anthropic's events, or one message.
public struct MessagesEncoder: AnswerEncoder {
    private let id: String
    private let model: String
    private let maximumTokens: Int
    private let requestID: String
    private var isOpen = false

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
        open() + [
            Self.event(
                "content_block_delta", ["index": 0, "delta": ["type": "text_delta", "text": .string(piece.text)]])
        ]
    }

    /// The end of the block and of the message, with the final counts.
    public mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String] {
        let delta: JSON = .object(stop(ending, usage: usage) + [JSON.Member("container", nil)])
        return open() + [
            Self.event("content_block_stop", ["index": 0]),
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
        message([Self.block(choices[0].text)], ending: choices[0].ending, usage: usage)
    }

    /// The start of the one block, before the first delta. An answer without text has a block too: clients read it
    /// unguarded.
    private mutating func open() -> [String] {
        guard !isOpen else { return [] }
        isOpen = true
        return [Self.event("content_block_start", ["index": 0, "content_block": Self.block("")])]
    }

    private static func block(_ text: String) -> JSON {
        ["type": "text", "text": .string(text), "citations": nil]
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
            head + stop(ending, usage: usage) + [
                .init("container", nil), .init("usage", .object(usage.anthropicMembers + counts)),
            ])
    }

    /// Why the message ended; all members are null before its end.
    private func stop(_ ending: AnswerEnding?, usage: Usage) -> [JSON.Member] {
        let reason: String? = ending.map { ending in
            if ending.stopString != nil { return "stop_sequence" }
            guard ending.reason == "length" else { return "end_turn" }
            return usage.completionTokens >= maximumTokens ? "max_tokens" : "model_context_window_exceeded"
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
