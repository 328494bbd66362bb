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
        /// A function that the model called; only in dialogues that may have tools.
        case tool
    }

    /// A content part of a message.
    public enum Part: Sendable, Equatable {
        /// Text.
        case text(String)
        /// An image; allowed in user and tool messages only.
        case image(ImageReference)
    }

    /// The speaker.
    public var role: Role
    /// The content, in order.
    public var parts: [Part]
    /// The functions that an assistant's message calls, in order.
    public var toolCalls: [ToolCall]
    /// The call whose result a tool's message is.
    public var toolCallID: String?

    /// A message with the given content parts.
    public init(role: Role, parts: [Part], toolCalls: [ToolCall] = [], toolCallID: String? = nil) {
        self.role = role
        self.parts = parts
        self.toolCalls = toolCalls
        self.toolCallID = toolCallID
    }

    /// The images, in order.
    public var images: [ImageReference] {
        parts.compactMap { if case .image(let image) = $0 { image } else { nil } }
    }
}

extension FieldReader {
    /// A field with 1 to 1,024 messages.
    ///
    /// - Parameter hasTools: whether messages may call functions and have their results.
    mutating func dialogue(_ name: String, hasTools: Bool = false) throws(APIError) -> [DialogueMessage]? {
        guard let values = try objects(name, count: 1...1_024) else { return nil }
        var messages: [DialogueMessage] = []
        for value in values { messages.append(try DialogueMessage(value, hasTools: hasTools)) }
        if hasTools { try DialogueMessage.checkToolCalls(of: messages, path: path(of: name)) }
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
    fileprivate init(_ message: FieldReader, hasTools: Bool) throws(APIError) {
        var fields = message
        role = try Self.role(&fields, hasTools: hasTools)
        toolCalls = []
        if role == .assistant {
            // Clients may send back a message from an answer of this server.
            try fields.accept("annotations", only: [])
            if hasTools { toolCalls = try Self.toolCalls(&fields) } else { try fields.accept("tool_calls", only: []) }
            try fields.refuse("refusal", "function_call", "audio")
        }
        if role == .tool {
            toolCallID = try fields.require(fields.string("tool_call_id"), "tool_call_id")
        } else {
            try fields.refuse("tool_call_id")
        }
        try fields.refuse("name")
        parts = try Self.parts(&fields, role: role, isOptional: !toolCalls.isEmpty)
        try fields.finish()
    }

    private static func parts(
        _ fields: inout FieldReader, role: Role, isOptional: Bool
    ) throws(APIError) -> [Part] {
        let value = fields.value("content")
        if value == nil, isOptional { return [] }
        let content = try fields.require(value, "content")
        switch content {
        case .string(let text): return isOptional && text.isEmpty ? [] : [.text(text)]
        case .array:
            var parts: [Part] = []
            for part in try fields.objects("content", count: 1...Int.max) ?? [] {
                parts.append(try Part(part, role: role))
            }
            return parts
        default: throw fields.wrongType("content", content, expected: "a string or an array of parts")
        }
    }

    private static func role(_ fields: inout FieldReader, hasTools: Bool) throws(APIError) -> Role {
        let name = try fields.require(fields.string("role"), "role")
        fields.describe(
            "role", as: ["system", "developer", "user", "assistant"] + (hasTools ? ["tool"] : []))
        switch name {
        case "developer": return .system
        case "tool" where hasTools: return .tool
        case "tool", "function":
            throw APIError(
                .unsupportedValue, "The role \(name) is not supported.", param: fields.path(of: "role"))
        default:
            guard let role = Role(rawValue: name) else {
                let tool = hasTools ? ", assistant or tool" : " or assistant"
                throw APIError(
                    .invalidValue, "\(fields.path(of: "role")) must be system, developer, user\(tool).",
                    param: fields.path(of: "role"))
            }
            return role
        }
    }

    private static func toolCalls(_ fields: inout FieldReader) throws(APIError) -> [ToolCall] {
        var calls: [ToolCall] = []
        for value in try fields.objects("tool_calls", count: 0...Int.max) ?? [] {
            var call = value
            try call.acceptFunction()
            let id = try call.require(call.string("id"), "id")
            // Clients that join the frames of a stream send the index back.
            _ = try call.integer("index")
            var function = try call.require(call.object("function"), "function")
            let name = try function.require(function.string("name"), "name")
            let arguments = try function.require(function.string("arguments"), "arguments")
            calls.append(
                try ToolCall(id: id, name: name, arguments: arguments, param: function.path(of: "arguments")))
            try function.finish()
            try call.finish()
        }
        return calls
    }

    /// Throws if a result belongs to no call before it.
    package static func checkToolCalls(of messages: [DialogueMessage], path: String) throws(APIError) {
        var open: Set<String> = []
        for (index, message) in messages.enumerated() {
            open.formUnion(message.toolCalls.map(\.id))
            guard let id = message.toolCallID, open.remove(id) == nil else { continue }
            throw APIError(
                .invalidValue,
                "\(path)[\(index)] is the result of the call \(id.prefix(64)), which no message before has.",
                param: "\(path)[\(index)].tool_call_id")
        }
    }
}

extension ToolCall {
    /// A call of a request's history. Throws if its arguments are no JSON object.
    ///
    /// An answer that was cut at its length may end in a call with the beginning of an object. Its arguments count as
    /// empty, as `/v1/messages` sends them: templates walk through objects.
    package init(id: String, name: String, arguments: String, param: String) throws(APIError) {
        if case .object? = try? JSON.parse(Array(arguments.utf8)) {
            self.init(id: id, name: name, arguments: arguments)
            return
        }
        // A model may write a name twice where the schema leaves the names open: the last one counts, as in Python.
        var reader = JSONReader(Array(arguments.utf8))
        var object: JSON?
        do throws(JSONSyntaxError) {
            let value = try reader.document { reader throws(JSONSyntaxError) in try Self.value(&reader) }
            if case .object = value { object = value }
        } catch {
            let isCut = error.offset >= arguments.utf8.count && (arguments.isEmpty || arguments.hasPrefix("{"))
            if isCut { object = [:] }
        }
        guard let object else {
            throw APIError(.invalidValue, "\(param) must be the text of a JSON object.", param: param)
        }
        self.init(id: id, name: name, arguments: object.text)
    }

    private static func value(_ reader: inout JSONReader) throws(JSONSyntaxError) -> JSON {
        switch reader.next {
        case UInt8(ascii: "{"):
            var members: [JSON.Member] = []
            var indices: [String: Int] = [:]
            try reader.object { reader, name throws(JSONSyntaxError) in
                let member = JSON.Member(name, try value(&reader))
                if let index = indices.updateValue(members.count, forKey: name) {
                    indices[name] = index
                    members[index] = member
                } else {
                    members.append(member)
                }
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSON] = []
            try reader.array { reader throws(JSONSyntaxError) in elements.append(try value(&reader)) }
            return .array(elements)
        default: return try reader.value()
        }
    }
}

extension DialogueMessage.Part {
    init(_ part: FieldReader, role: DialogueMessage.Role) throws(APIError) {
        var fields = part
        switch try fields.require(fields.string("type"), "type") {
        case "text": self = .text(try fields.require(fields.string("text"), "text"))
        case "image_url":
            guard role == .user || role == .tool else {
                throw APIError(.invalidValue, "Pictures are allowed in user messages only.", param: fields.path)
            }
            var image = try fields.require(fields.object("image_url"), "image_url")
            self = .image(try image.image(url: "url"))
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
