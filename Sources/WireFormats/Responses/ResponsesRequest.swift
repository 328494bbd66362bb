import Support

/// The body of `POST /v1/responses`.
public struct ResponsesRequest: Sendable, Equatable {
    /// The requested policy.
    public var model: String
    /// The dialogue: the instructions, if there are any, and the input.
    public var messages: [DialogueMessage]
    /// How the answer is generated.
    public var options: GenerationOptions
    /// Whether the answer is streamed.
    public var isStreaming: Bool
    /// The fields that the response repeats.
    public var echo: ResponseEcho

    /// Parses a JSON body. Throws for fields without effect.
    public init(body: [UInt8]) throws(APIError) {
        var fields = try FieldReader(body: body)
        model = try fields.require(fields.string("model"), "model")
        let instructions = try fields.string("instructions")
        let input = try fields.responseInput("input")
        messages = (instructions.map { [DialogueMessage(role: .system, parts: [.text($0)])] } ?? []) + input
        options = GenerationOptions()
        try options.readSampling(&fields)
        options.ignoresEnd = try fields.bool("ignore_eos") ?? false
        options.minimumTokens = try fields.integer("min_tokens", in: 0...Int64(Int32.max)).map { Int($0) } ?? 0
        let limit = try fields.integer("max_output_tokens", in: 1...Int64.max).map { Int($0) }
        options.maximumTokens = limit
        let alternatives = try fields.integer("top_logprobs", in: 0...20).map { Int($0) }
        let reportsLogprobs = try Self.reportsLogprobs(&fields)
        if reportsLogprobs || alternatives ?? 0 > 0 { options.topLogprobs = alternatives ?? 0 }
        isStreaming = try StreamOptions(&fields).isStreaming
        echo = ResponseEcho(
            instructions: instructions, temperature: options.temperature, topP: options.topP,
            topLogprobs: alternatives, maximumTokens: limit)
        try echo.read(&fields)
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
        if var text = try fields.object("text") {
            if var format = try text.object("format") {
                _ = try format.require(format.value("type"), "type")
                try format.accept("type", only: "text")
                try format.finish()
            }
            try text.accept("verbosity", only: "medium")
            try text.finish()
        }
        if var reasoning = try fields.object("reasoning") {
            try reasoning.accept("effort", only: "none")
            try reasoning.refuse("summary", "generate_summary")
            try reasoning.finish()
        }
        try fields.accept("tools", only: [])
        try fields.accept("tool_choice", only: "auto", "none")
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
    var allowsParallelCalls = true
    var metadata: [JSON.Member] = []
    var safetyIdentifier: String?
    var promptCacheKey: String?

    init(
        instructions: String?, temperature: Double?, topP: Double?, topLogprobs: Int?, maximumTokens: Int?
    ) {
        self.instructions = instructions
        self.temperature = temperature
        self.topP = topP
        self.topLogprobs = topLogprobs
        self.maximumTokens = maximumTokens
    }

    /// The echo of a request without options.
    public init() {}

    fileprivate mutating func read(_ fields: inout FieldReader) throws(APIError) {
        allowsParallelCalls = try fields.bool("parallel_tool_calls") ?? true
        safetyIdentifier = try fields.string("safety_identifier")
        promptCacheKey = try fields.string("prompt_cache_key")
        if case .object(let members)? = fields.value("metadata") { metadata = members }
        try fields.readNeutral()
    }
}

extension FieldReader {
    /// The input of a response: text, or 1 to 1,024 items.
    fileprivate mutating func responseInput(_ name: String) throws(APIError) -> [DialogueMessage] {
        switch try require(value(name), name) {
        case .string(let text):
            guard !text.isEmpty else {
                throw APIError(.invalidValue, "\(path(of: name)) must not be empty.", param: path(of: name))
            }
            return [DialogueMessage(role: .user, parts: [.text(text)])]
        case .array:
            let items = try objects(name, count: 1...1_024) ?? []
            var messages: [DialogueMessage] = []
            for item in items { messages.append(try DialogueMessage(responseItem: item)) }
            return messages
        case let other: throw wrongType(name, other, expected: "a string or an array of items")
        }
    }
}

extension DialogueMessage {
    /// An item of a response's input, which may come from the output of an earlier response.
    fileprivate init(responseItem item: FieldReader) throws(APIError) {
        var fields = item
        let type = try fields.string("type") ?? "message"
        switch type {
        case "message": break
        case "function_call", "function_call_output", "item_reference", "reasoning", "file_search_call",
            "computer_call", "web_search_call", "image_generation_call", "code_interpreter_call", "mcp_call",
            "custom_tool_call", "custom_tool_call_output":
            throw APIError(
                .unsupportedParameter, "Items of the type \(type) are not supported.", param: fields.path(of: "type"))
        default:
            throw APIError(.invalidValue, "\(fields.path(of: "type")) must be message.", param: fields.path(of: "type"))
        }
        role = try fields.speaker(of: ["user", "assistant", "system", "developer"])
        // An item of an earlier response comes with its id and its state.
        _ = try fields.string("id")
        _ = try fields.string("status")
        if role == .assistant { _ = try fields.string("phase") }
        switch try fields.require(fields.value("content"), "content") {
        case .string(let text): parts = [.text(text)]
        case .array:
            parts = []
            for part in try fields.objects("content", count: 1...Int.max) ?? [] {
                parts.append(try Part(responsePart: part, role: role))
            }
        case let other: throw fields.wrongType("content", other, expected: "a string or an array of parts")
        }
        try fields.finish()
    }
}

extension DialogueMessage.Part {
    fileprivate init(responsePart part: FieldReader, role: DialogueMessage.Role) throws(APIError) {
        var fields = part
        let type = try fields.require(fields.string("type"), "type")
        switch type {
        case "input_text": self = .text(try fields.require(fields.string("text"), "text"))
        case "output_text":
            self = .text(try fields.require(fields.string("text"), "text"))
            try fields.accept("annotations", only: [])
            // What the server sent with the text; it says nothing that the text does not.
            _ = try fields.array("logprobs")
        case "refusal": self = .text(try fields.require(fields.string("refusal"), "refusal"))
        case "input_image":
            guard role == .user else {
                throw APIError(.invalidValue, "Images are allowed in user messages only.", param: fields.path)
            }
            self = .image(try fields.image(url: "image_url"))
        case "input_file", "input_audio", "input_video":
            throw APIError(
                .unsupportedValue, "Parts of the type \(type) are not supported.", param: fields.path(of: "type"))
        default:
            throw APIError(
                .invalidValue, "\(fields.path(of: "type")) must be input_text, input_image, output_text or refusal.",
                param: fields.path(of: "type"))
        }
        try fields.finish()
    }
}

extension FieldReader {
    /// The field `role`, which must be one of `names`; `developer` is another name of `system`.
    mutating func speaker(of names: [String]) throws(APIError) -> DialogueMessage.Role {
        let name = try require(string("role"), "role")
        guard names.contains(name), let role = DialogueMessage.Role(rawValue: name == "developer" ? "system" : name)
        else {
            throw APIError(
                .invalidValue, "\(path(of: "role")) must be one of \(names.joined(separator: ", ")).",
                param: path(of: "role"))
        }
        return role
    }
}
