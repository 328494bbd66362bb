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
        model = try fields.require(fields.string("model"), "model")
        messages = try fields.systemText().map { [$0] } ?? []
        for message in try fields.require(fields.objects("messages", count: 1...1_024), "messages") {
            messages.append(try DialogueMessage(anthropic: message))
        }
        options = GenerationOptions()
        isStreaming = false
        if purpose == .answer {
            try options.readAnthropic(&fields)
            isStreaming = try fields.bool("stream") ?? false
            if var metadata = try fields.object("metadata") {
                _ = try metadata.string("user_id")
                try metadata.finish()
            }
            try fields.accept("service_tier", only: "auto", "standard_only")
            try fields.refuse("container", "inference_geo")
        }
        try Self.readFixed(&fields)
        try fields.finish()
    }

    /// Reads fields that are accepted only with the value that matches what the server does anyway.
    private static func readFixed(_ fields: inout FieldReader) throws(APIError) {
        try fields.acceptCacheControl()
        if var thinking = try fields.object("thinking") {
            _ = try thinking.require(thinking.value("type"), "type")
            try thinking.accept("type", only: "disabled")
            try thinking.finish()
        }
        try fields.accept("tools", only: [])
        try fields.refuse("tool_choice", "output_config", "mcp_servers", "context_management")
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
    /// The field `system`: text, or blocks of text.
    fileprivate mutating func systemText() throws(APIError) -> DialogueMessage? {
        let name = "system"
        switch value(name) {
        case nil: return nil
        case .string(let text): return DialogueMessage(role: .system, parts: [.text(text)])
        case .array:
            var parts: [DialogueMessage.Part] = []
            for block in try objects(name, count: 1...Int.max) ?? [] {
                parts.append(try DialogueMessage.Part(anthropic: block, role: .system))
            }
            return DialogueMessage(role: .system, parts: parts)
        case let other?: throw wrongType(name, other, expected: "a string or an array of blocks")
        }
    }

    /// Reads the field `cache_control`. What it asks for happens anyway: prompts are always cached.
    fileprivate mutating func acceptCacheControl() throws(APIError) {
        guard var control = try object("cache_control") else { return }
        _ = try control.require(control.value("type"), "type")
        try control.accept("type", only: "ephemeral")
        try control.accept("ttl", only: "5m", "1h")
        try control.finish()
    }
}

extension DialogueMessage {
    fileprivate init(anthropic message: FieldReader) throws(APIError) {
        var fields = message
        role = try fields.speaker(of: ["user", "assistant"])
        switch try fields.require(fields.value("content"), "content") {
        case .string(let text): parts = [.text(text)]
        case .array:
            parts = []
            for block in try fields.objects("content", count: 1...Int.max) ?? [] {
                parts.append(try Part(anthropic: block, role: role))
            }
        case let other: throw fields.wrongType("content", other, expected: "a string or an array of blocks")
        }
        try fields.finish()
    }
}

extension DialogueMessage.Part {
    fileprivate init(anthropic block: FieldReader, role: DialogueMessage.Role) throws(APIError) {
        var fields = block
        let type = try fields.require(fields.string("type"), "type")
        try fields.acceptCacheControl()
        switch (type, role) {
        case ("text", _):
            self = .text(try fields.require(fields.string("text"), "text"))
            try fields.accept("citations", only: [])
        case ("image", .user): self = .image(try fields.anthropicImage())
        case ("image", _):
            throw APIError(.invalidValue, "Images are allowed in user messages only.", param: fields.path)
        case ("tool_use", _), ("tool_result", _), ("document", _), ("search_result", _), ("thinking", _),
            ("redacted_thinking", _), ("server_tool_use", _), ("web_search_tool_result", _):
            throw APIError(
                .unsupportedValue, "Blocks of the type \(type) are not supported.", param: fields.path(of: "type"))
        default:
            throw APIError(
                .invalidValue, "\(fields.path(of: "type")) must be text or image.", param: fields.path(of: "type"))
        }
        try fields.finish()
    }
}

extension FieldReader {
    /// The field `source` of an image block.
    fileprivate mutating func anthropicImage() throws(APIError) -> ImageReference {
        var source = try require(object("source"), "source")
        let type = try source.require(source.string("type"), "type")
        let reference: ImageReference
        switch type {
        case "base64":
            // The bytes decide the format, as everywhere; the declared type must only be one of the known ones.
            _ = try source.require(source.value("media_type"), "media_type")
            try source.accept("media_type", only: "image/png", "image/jpeg", "image/webp", "image/gif")
            let text = try source.require(source.string("data"), "data")
            reference = ImageReference(source: .base64(text), detail: .auto, param: source.path(of: "data"))
        case "file":
            let id = try source.require(source.string("file_id"), "file_id")
            reference = ImageReference(source: .upload(id), detail: .auto, param: source.path(of: "file_id"))
        case "url":
            throw APIError(
                .remoteImage, "\(source.path(of: "type")) must be base64 or file: images are never fetched.",
                param: source.path(of: "type"))
        default:
            throw APIError(
                .invalidValue, "\(source.path(of: "type")) must be base64 or file.", param: source.path(of: "type"))
        }
        try source.finish()
        return reference
    }
}
