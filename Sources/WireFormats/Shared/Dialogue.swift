import Support

/// A message of a request's dialogue.
public struct DialogueMessage: Sendable, Equatable {
    /// The speaker.
    public enum Role: String, Sendable {
        /// Instructions; `developer` is another name.
        case system
        /// The caller.
        case user
        /// The model.
        case assistant
    }

    /// A content part of a message.
    public enum Part: Sendable, Equatable {
        /// Text.
        case text(String)
        /// An image; allowed in user messages only.
        case image(ImageReference)
    }

    /// The speaker.
    public var role: Role
    /// The content, in order.
    public var parts: [Part]

    /// A message with the given content parts.
    public init(role: Role, parts: [Part]) {
        self.role = role
        self.parts = parts
    }

    /// The images, in order.
    public var images: [ImageReference] {
        parts.compactMap { if case .image(let image) = $0 { image } else { nil } }
    }
}

extension FieldReader {
    /// A field with 1 to 1,024 messages.
    mutating func dialogue(_ name: String) throws(APIError) -> [DialogueMessage]? {
        guard let values = try array(name) else { return nil }
        guard (1...1_024).contains(values.count) else {
            throw APIError(
                .invalidValue, "\(path(of: name)) has \(values.count) messages, but must have 1 to 1024.",
                param: path(of: name))
        }
        var messages: [DialogueMessage] = []
        for (index, value) in values.enumerated() {
            messages.append(try DialogueMessage(value, path: "\(path(of: name))[\(index)]"))
        }
        return messages
    }
}

extension FieldReader {
    /// A dialogue: `messages`, or `question` with `images` and `detail`. Also returns the name of the field.
    mutating func dialogueOrQuestion() throws(APIError) -> (messages: [DialogueMessage], param: String) {
        if let messages = try dialogue("messages") {
            for name in ["question", "images", "detail"] where value(name) != nil {
                throw APIError(.invalidValue, "\(name) is allowed only without messages.", param: name)
            }
            return (messages, "messages")
        }
        let question = try require(string("question"), "question")
        guard !question.isEmpty else {
            throw APIError(.invalidValue, "question must not be empty.", param: "question")
        }
        let detail = try detail()
        let images = try images(detail).map { DialogueMessage.Part.image($0) }
        return ([DialogueMessage(role: .user, parts: images + [.text(question)])], "question")
    }
}

extension DialogueMessage {
    init(_ value: JSON, path: String) throws(APIError) {
        var fields = try FieldReader(value, path: path)
        role = try Self.role(&fields)
        if role == .assistant {
            // Clients may send back a message from an answer of this server.
            try fields.accept("annotations", only: [])
            try fields.accept("tool_calls", only: [])
            try fields.refuse("refusal", "function_call", "audio")
        }
        try fields.refuse("name", "tool_call_id")
        let content = try fields.require(fields.value("content"), "content")
        switch content {
        case .string(let text): parts = [.text(text)]
        case .array(let elements):
            guard !elements.isEmpty else {
                throw APIError(
                    .invalidValue, "\(path).content must not be empty.", param: fields.path(of: "content"))
            }
            parts = []
            for (index, element) in elements.enumerated() {
                parts.append(try Part(element, path: "\(path).content[\(index)]", role: role))
            }
        default: throw fields.wrongType("content", content, expected: "a string or an array of parts")
        }
        try fields.finish()
    }

    private static func role(_ fields: inout FieldReader) throws(APIError) -> Role {
        let name = try fields.require(fields.string("role"), "role")
        switch name {
        case "developer": return .system
        case "tool", "function":
            throw APIError(
                .unsupportedValue, "The role \(name) is not supported.", param: fields.path(of: "role"))
        default:
            guard let role = Role(rawValue: name) else {
                throw APIError(
                    .invalidValue, "\(fields.path(of: "role")) must be system, developer, user or assistant.",
                    param: fields.path(of: "role"))
            }
            return role
        }
    }
}

extension DialogueMessage.Part {
    init(_ value: JSON, path: String, role: DialogueMessage.Role) throws(APIError) {
        var fields = try FieldReader(value, path: path)
        switch try fields.require(fields.string("type"), "type") {
        case "text": self = .text(try fields.require(fields.string("text"), "text"))
        case "image_url":
            guard role == .user else {
                throw APIError(.invalidValue, "Pictures are allowed in user messages only.", param: path)
            }
            var image = try fields.require(fields.object("image_url"), "image_url")
            let url = try image.require(image.string("url"), "url")
            self = .image(ImageReference(source: .url(url), detail: try image.detail(), param: image.path(of: "url")))
            try image.finish()
        case "refusal", "input_audio", "file", "video_url":
            throw APIError(
                .unsupportedValue, "Only text and image_url parts are supported.", param: fields.path(of: "type"))
        default:
            throw APIError(
                .invalidValue, "\(fields.path(of: "type")) must be text or image_url.", param: fields.path(of: "type"))
        }
        try fields.finish()
    }
}
