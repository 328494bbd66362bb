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

    /// A turn with text and images.
    public init(role: Role, content: [Part]) {
        self.role = role
        self.content = content
    }

    /// Whether the turn contains an image.
    public var hasImages: Bool { !content.allSatisfy(\.isText) }

    /// A turn with text only.
    public init(role: Role, text: String) {
        self.init(role: role, content: [.text(text)])
    }
}

/// A conversation in the form that the model reads.
public struct RenderedPrompt: Sendable, Equatable {
    /// The position of an image.
    public struct ImageSpan: Sendable, Equatable {
        /// The image's number in the message.
        public let image: Int
        /// Its positions in `ids`.
        public let range: Range<Int>
    }

    /// The prompt's token ids.
    public fileprivate(set) var ids: [Int32] = []
    /// The images, in the prompt's order.
    public fileprivate(set) var imageSpans: [ImageSpan] = []
}

/// Why a conversation cannot be rendered.
public enum ChatTemplateError: Error, Equatable, Sendable {
    /// The vocabulary lacks a control token of the template.
    case missingToken(String)
    /// Message `index` contains an image but does not come from the user.
    case imageOutsideUserMessage(index: Int)
}

extension ChatTemplateError: CustomStringConvertible {
    /// Names the missing token or the message with the error.
    public var description: String {
        switch self {
        case .missingToken(let token):
            "the vocabulary has no control token \"\(token)\", which chat templates are written with"
        case .imageOutsideUserMessage(let index): "messages[\(index)]: expected a picture in user messages only"
        }
    }
}

/// Turns a conversation into one prompt, which the assistant's next turn continues.
///
/// Both templates write each turn as `<|im_start|>ROLE\nTEXT<|im_end|>\n` and end with `<|im_start|>assistant\n`. They
/// produce ids directly, without an intermediate text, so no text can open or close a turn.
public enum ChatTemplate: String, Codable, Sendable, CaseIterable {
    /// The turns without additions.
    case chatml
    /// SmolLM2's own template: adds a default system turn if the conversation does not begin with a system turn.
    case smollm2

    private static let turnStart = "<|im_start|>"
    private static let turnEnd = "<|im_end|>"
    private static let defaultSystemText =
        "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

    /// The ids of the control tokens that open and close a turn. A user-defined token with the same text is not
    /// accepted: user text could produce it.
    ///
    /// - Throws: `ChatTemplateError.missingToken`.
    public static func turnTokens(of tokenizer: Tokenizer) throws(ChatTemplateError) -> (start: Int32, end: Int32) {
        func id(_ token: String) throws(ChatTemplateError) -> Int32 {
            guard let id = tokenizer.id(ofControl: token) else { throw .missingToken(token) }
            return id
        }
        return (try id(turnStart), try id(turnEnd))
    }

    /// The prompt for `messages`. Each run of text between special tokens and images is encoded in one piece.
    ///
    /// - Parameters:
    ///   - messages: The conversation; may be empty.
    ///   - imageTokens: The placeholder ids for an image, by its number.
    ///   - tokenizer: A tokenizer whose vocabulary has `<|im_start|>` and `<|im_end|>`.
    public func render(
        _ messages: [ChatMessage], imageTokens: (Int) -> [Int32], tokenizer: Tokenizer
    ) throws(ChatTemplateError) -> RenderedPrompt {
        var writer = try PromptWriter(tokenizer)
        if self == .smollm2, let first = messages.first, first.role != .system {
            writer.write(ChatMessage(role: .system, text: Self.defaultSystemText), imageTokens: imageTokens)
        }
        for (index, message) in messages.enumerated() {
            guard message.role == .user || !message.hasImages else {
                throw .imageOutsideUserMessage(index: index)
            }
            writer.write(message, imageTokens: imageTokens)
        }
        writer.open(.assistant)
        return writer.finish()
    }
}

extension ChatMessage.Part {
    fileprivate var isText: Bool {
        if case .text = self { true } else { false }
    }
}

/// Writes turns as ids. Text is collected in `text` until a special token or an image ends it.
private struct PromptWriter {
    private let tokenizer: Tokenizer
    private let turnStart: Int32
    private let turnEnd: Int32
    private var text = ""
    private var prompt = RenderedPrompt()

    init(_ tokenizer: Tokenizer) throws(ChatTemplateError) {
        self.tokenizer = tokenizer
        (turnStart, turnEnd) = try ChatTemplate.turnTokens(of: tokenizer)
    }

    mutating func write(_ message: ChatMessage, imageTokens: (Int) -> [Int32]) {
        open(message.role)
        for part in message.content {
            switch part {
            case .text(let more): text += more
            case .image(let image):
                flush()
                let start = prompt.ids.count
                prompt.ids += imageTokens(image)
                prompt.imageSpans.append(.init(image: image, range: start..<prompt.ids.count))
            }
        }
        put(turnEnd)
        text = "\n"
    }

    mutating func open(_ role: ChatMessage.Role) {
        put(turnStart)
        text = role.rawValue + "\n"
    }

    mutating func finish() -> RenderedPrompt {
        flush()
        return prompt
    }

    private mutating func put(_ token: Int32) {
        flush()
        prompt.ids.append(token)
    }

    private mutating func flush() {
        prompt.ids += tokenizer.encode(text, special: .asText)
        text = ""
    }
}
