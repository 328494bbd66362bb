import Foundation
import Support
import Tokenizers

/// TRL's prompt-completion format with images: a line is `{"prompt", "completion", "images"}`
/// (huggingface.co/docs/trl/dataset_formats). Prompt and completion are texts, or arrays of turns; an image is a path,
/// `{"path"}` or `{"bytes"}` in base64.
///
/// Images without placeholders come before the first question. In a prompt that is a text, `<image>` is a placeholder.
enum OwnTRLFormat {
    static func examples(
        _ fields: inout OwnFields, source: OwnExample.Source, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> [OwnExample] {
        guard let prompt = fields.take("prompt") else { throw OwnFieldFault("prompt: the field is missing") }
        let completion = fields.take("completion")
        var reader = OwnTurnReader()
        reader.listed = try listed(&fields, images: &images)
        let split = try fields.split()
        try fields.finish()
        switch prompt {
        case .string(let text): try read(text, into: &reader)
        case .array(let turns):
            try reader.read(turns, field: "prompt", roles: [.system, .user, .assistant], images: &images)
            // Only the completion is learned.
            for index in reader.dialogue.turns.indices { reader.dialogue.turns[index].isLearned = false }
        default: throw OwnFieldFault("prompt: expected a text or an array of turns, not \(prompt.kind)")
        }
        guard reader.dialogue.turns.last?.message.role == .user else {
            throw OwnFieldFault("prompt: expected the last turn to be the user's")
        }
        if let completion { try read(completion: completion, into: &reader, images: &images) }
        try reader.finish()
        return try reader.dialogue.examples(split: split, source: source, field: "prompt")
    }

    private static func read(_ text: String, into reader: inout OwnTurnReader) throws(OwnFieldFault) {
        let listed = reader.listed?.images ?? []
        let texts = OwnPlaceholder.texts(in: text)
        guard texts.count > 1, !listed.isEmpty else {
            reader.dialogue.turns.append(.init(message: ChatMessage(role: .user, text: text)))
            return
        }
        guard texts.count == listed.count + 1 else {
            throw OwnFieldFault("prompt: \(texts.count - 1) times <image>, but images has \(listed.count)")
        }
        let content = try OwnPlaceholder.content(texts, listed, into: &reader.dialogue, field: "images")
        reader.listed?.next = listed.count
        reader.dialogue.turns.append(.init(message: ChatMessage(role: .user, content: content)))
    }

    private static func read(
        completion: JSON, into reader: inout OwnTurnReader, images: inout OwnImageReader
    ) throws(OwnFieldFault) {
        switch completion {
        case .string(let text):
            guard !text.allSatisfy(\.isWhitespace) else { throw OwnFieldFault("completion: the answer is empty") }
            reader.dialogue.turns.append(.init(message: ChatMessage(role: .assistant, text: text)))
        case .array(let turns):
            guard turns.count == 1 else { throw OwnFieldFault("completion: expected one turn of the assistant") }
            try reader.read(turns, field: "completion", roles: [.assistant], images: &images)
        default: throw OwnFieldFault("completion: expected a text or an array of turns, not \(completion.kind)")
        }
    }

    /// The images of the field `images`, or `image` for one; nil if neither is there.
    static func listed(
        _ fields: inout OwnFields, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> OwnTurnReader.Listed? {
        let (many, one) = (try fields.array("images"), fields.take("image"))
        guard many == nil || one == nil else { throw OwnFieldFault("image: give either image or images") }
        if let one { return .init(images: [try image(one, field: "image", images: &images)]) }
        guard let many else { return nil }
        var found: [OwnImage] = []
        for (index, value) in many.enumerated() {
            found.append(try image(value, field: "images[\(index)]", images: &images))
        }
        return .init(images: found)
    }

    /// A path, `{"path"}`, or `{"bytes"}`. If there are bytes, a path is their file's old name.
    static func image(
        _ value: JSON, field: String, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> OwnImage {
        if case .string(let name) = value { return try images.image(named: name, field: field) }
        var fields = try OwnFields(value, at: field)
        let (path, bytes) = (try fields.text("path"), try fields.text("bytes"))
        try fields.finish()
        if let bytes { return try images.image(base64: bytes, field: "\(field).bytes") }
        guard let path else { throw OwnFieldFault("\(field): expected path or bytes") }
        return try images.image(named: path, field: "\(field).path")
    }
}

/// `<image>` in texts, where an image stands.
enum OwnPlaceholder {
    private static let mark = "<image>"

    /// The texts between the placeholders; one more than there are placeholders.
    static func texts(in text: String) -> [String] { text.components(separatedBy: mark) }

    /// Texts and images in turn. White space beside a placeholder goes: formats put a line end there, prompts do not.
    static func content(
        _ texts: [String], _ images: [OwnImage], into dialogue: inout OwnDialogue, field: String
    ) throws(OwnFieldFault) -> [ChatMessage.Part] {
        var parts: [ChatMessage.Part] = []
        for (index, text) in texts.enumerated() {
            let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if !text.isEmpty { parts.append(.text(text)) }
            if index < images.count { parts.append(.image(try dialogue.add(images[index], field: field))) }
        }
        return parts
    }
}
