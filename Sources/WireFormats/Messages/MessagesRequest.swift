import Support

/// The body of `POST /v1/messages`, and of `POST /v1/messages/count_tokens`, in Anthropic's format.
public struct MessagesRequest: Sendable, Equatable {
    /// What the body asks for.
    public enum Purpose: Sendable {
        /// An answer.
        case answer
        /// The number of tokens of the prompt.
        case count
    }

    /// The requested policy.
    public var model: String
    /// The dialogue, with the system text first. If the assistant speaks last, the answer continues its text.
    public var messages: [DialogueMessage]
    /// How the answer is generated.
    public var options: GenerationOptions
    /// Whether the answer is streamed.
    public var isStreaming: Bool

    /// Parses a JSON body. Throws for fields without effect.
    public init(body: [UInt8], for purpose: Purpose = .answer) throws(APIError) {
        var fields = try FieldReader(body: body)
        try self.init(&fields, for: purpose)
    }

    /// Reads the fields of a JSON body. Throws for fields without effect.
    init(_ fields: inout FieldReader, for purpose: Purpose) throws(APIError) {
        model = try fields.require(fields.string("model"), "model")
        var dialogue = AnthropicDialogue()
        try dialogue.appendSystem(&fields)
        for message in try fields.require(fields.objects("messages", count: 1...1_024), "messages") {
            try dialogue.append(message)
        }
        messages = dialogue.messages
        options = GenerationOptions()
        isStreaming = false
        if purpose == .answer {
            try options.readAnthropic(&fields)
            isStreaming = try fields.bool("stream", default: false)
            if var metadata = try fields.object("metadata") {
                _ = try metadata.string("user_id")
                try metadata.finish()
            }
            try fields.accept("service_tier", only: "auto", "standard_only")
            try fields.refuse("container", "inference_geo")
        }
        options.tools = try fields.anthropicTools()
        options.format = try fields.anthropicFormat()
        try fields.acceptCacheControl()
        if var thinking = try fields.object("thinking") {
            _ = try thinking.require(thinking.value("type"), "type")
            try thinking.accept("type", only: "disabled")
            try thinking.finish()
        }
        try fields.refuse("mcp_servers", "context_management")
        try fields.finish()
    }
}

extension GenerationOptions {
    fileprivate mutating func readAnthropic(_ fields: inout FieldReader) throws(APIError) {
        let limit = try fields.require(fields.integer("max_tokens", in: 1...Int64.max), "max_tokens")
        maximumTokens = Int(limit)
        temperature = try fields.number("temperature", in: 0...1)
        topP = try fields.number("top_p", in: 0...1, excludingLowerBound: true)
        topK = try fields.integer("top_k", in: -1...Int64(Int32.max)).map { Int($0) }
        stop = try Self.stopStrings(&fields, "stop_sequences")
    }
}

extension FieldReader {
    /// Reads the field `cache_control`. What it asks for happens anyway: prompts are always cached.
    mutating func acceptCacheControl() throws(APIError) {
        guard var control = try object("cache_control") else { return }
        _ = try control.require(control.value("type"), "type")
        try control.accept("type", only: "ephemeral")
        try control.accept("ttl", only: "5m", "1h")
        try control.finish()
    }

    /// Reads `output_config`: the form of the answer.
    fileprivate mutating func anthropicFormat() throws(APIError) -> AnswerFormat {
        guard var config = try object("output_config") else { return .text }
        try config.refuse("effort", "task_budget")
        var answer = AnswerFormat.text
        if var format = try config.object("format") {
            _ = try format.require(format.value("type"), "type")
            try format.accept("type", only: "json_schema")
            let schema = try format.require(format.value("schema"), "schema")
            answer = .jsonSchema(schema, param: format.path(of: "schema"))
            try format.finish()
        }
        try config.finish()
        return answer
    }

    /// Reads `tools` and `tool_choice`; nil without tools.
    fileprivate mutating func anthropicTools() throws(APIError) -> ToolUse? {
        var definitions: [ToolDefinition] = []
        for tool in try objects("tools", count: 0...64) ?? [] {
            var reader = tool
            try reader.accept("type", only: "custom")
            let name = try reader.require(reader.string("name"), "name")
            try reader.checkName(name, "name")
            let schema = try reader.require(reader.value("input_schema"), "input_schema")
            guard case .object = schema else {
                throw reader.wrongType("input_schema", schema, expected: "an object")
            }
            definitions.append(
                ToolDefinition(
                    name: name, description: try reader.string("description"), parameters: schema,
                    param: reader.path(of: "input_schema")))
            // Arguments always fit the schema, and are always streamed as they come.
            _ = try reader.bool("strict")
            _ = try reader.bool("eager_input_streaming")
            try reader.acceptCacheControl()
            try reader.finish()
        }
        let (choice, isParallel) = try anthropicChoice()
        guard !definitions.isEmpty else {
            guard choice == ToolChoice.none || choice == .auto else {
                throw APIError(.invalidValue, "tool_choice is allowed only with tools.", param: "tool_choice")
            }
            return nil
        }
        return try ToolUse(definitions, choice: choice, isParallel: isParallel)
    }

    private mutating func anthropicChoice() throws(APIError) -> (ToolChoice, isParallel: Bool) {
        guard var fields = try object("tool_choice") else { return (.auto, true) }
        let choice: ToolChoice
        switch try fields.require(fields.string("type"), "type") {
        case "auto": choice = .auto
        case "any": choice = .required
        case "none": choice = .none
        case "tool": choice = .named(try fields.require(fields.string("name"), "name"))
        default:
            throw APIError(
                .invalidValue, "\(fields.path(of: "type")) must be auto, any, tool or none.",
                param: fields.path(of: "type"))
        }
        let isParallel = try !fields.bool("disable_parallel_tool_use", default: false)
        try fields.finish()
        return (choice, isParallel)
    }
}
