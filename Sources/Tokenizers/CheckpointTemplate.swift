import Foundation
import Support

/// The chat template of a checkpoint, in the Jinja language.
struct CheckpointTemplate: Sendable {
    /// Its text.
    let source: String
    private let specialTokens: [String: String]
    private let template: JinjaTemplate
    /// Whether the template reads a message's content as a list of parts, not as a string.
    let readsParts: Bool
    /// Whether the template shows functions to the model, and asks for calls as `ToolPrompt` does.
    private(set) var takesTools = false

    init(_ source: String, specialTokens: [String: String]) throws(ChatTemplateError) {
        self.source = source
        self.specialTokens = specialTokens
        do {
            template = try JinjaTemplate(source)
        } catch {
            throw .unreadable(error.description)
        }
        readsParts = JinjaContentUse(of: template.statements).loops
        let messages = [ChatMessage(role: .user, text: "A question?")]
        let tool: JSON = [
            "type": "function",
            "function": ["name": "a_function", "description": "A function.", "parameters": ["type": "object"]],
        ]
        let prompt = try? text(messages, tools: [tool], addsGenerationPrompt: true).string
        takesTools = prompt.map { $0.contains("a_function") && $0.contains(ToolPrompt.opening) } ?? false
    }

    /// Whether an image changes what the template writes.
    var takesImages: Bool {
        let parts: [ChatMessage.Part] = [.image(0), .text("A question?")]
        let texts = [parts, Array(parts.dropFirst())].map { content in
            try? text([ChatMessage(role: .user, content: content)], tools: [], addsGenerationPrompt: true)
        }
        return texts[0] != nil && texts[0] != texts[1]
    }

    /// Writes the prompt for a conversation, with its images where the template puts them.
    func write(
        _ messages: [ChatMessage], tools: [JSON], images: [ImageLayout], to writer: inout PromptWriter
    ) throws(ChatTemplateError) {
        let text = try text(messages, tools: tools, addsGenerationPrompt: true)
        let order = messages.flatMap(\.content).compactMap { if case .image(let image) = $0 { image } else { nil } }
        guard let first = order.first else { return writer.write(text) }
        let placeholder = MarkedText(images[first].placeholder, isTrusted: true)
        let places = Self.places(of: placeholder, in: text)
        guard places.count == order.count else {
            throw .imagePlaceholders(written: places.count, images: order.count)
        }
        var start = 0
        for (place, image) in zip(places, order) {
            writer.write(MarkedText(text.characters[start..<place]))
            writer.write(images[image], image: image)
            start = place + placeholder.count
        }
        writer.write(MarkedText(text.characters[start...]))
    }

    /// Where the template itself wrote the placeholder.
    private static func places(of placeholder: MarkedText, in text: MarkedText) -> [Int] {
        var places: [Int] = []
        var start = 0
        while !placeholder.isEmpty, let place = text.firstIndex(of: placeholder, from: start) {
            let isTrusted = text.characters[place..<place + placeholder.count].allSatisfy(\.isTrusted)
            if isTrusted { places.append(place) }
            start = place + (isTrusted ? placeholder.count : 1)
        }
        return places
    }

    /// The token that the template writes after an assistant's text; nil if it writes none, or refuses to be asked.
    func turnEnd(_ tokenizer: Tokenizer) -> Int32? {
        let answer = "An answer."
        let messages = [ChatMessage(role: .user, text: "A question?"), ChatMessage(role: .assistant, text: answer)]
        guard let text = try? self.text(messages, tools: [], addsGenerationPrompt: false),
            let place = text.lastIndex(of: MarkedText(answer, isTrusted: false))
        else { return nil }
        let (bytes, trusted) = text.dropping(first: place + answer.unicodeScalars.count).bytes
        return tokenizer.encode(bytes, specialTokensWithin: trusted).first {
            tokenizer.vocabulary.kinds[Int($0)] == .control
        }
    }

    // MARK: Variables

    private func text(
        _ messages: [ChatMessage], tools: [JSON], addsGenerationPrompt: Bool
    ) throws(ChatTemplateError) -> MarkedText {
        do throws(JinjaError) {
            var shown: [JinjaValue] = []
            for tool in tools { shown.append(try JinjaValue(tool)) }
            var turns: [JinjaValue] = []
            for message in messages { turns.append(try value(of: message)) }
            var variables: [String: JinjaValue] = [
                "messages": .list(turns), "tools": shown.isEmpty ? .null : .list(shown), "documents": .null,
                "add_generation_prompt": .boolean(addsGenerationPrompt),
            ]
            for (name, token) in specialTokens { variables[name] = .trusted(token) }
            return try template.text(variables: variables, now: Int(Date().timeIntervalSince1970))
        } catch {
            if case .raised(let message) = error { throw .refused(message) }
            throw .failed(error.description)
        }
    }

    /// A message as transformers passes it. Its role is one of a few words of the program, so it is trusted: some
    /// templates build control tokens of it.
    private func value(of message: ChatMessage) throws(JinjaError) -> JinjaValue {
        var value = JinjaMapping()
        value.set(.trusted("role"), .trusted(message.role.rawValue))
        value.set(.trusted("content"), readsParts ? .list(message.content.map(Self.value)) : content(of: message))
        if !message.toolCalls.isEmpty {
            var calls: [JinjaValue] = []
            for call in message.toolCalls { calls.append(try Self.value(of: call)) }
            value.set(.trusted("tool_calls"), .list(calls))
        }
        return .mapping(value)
    }

    private static func value(of part: ChatMessage.Part) -> JinjaValue {
        var value = JinjaMapping()
        switch part {
        case .text(let text):
            value.set(.trusted("type"), .trusted("text"))
            value.set(.trusted("text"), .text(MarkedText(text, isTrusted: false)))
        case .image: value.set(.trusted("type"), .trusted("image"))
        }
        return .mapping(value)
    }

    private static func value(of call: ChatMessage.ToolCall) throws(JinjaError) -> JinjaValue {
        var function = JinjaMapping()
        function.set(.trusted("name"), .text(MarkedText(call.name, isTrusted: false)))
        let arguments = (try? JSON.parse(Array(call.arguments.utf8))) ?? [:]
        function.set(.trusted("arguments"), try JinjaValue(arguments))
        var value = JinjaMapping()
        value.set(.trusted("type"), .trusted("function"))
        value.set(.trusted("function"), .mapping(function))
        return .mapping(value)
    }

    /// The message's texts as one.
    private func content(of message: ChatMessage) -> JinjaValue {
        let texts = message.content.compactMap { if case .text(let text) = $0 { text } else { nil } }
        return .text(MarkedText(texts.joined(), isTrusted: false))
    }
}

extension CheckpointTemplate: Equatable {
    static func == (one: CheckpointTemplate, other: CheckpointTemplate) -> Bool {
        one.source == other.source && one.specialTokens == other.specialTokens
    }
}

extension Vocabulary {
    /// The texts of special tokens by the names that templates use.
    public var namedTokens: [String: String] {
        let ids = [("bos_token", beginOfText), ("eos_token", templateEnd ?? endOfText), ("pad_token", padding)]
        return Dictionary(uniqueKeysWithValues: ids.compactMap { name, id in id.map { (name, tokens[Int($0)]) } })
    }
}
