import Support
import Tokenizers

/// LLaVA's conversations: an array of `{"id", "image", "conversations": [{"from": "human", "value"}, {"from": "gpt",
/// "value"}]}` (github.com/haotian-liu/LLaVA, `docs/Finetune_Custom_Data.md`). `<image>` in a human turn is the place
/// of an image; `image` is a path or an array of paths.
enum OwnLLaVAFormat {
    static func examples(
        _ fields: inout OwnFields, source: OwnExample.Source, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> [OwnExample] {
        guard let turns = try fields.array("conversations") else {
            throw OwnFieldFault("conversations: expected an array of turns")
        }
        let id = fields.take("id")
        switch id {
        case nil, .string, .integer: break
        case .some(let other): throw OwnFieldFault("id: expected a text or a number, not \(other.kind)")
        }
        var shown = try listedImages(&fields, images: &images)[...]
        let split = try fields.split()
        try fields.finish()
        var dialogue = OwnDialogue()
        for (index, value) in turns.enumerated() {
            try read(value, field: "conversations[\(index)]", images: &shown, into: &dialogue)
        }
        guard shown.isEmpty else {
            throw OwnFieldFault("image: \(shown.count) of the images have no <image> in conversations")
        }
        return try dialogue.examples(split: split, source: source, field: "conversations")
    }

    private static func read(
        _ value: JSON, field: String, images: inout ArraySlice<OwnImage>, into dialogue: inout OwnDialogue
    ) throws(OwnFieldFault) {
        var fields = try OwnFields(value, at: field)
        let speaker = try fields.text("from") ?? ""
        let roles: [String: ChatMessage.Role] = [
            "human": .user, "user": .user, "gpt": .assistant, "assistant": .assistant, "system": .system,
        ]
        guard let role = roles[speaker] else {
            throw OwnFieldFault("\(field).from: expected human, gpt or system, found \(speaker.prefix(40))")
        }
        guard let text = try fields.text("value") else { throw OwnFieldFault("\(field).value: the field is missing") }
        try fields.finish()
        let texts = OwnPlaceholder.texts(in: text)
        guard role == .user, texts.count > 1 else {
            dialogue.turns.append(.init(message: ChatMessage(role: role, text: text)))
            return
        }
        guard texts.count - 1 <= images.count else {
            throw OwnFieldFault("\(field).value: there is no image for this <image>")
        }
        let own = Array(images.prefix(texts.count - 1))
        images = images.dropFirst(own.count)
        let content = try OwnPlaceholder.content(texts, own, into: &dialogue, field: field)
        dialogue.turns.append(.init(message: ChatMessage(role: .user, content: content)))
    }

    private static func listedImages(
        _ fields: inout OwnFields, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> [OwnImage] {
        switch fields.take("image") {
        case nil: return []
        case .array(let values):
            var found: [OwnImage] = []
            for (index, value) in values.enumerated() {
                guard case .string(let name) = value else {
                    throw OwnFieldFault("image[\(index)]: expected a path, not \(value.kind)")
                }
                found.append(try images.image(named: name, field: "image[\(index)]"))
            }
            return found
        case .string(let name): return [try images.image(named: name, field: "image")]
        case .some(let other): throw OwnFieldFault("image: expected a path or an array of paths, not \(other.kind)")
        }
    }
}
