import Support

/// The body of `POST /v1/responses`.
public struct ResponsesRequest: RequestBody, Equatable {
    /// The requested policy.
    public var model: String
    /// The dialogue: the instructions and the input.
    public var messages: [DialogueMessage]
    /// How the answer is generated.
    public var options: GenerationOptions
    /// Whether the answer is streamed.
    public var isStreaming: Bool
    /// The fields that the response repeats.
    public var echo: ResponseEcho

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.require(fields.string("model"), "model")
        let instructions = try fields.string("instructions")
        let input = try fields.responseInput("input")
        messages = (instructions.map { [DialogueMessage(role: .system, parts: [.text($0)])] } ?? []) + input
        options = GenerationOptions()
        try options.readSampling(&fields)
        options.ignoresEnd = try fields.bool("ignore_eos", default: false)
        options.minimumTokens = try fields.integer("min_tokens", in: 0...Int64(Int32.max), default: 0)
        options.maximumTokens = try fields.integer("max_output_tokens", in: 1...Int64.max).map { Int($0) }
        let alternatives = try fields.integer("top_logprobs", in: 0...20).map { Int($0) }
        let reportsLogprobs = try Self.reportsLogprobs(&fields)
        if reportsLogprobs || alternatives ?? 0 > 0 { options.topLogprobs = alternatives ?? 0 }
        isStreaming = try StreamOptions(&fields).isStreaming
        echo = ResponseEcho()
        echo.instructions = instructions
        (echo.temperature, echo.topP) = (options.temperature, options.topP)
        (echo.topLogprobs, echo.maximumTokens) = (alternatives, options.maximumTokens)
        try echo.readIdentifiers(&fields)
        options.format = try echo.readFormat(&fields)
        options.tools = try echo.readTools(&fields)
        try options.checkForm()
        try Self.readFixed(&fields)
        try fields.finish()
    }

    /// Whether `include` asks for log-probabilities; it can ask for nothing else.
    private static func reportsLogprobs(_ fields: inout FieldReader) throws(APIError) -> Bool {
        let wanted = try fields.array("include") ?? []
        for (index, name) in wanted.enumerated() where name != "message.output_text.logprobs" {
            let path = "\(fields.path(of: "include"))[\(index)]"
            throw APIError(
                .unsupportedValue, "\(path) is supported only as \"message.output_text.logprobs\".", param: path)
        }
        return !wanted.isEmpty
    }

    /// Reads fields that are accepted only with the value that matches what the server does anyway.
    private static func readFixed(_ fields: inout FieldReader) throws(APIError) {
        if var reasoning = try fields.object("reasoning") {
            try reasoning.accept("effort", only: "none")
            try reasoning.refuse("summary", "generate_summary")
            try reasoning.finish()
        }
        try fields.accept("store", only: false)
        try fields.accept("background", only: false)
        try fields.accept("truncation", only: "disabled")
        try fields.accept("service_tier", only: "auto", "default")
        try fields.refuse(
            "previous_response_id", "conversation", "prompt", "max_tool_calls", "context_management",
            "prompt_cache_retention")
    }
}

/// The fields of a request that its response repeats.
public struct ResponseEcho: Sendable, Equatable {
    var instructions: String?
    var temperature: Double?
    var topP: Double?
    var topLogprobs: Int?
    var maximumTokens: Int?
    var format: JSON = ["type": "text"]
    var tools: [JSON] = []
    var toolChoice: JSON = "auto"
    var allowsParallelCalls = true
    var metadata: [JSON.Member] = []
    var safetyIdentifier: String?
    var promptCacheKey: String?

    /// The echo of a request without options.
    public init() {}

    fileprivate mutating func readIdentifiers(_ fields: inout FieldReader) throws(APIError) {
        safetyIdentifier = try fields.string("safety_identifier")
        promptCacheKey = try fields.string("prompt_cache_key")
        if case .object(let members)? = fields.value("metadata") { metadata = members }
        try fields.readNeutral()
    }

    /// Reads `text`: the form of the answer.
    fileprivate mutating func readFormat(_ fields: inout FieldReader) throws(APIError) -> AnswerFormat {
        guard var text = try fields.object("text") else { return .text }
        try text.accept("verbosity", only: "medium")
        var answer = AnswerFormat.text
        if var reader = try text.object("format") {
            answer = try AnswerFormat(flat: &reader)
            format = text.value("format") ?? format
        }
        try text.finish()
        return answer
    }

    /// Reads `tools`, `tool_choice` and `parallel_tool_calls`; nil without tools.
    fileprivate mutating func readTools(_ fields: inout FieldReader) throws(APIError) -> ToolUse? {
        allowsParallelCalls = try fields.bool("parallel_tool_calls", default: true)
        var definitions: [ToolDefinition] = []
        for tool in try fields.objects("tools", count: 0...64) ?? [] {
            var reader = tool
            try reader.acceptFunction()
            let definition = try ToolDefinition(&reader)
            try reader.finish()
            definitions.append(definition)
            tools.append([
                "type": "function", "name": .string(definition.name), "description": JSON(definition.description),
                "parameters": definition.parameters ?? .null, "strict": true,
            ])
        }
        let choice = try Self.choice(&fields)
        toolChoice = fields.value("tool_choice") ?? toolChoice
        guard !definitions.isEmpty else {
            guard choice == ToolChoice.none || choice == .auto else {
                throw APIError(.invalidValue, "tool_choice is allowed only with tools.", param: "tool_choice")
            }
            return nil
        }
        return try ToolUse(definitions, choice: choice, isParallel: allowsParallelCalls)
    }

    private static func choice(_ fields: inout FieldReader) throws(APIError) -> ToolChoice {
        switch fields.value("tool_choice") {
        case nil, "auto": return .auto
        case "none": return .none
        case "required": return .required
        case .object:
            guard var choice = try fields.object("tool_choice") else { return .auto }
            try choice.acceptFunction()
            let name = try choice.require(choice.string("name"), "name")
            try choice.finish()
            return .named(name)
        default:
            throw APIError(
                .invalidValue, "tool_choice must be none, auto, required or a function.", param: "tool_choice")
        }
    }
}
