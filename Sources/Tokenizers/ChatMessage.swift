/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// The speaker.
    public enum Role: String, Sendable {
        /// Instructions to the model.
        case system
        /// The person.
        case user
        /// The model.
        case assistant
        /// A function that the model called.
        case tool
    }

    /// A call of a function, in a turn of the model.
    public struct ToolCall: Sendable, Equatable {
        /// The function.
        public let name: String
        /// The arguments, the text of a JSON object.
        public let arguments: String

        /// A call.
        public init(name: String, arguments: String) {
            self.name = name
            self.arguments = arguments
        }
    }

    /// A content part of a turn.
    public enum Part: Sendable, Equatable {
        /// Plain text; special tokens in it stay text.
        case text(String)
        /// An image, by the caller's number.
        case image(Int)
    }

    /// The speaker.
    public let role: Role
    /// The content, in order. Adjacent texts form one text.
    public let content: [Part]
    /// The functions that a turn of the model calls.
    public let toolCalls: [ToolCall]

    /// A turn with text and images.
    public init(role: Role, content: [Part], toolCalls: [ToolCall] = []) {
        self.role = role
        self.content = content
        self.toolCalls = toolCalls
    }

    /// Whether the turn contains an image.
    public var hasImages: Bool { !content.allSatisfy(\.isText) }

    /// A turn with text only.
    public init(role: Role, text: String) {
        self.init(role: role, content: [.text(text)])
    }
}

extension ChatMessage.Part {
    fileprivate var isText: Bool {
        if case .text = self { true } else { false }
    }
}
