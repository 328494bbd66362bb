import Support

extension FieldReader {
    /// The input of a response: text, or 1 to 1,024 items.
    mutating func responseInput(_ name: String) throws(APIError) -> [DialogueMessage] {
        switch try require(value(name), name) {
        case .string(let text):
            guard !text.isEmpty else {
                throw APIError(.invalidValue, "\(path(of: name)) must not be empty.", param: path(of: name))
            }
            return [DialogueMessage(role: .user, parts: [.text(text)])]
        case .array:
            var dialogue = ResponseDialogue()
            for item in try objects(name, count: 1...1_024) ?? [] { try dialogue.append(item) }
            return dialogue.messages
        case let other: throw wrongType(name, other, expected: "a string or an array of items")
        }
    }
}

/// A dialogue made of items, which may come from the output of earlier responses.
private struct ResponseDialogue {
    private(set) var messages: [DialogueMessage] = []
    /// The calls without a result so far.
    private var open: Set<String> = []

    mutating func append(_ item: FieldReader) throws(APIError) {
        var fields = item
        // An item of an earlier response comes with its id and its state.
        _ = try fields.string("id")
        _ = try fields.string("status")
        switch try fields.string("type") ?? "message" {
        case "message": messages.append(try Self.message(&fields))
        case "function_call": try appendCall(&fields)
        case "function_call_output": messages.append(try result(&fields))
        case "item_reference":
            throw APIError(
                .unsupportedParameter, "Nothing is stored that an item_reference could mean.",
                param: fields.path(of: "type"))
        default:
            throw APIError(
                .unsupportedValue,
                "\(fields.path(of: "type")) must be message, function_call or function_call_output.",
                param: fields.path(of: "type"))
        }
        try fields.finish()
    }

    private static func message(_ fields: inout FieldReader) throws(APIError) -> DialogueMessage {
        let role = try fields.speaker(of: ["user", "assistant", "system", "developer"])
        if role == .assistant { _ = try fields.string("phase") }
        return DialogueMessage(role: role, parts: try fields.responseParts("content", role: role))
    }

    /// Adds a call to the message of the assistant before it, like the calls that are beside it.
    private mutating func appendCall(_ fields: inout FieldReader) throws(APIError) {
        let id = try fields.require(fields.string("call_id"), "call_id")
        let name = try fields.require(fields.string("name"), "name")
        let arguments = try fields.require(fields.string("arguments"), "arguments")
        let call = try ToolCall(id: id, name: name, arguments: arguments, param: fields.path(of: "arguments"))
        open.insert(id)
        if messages.last?.role == .assistant {
            messages[messages.count - 1].toolCalls.append(call)
        } else {
            messages.append(DialogueMessage(role: .assistant, parts: [], toolCalls: [call]))
        }
    }

    private mutating func result(_ fields: inout FieldReader) throws(APIError) -> DialogueMessage {
        let id = try fields.require(fields.string("call_id"), "call_id")
        guard open.remove(id) != nil else {
            throw APIError(
                .invalidValue, "\(fields.path(of: "call_id")) is \(id.prefix(64)), which no call before has.",
                param: fields.path(of: "call_id"))
        }
        return DialogueMessage(role: .tool, parts: try fields.responseParts("output", role: .tool), toolCallID: id)
    }
}

extension FieldReader {
    /// The field `role`, which must be one of `names`; `developer` is another name of `system`.
    mutating func speaker(of names: [String]) throws(APIError) -> DialogueMessage.Role {
        let name = try require(string("role"), "role")
        describe("role", as: names)
        guard names.contains(name), let role = DialogueMessage.Role(rawValue: name == "developer" ? "system" : name)
        else {
            throw APIError(
                .invalidValue, "\(path(of: "role")) must be one of \(names.joined(separator: ", ")).",
                param: path(of: "role"))
        }
        return role
    }

    /// Content: text, or parts.
    fileprivate mutating func responseParts(
        _ name: String, role: DialogueMessage.Role
    ) throws(APIError) -> [DialogueMessage.Part] {
        switch try require(value(name), name) {
        case .string(let text): return [.text(text)]
        case .array:
            var parts: [DialogueMessage.Part] = []
            for part in try objects(name, count: 1...Int.max) ?? [] {
                parts.append(try DialogueMessage.Part(responsePart: part, role: role))
            }
            return parts
        case let other: throw wrongType(name, other, expected: "a string or an array of parts")
        }
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
            guard role == .user || role == .tool else {
                throw APIError(
                    .invalidValue, "Images are allowed in user messages and outputs of functions only.",
                    param: fields.path)
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
