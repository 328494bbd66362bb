public import Support

/// Turns a conversation into one prompt, which the assistant's next turn continues.
///
/// Only what a template writes itself becomes control tokens: a person who types `<|im_end|>` writes plain text.
public struct ChatTemplate: Sendable, Equatable {
    /// The name by which manifests choose a template.
    public enum Name: String, Codable, Sendable, CaseIterable {
        /// Turns of the form `<|im_start|>ROLE\nTEXT<|im_end|>\n`, without additions.
        case chatml
        /// SmolLM2's template: `chatml` with a default system turn if the conversation does not begin with a system
        /// turn.
        case smollm2
        /// The template that came with the base model.
        case model
    }

    private enum Form: Sendable, Equatable {
        case turns(defaultSystemText: String?)
        case jinja(CheckpointTemplate)
    }

    /// Its name.
    public let name: Name
    private let form: Form

    /// Turns without additions.
    public static let chatml = ChatTemplate(name: .chatml, form: .turns(defaultSystemText: nil))

    /// SmolLM2's own template.
    public static let smollm2 = ChatTemplate(
        name: .smollm2,
        form: .turns(defaultSystemText: "You are a helpful AI assistant named SmolLM, trained by Hugging Face"))

    private init(name: Name, form: Form) {
        self.name = name
        self.form = form
    }

    /// A checkpoint's own template.
    ///
    /// - Parameters:
    ///   - source: Jinja text, of `chat_template.jinja`, of the field `chat_template` or of `tokenizer.chat_template`.
    ///   - specialTokens: The texts of special tokens by their names in the template, such as `bos_token`.
    /// - Throws: `ChatTemplateError.unreadable`, which names the construct that is not supported and its line.
    public init(jinja source: String, specialTokens: [String: String]) throws(ChatTemplateError) {
        self.init(name: .model, form: .jinja(try CheckpointTemplate(source, specialTokens: specialTokens)))
    }

    /// The template that a manifest names.
    ///
    /// - Parameter model: The base model's own template, if it has one.
    /// - Throws: `ChatTemplateError.noModelTemplate` if the manifest names a template that the base model lacks.
    public init(named name: Name, model: ChatTemplate?) throws(ChatTemplateError) {
        switch name {
        case .chatml: self = .chatml
        case .smollm2: self = .smollm2
        case .model:
            guard let model else { throw .noModelTemplate }
            self = model
        }
    }

    /// Whether conversations may have images. A checkpoint's template may be for text alone.
    public var takesImages: Bool {
        if case .jinja(let template) = form { template.takesImages } else { true }
    }

    /// The template in the Jinja language, for clients that render dialogues of text themselves.
    public var jinja: String {
        switch form {
        case .jinja(let template): return template.source
        case .turns(let system):
            let opening = system.map { text in
                "{% if loop.first and message['role'] != 'system' %}"
                    + "{{ '\(Self.turnStart)system\\n\(text)\(Self.turnEnd)\\n' }}{% endif %}"
            }
            return "{% for message in messages %}\(opening ?? "")"
                + "{{ '\(Self.turnStart)' + message['role'] + '\\n' + message['content'] + '\(Self.turnEnd)\\n' }}"
                + "{% endfor %}{% if add_generation_prompt %}{{ '\(Self.turnStart)assistant\\n' }}{% endif %}"
        }
    }

    /// Throws if the tokenizer lacks a control token that the template needs.
    ///
    /// - Throws: `ChatTemplateError.missingToken`.
    public func check(_ tokenizer: Tokenizer) throws(ChatTemplateError) {
        guard case .turns = form else { return }
        for token in [Self.turnStart, Self.turnEnd] where tokenizer.id(ofControl: token) == nil {
            throw .missingToken(token)
        }
    }

    /// The token that ends an assistant's turn.
    ///
    /// A template of a checkpoint is asked with a short conversation; if it writes no control token after the
    /// assistant's text, the vocabulary's first end token ends the turn.
    ///
    /// - Throws: `ChatTemplateError.missingToken` if there is none.
    public func turnEnd(_ tokenizer: Tokenizer) throws(ChatTemplateError) -> Int32 {
        let end: Int32? =
            switch form {
            case .turns: tokenizer.id(ofControl: Self.turnEnd)
            case .jinja(let template): template.turnEnd(tokenizer) ?? tokenizer.vocabulary.endOfText
            }
        guard let end else { throw .missingToken(Self.turnEnd) }
        return end
    }

    /// The prompt for `messages`.
    ///
    /// - Parameters:
    ///   - messages: The conversation; may be empty.
    ///   - tools: The functions that the model may call, as `{"type": "function", "function": {…}}`.
    ///   - images: The layouts of the images, by their numbers in the messages.
    ///   - imageToken: The id at each position of a tile.
    ///   - tokenizer: The model's tokenizer.
    public func render(
        _ messages: [ChatMessage], tools: [JSON] = [], images: [ImageLayout] = [], imageToken: Int32,
        tokenizer: Tokenizer
    ) throws(ChatTemplateError) -> RenderedPrompt {
        // Results of functions become messages of the user, images and all.
        if let index = messages.firstIndex(where: { ![.user, .tool].contains($0.role) && $0.hasImages }) {
            throw .imageOutsideUserMessage(index: index)
        }
        let (messages, tools) = prepared(messages, tools: tools)
        try check(tokenizer)
        var writer = PromptWriter(tokenizer, imageToken: imageToken)
        switch form {
        case .turns: Self.write(messages, images: images, to: &writer)
        case .jinja(let template): try template.write(messages, tools: tools, images: images, to: &writer)
        }
        return writer.finish()
    }

    /// The conversation and the functions as the form of the template takes them.
    private func prepared(_ messages: [ChatMessage], tools: [JSON]) -> ([ChatMessage], [JSON]) {
        var messages = messages
        switch form {
        case .turns(let system):
            if let system, let first = messages.first, first.role != .system {
                messages.insert(ChatMessage(role: .system, text: system), at: 0)
            }
        case .jinja(let template) where template.takesTools:
            // Such templates have no place for a function's images.
            let hasImages = messages.contains { $0.role == .tool && $0.hasImages }
            return (hasImages ? ToolPrompt.withResultsFromUser(messages) : messages, tools)
        case .jinja: break
        }
        return (ToolPrompt.applied(to: messages, tools: tools), [])
    }

    // MARK: Turns

    private static let turnStart = "<|im_start|>"
    private static let turnEnd = "<|im_end|>"

    private static func write(_ messages: [ChatMessage], images: [ImageLayout], to writer: inout PromptWriter) {
        for message in messages {
            writer.write("\(turnStart)\(message.role.rawValue)\n", isTrusted: true)
            for part in message.content {
                switch part {
                case .text(let text): writer.write(text, isTrusted: false)
                case .image(let image): writer.write(images[image], image: image)
                }
            }
            writer.write("\(turnEnd)\n", isTrusted: true)
        }
        writer.write("\(turnStart)assistant\n", isTrusted: true)
    }
}

/// Why a conversation cannot be rendered.
public enum ChatTemplateError: Error, Equatable, Sendable {
    /// The vocabulary lacks a control token of the template.
    case missingToken(String)
    /// Message `index` contains an image but does not come from the user.
    case imageOutsideUserMessage(index: Int)
    /// A manifest names the base model's template, and there is none.
    case noModelTemplate
    /// The text of a template cannot be read; the reason names the line.
    case unreadable(String)
    /// The template refuses the conversation, in its own words.
    case refused(String)
    /// The template fails on the conversation; the reason names the line.
    case failed(String)
    /// The template writes `written` placeholders for the conversation's images, of which there are `images`.
    case imagePlaceholders(written: Int, images: Int)
}

extension ChatTemplateError: CustomStringConvertible {
    /// Names the missing token, the message with the error, or the template's line.
    public var description: String {
        switch self {
        case .missingToken(let token):
            "the vocabulary has no control token \"\(token)\", which chat templates are written with"
        case .imageOutsideUserMessage(let index): "messages[\(index)]: expected a picture in user messages only"
        case .noModelTemplate: "the base model has no chat template of its own"
        case .unreadable(let reason): "the model's chat template, \(reason)"
        case .refused(let message): "the model's chat template refuses the conversation: \(message)"
        case .failed(let reason): "the model's chat template fails on the conversation, \(reason)"
        case .imagePlaceholders(let written, let images):
            written == 0
                ? "the model's chat template takes no pictures"
                : "the model's chat template shows \(written) of \(images) pictures"
        }
    }
}
