import Support

/// The body of `POST /v1/chat/completions`.
public struct ChatCompletionRequest: RequestBody, Equatable {
    /// The requested policy.
    public var model: String
    /// The dialogue; at least one message.
    public var messages: [DialogueMessage]
    /// How the answers are generated.
    public var options: GenerationOptions
    /// How the answers are streamed.
    public var delivery: StreamOptions

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.require(fields.string("model"), "model")
        messages = try fields.require(fields.dialogue("messages", hasTools: true), "messages")
        options = GenerationOptions()
        try options.readOpenAI(&fields)
        options.maximumTokens = try Self.maximumTokens(&fields)
        options.topLogprobs = try Self.topLogprobs(&fields)
        options.tools = try ToolUse(chat: &fields)
        try options.checkForm()
        delivery = try StreamOptions(&fields)
        try fields.readNeutral()
        try Self.readFixed(&fields)
        try fields.finish()
    }

    private static func maximumTokens(_ fields: inout FieldReader) throws(APIError) -> Int? {
        let limits: [Int64?] = [
            try fields.integer("max_completion_tokens", in: 1...Int64.max),
            try fields.integer("max_tokens", in: 1...Int64.max),
        ]
        if let first = limits[0], let second = limits[1], first != second {
            throw APIError(
                .invalidValue, "max_tokens is \(second), but max_completion_tokens is \(first).", param: "max_tokens")
        }
        return (limits[0] ?? limits[1]).map { Int($0) }
    }

    private static func topLogprobs(_ fields: inout FieldReader) throws(APIError) -> Int? {
        let wanted = try fields.bool("logprobs", default: false)
        let count = try fields.integer("top_logprobs", in: 0...20)
        guard wanted || count == nil else {
            throw APIError(
                .invalidValue, "top_logprobs is allowed only with logprobs: true.", param: "top_logprobs")
        }
        return wanted ? Int(count ?? 0) : nil
    }

    /// Reads fields that are accepted only with the value that matches what the server does anyway.
    private static func readFixed(_ fields: inout FieldReader) throws(APIError) {
        try fields.accept("service_tier", only: "auto", "default")
        try fields.accept("store", only: false)
        try fields.accept("modalities", only: ["text"])
        try fields.accept("reasoning_effort", only: "none")
        try fields.accept("verbosity", only: "medium")
        try fields.refuse("audio", "prediction", "web_search_options", "functions", "function_call")
    }
}
