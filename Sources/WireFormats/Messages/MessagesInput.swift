import Support

/// A dialogue made of Anthropic's messages. Results of functions, which are blocks of user messages there, become
/// messages of their own.
struct AnthropicDialogue {
    private(set) var messages: [DialogueMessage] = []
    /// The calls without a result so far.
    private var open: Set<String> = []

    /// Adds the field `system` of a request: text, or blocks of text.
    mutating func appendSystem(_ request: inout FieldReader) throws(APIError) {
        guard request.value("system") != nil else { return }
        try append("system", of: &request, role: .system)
    }

    /// Adds a message.
    mutating func append(_ message: FieldReader) throws(APIError) {
        var fields = message
        let role = try fields.speaker(of: ["user", "assistant"])
        try append("content", of: &fields, role: role)
        try fields.finish()
    }

    /// Adds the content in the field `name`: a string, or blocks.
    private mutating func append(
        _ name: String, of fields: inout FieldReader, role: DialogueMessage.Role
    ) throws(APIError) {
        switch try fields.require(fields.value(name), name) {
        case .string(let text): messages.append(DialogueMessage(role: role, parts: [.text(text)]))
        case .array:
            var message = DialogueMessage(role: role, parts: [])
            for block in try fields.objects(name, count: 1...Int.max) ?? [] { try append(block, to: &message) }
            if !message.parts.isEmpty || !message.toolCalls.isEmpty { messages.append(message) }
        case let other: throw fields.wrongType(name, other, expected: "a string or an array of blocks")
        }
    }

    private mutating func append(_ block: FieldReader, to message: inout DialogueMessage) throws(APIError) {
        var fields = block
        let type = try fields.require(fields.string("type"), "type")
        switch (type, message.role) {
        case ("tool_use", .assistant): message.toolCalls.append(try call(&fields))
        case ("tool_result", .user): messages.append(try result(&fields))
        case ("tool_use", _), ("tool_result", _):
            throw APIError(
                .invalidValue, "Blocks of the type \(type) do not belong to messages of this role.",
                param: fields.path(of: "type"))
        default: message.parts.append(try DialogueMessage.Part(anthropic: &fields, type: type, role: message.role))
        }
        try fields.acceptCacheControl()
        try fields.finish()
    }

    private mutating func call(_ fields: inout FieldReader) throws(APIError) -> ToolCall {
        let id = try fields.require(fields.string("id"), "id")
        let name = try fields.require(fields.string("name"), "name")
        let input = try fields.require(fields.value("input"), "input")
        guard case .object = input else { throw fields.wrongType("input", input, expected: "an object") }
        if var caller = try fields.object("caller") {
            try caller.accept("type", only: "direct")
            try caller.finish()
        }
        open.insert(id)
        return ToolCall(id: id, name: name, arguments: input.text)
    }

    private mutating func result(_ fields: inout FieldReader) throws(APIError) -> DialogueMessage {
        let id = try fields.require(fields.string("tool_use_id"), "tool_use_id")
        guard open.remove(id) != nil else {
            throw APIError(
                .invalidValue, "\(fields.path(of: "tool_use_id")) is \(id.prefix(64)), which no tool_use before has.",
                param: fields.path(of: "tool_use_id"))
        }
        // The prompt has no other place for it.
        let isError = try fields.bool("is_error", default: false)
        var parts: [DialogueMessage.Part] = isError ? [.text("Error: ")] : []
        switch fields.value("content") {
        case nil: break
        case .string(let text): parts.append(.text(text))
        case .array:
            for block in try fields.objects("content", count: 0...Int.max) ?? [] {
                var reader = block
                let type = try reader.require(reader.string("type"), "type")
                parts.append(try DialogueMessage.Part(anthropic: &reader, type: type, role: .tool))
                try reader.acceptCacheControl()
                try reader.finish()
            }
        case let other?: throw fields.wrongType("content", other, expected: "a string or an array of blocks")
        }
        return DialogueMessage(role: .tool, parts: parts.isEmpty ? [.text("")] : parts, toolCallID: id)
    }
}

extension DialogueMessage.Part {
    /// Reads a block of text or of an image; the caller finishes the reader.
    fileprivate init(
        anthropic fields: inout FieldReader, type: String, role: DialogueMessage.Role
    ) throws(APIError) {
        switch (type, role) {
        case ("text", _):
            self = .text(try fields.require(fields.string("text"), "text"))
            try fields.accept("citations", only: [])
        case ("image", .user), ("image", .tool): self = .image(try fields.anthropicImage())
        case ("image", _):
            throw APIError(
                .invalidValue, "Images are allowed in user messages and results of tools only.", param: fields.path)
        case ("document", _), ("search_result", _), ("thinking", _), ("redacted_thinking", _), ("server_tool_use", _),
            ("web_search_tool_result", _):
            throw APIError(
                .unsupportedValue, "\(fields.path(of: "type")): blocks of the type \(type) are not supported.",
                param: fields.path(of: "type"))
        default:
            throw APIError(
                .invalidValue, "\(fields.path(of: "type")) must be text, image, tool_use or tool_result.",
                param: fields.path(of: "type"))
        }
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
