import Support
import Tokenizers

/// A conversation as a line of data writes it, before it becomes examples.
struct OwnDialogue {
    /// A turn; images are numbers in `images`.
    struct Turn {
        var message: ChatMessage
        /// Whether an answer is one to learn.
        var isLearned = true
    }

    var turns: [Turn] = []
    var images: [OwnImage] = []

    /// Adds an image and returns its number.
    mutating func add(_ image: OwnImage, field: String) throws(OwnFieldFault) -> Int {
        guard images.count < OwnImageReader.maximumImages else {
            throw OwnFieldFault("\(field): a conversation has at most \(OwnImageReader.maximumImages) images")
        }
        images.append(image)
        return images.count - 1
    }

    /// One example for each answer to learn, and one for a prompt that ends without an answer.
    func examples(
        split: OwnExample.Split?, source: OwnExample.Source, field: String
    ) throws(OwnFieldFault) -> [OwnExample] {
        try checkOrder(field)
        func example(before index: Int, answer: String?) -> OwnExample {
            let messages = turns[..<index].map(\.message)
            // Images are in the order of the conversation.
            let count = messages.reduce(0) { $0 + $1.content.count { if case .image = $0 { true } else { false } } }
            return OwnExample(
                messages: messages, images: Array(images.prefix(count)), answer: answer, split: split, source: source)
        }
        var examples = turns.indices.filter { turns[$0].message.role == .assistant && turns[$0].isLearned }.map {
            example(before: $0, answer: turns[$0].message.text)
        }
        if turns.last?.message.role == .user { examples.append(example(before: turns.count, answer: nil)) }
        guard !examples.isEmpty else { throw OwnFieldFault("\(field): every answer has the weight 0") }
        return examples
    }

    /// Turns must be: at most one of the system, then user and assistant in turn.
    private func checkOrder(_ field: String) throws(OwnFieldFault) {
        var expected = ChatMessage.Role.user
        for (index, turn) in turns.enumerated() {
            let (role, place) = (turn.message.role, "\(field)[\(index)]")
            if index == 0, role == .system { continue }
            guard role == expected else {
                throw OwnFieldFault(
                    "\(place): expected a turn of the \(expected.rawValue), found the \(role.rawValue)'s")
            }
            expected = role == .user ? .assistant : .user
            if role == .assistant, turn.message.text.allSatisfy(\.isWhitespace) {
                throw OwnFieldFault("\(place): the answer is empty")
            }
            if role == .user, !turn.message.hasImages, turn.message.text.allSatisfy(\.isWhitespace) {
                throw OwnFieldFault("\(place): the question is empty")
            }
        }
        guard turns.contains(where: { $0.message.role == .user }) else {
            throw OwnFieldFault("\(field): expected a turn of the user")
        }
    }
}

extension ChatMessage {
    /// The texts of its content, one after the other.
    var text: String { content.map { if case .text(let text) = $0 { text } else { "" } }.joined() }
}

/// Reads turns with roles and contents, as OpenAI's and TRL's formats write them.
struct OwnTurnReader {
    /// The images that a line lists beside its turns, for the placeholders in them.
    struct Listed {
        let images: [OwnImage]
        var next = 0
    }

    var dialogue = OwnDialogue()
    var listed: Listed?

    /// Adds turns.
    ///
    /// - Parameter roles: the roles that may speak.
    mutating func read(
        _ turns: [JSON], field: String, roles: Set<ChatMessage.Role>, images: inout OwnImageReader
    ) throws(OwnFieldFault) {
        for (index, value) in turns.enumerated() {
            var fields = try OwnFields(value, at: "\(field)[\(index)]")
            let name = try fields.text("role") ?? ""
            guard let role = ChatMessage.Role(rawValue: name), roles.contains(role) else {
                let names = roles.map(\.rawValue).sorted().joined(separator: ", ")
                throw OwnFieldFault("\(fields.field("role")): expected \(names), found \(name.prefix(40))")
            }
            let content = try parts(of: &fields, role: role, images: &images)
            let weight = role == .assistant ? fields.take("weight") : nil
            guard weight == nil || weight == .integer(0) || weight == .integer(1) else {
                throw OwnFieldFault("\(fields.field("weight")): expected 0 or 1")
            }
            try fields.finish()
            dialogue.turns.append(
                .init(message: ChatMessage(role: role, content: content), isLearned: weight != .integer(0)))
        }
    }

    /// Shows the listed images before the first question if no placeholder does, as TRL does.
    mutating func finish() throws(OwnFieldFault) {
        guard let listed else { return }
        if listed.next == 0, !listed.images.isEmpty, dialogue.images.isEmpty {
            guard let index = dialogue.turns.firstIndex(where: { $0.message.role == .user }) else { return }
            let numbers = try listed.images.map { image throws(OwnFieldFault) in
                ChatMessage.Part.image(try dialogue.add(image, field: "images"))
            }
            let message = dialogue.turns[index].message
            dialogue.turns[index].message = ChatMessage(role: .user, content: numbers + message.content)
        } else if listed.next != listed.images.count {
            throw OwnFieldFault("images: \(listed.images.count) of them, the turns show \(listed.next)")
        }
    }

    private mutating func parts(
        of fields: inout OwnFields, role: ChatMessage.Role, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> [ChatMessage.Part] {
        let field = fields.field("content")
        switch fields.take("content") {
        case .string(let text): return [.text(text)]
        case .array(let values):
            var parts: [ChatMessage.Part] = []
            for (index, value) in values.enumerated() {
                let part = try part(value, at: "\(field)[\(index)]", images: &images)
                if case .image = part, role != .user {
                    throw OwnFieldFault("\(field)[\(index)]: only turns of the user may show images")
                }
                parts.append(part)
            }
            return parts
        case nil: throw OwnFieldFault("\(field): expected a text or an array of parts")
        case .some(let other): throw OwnFieldFault("\(field): expected a text or an array, not \(other.kind)")
        }
    }

    private mutating func part(
        _ value: JSON, at field: String, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> ChatMessage.Part {
        var fields = try OwnFields(value, at: field)
        let part: ChatMessage.Part
        switch try fields.text("type") {
        case "text":
            guard let text = try fields.text("text") else { throw OwnFieldFault("\(field).text: the field is missing") }
            part = .text(text)
        case "image_url": part = .image(try imageURL(&fields, images: &images))
        case "image":
            let image: OwnImage
            if let value = fields.take("image") {
                image = try OwnTRLFormat.image(value, field: "\(field).image", images: &images)
            } else {
                image = try nextListed(field)
            }
            part = .image(try dialogue.add(image, field: field))
        case let type:
            throw OwnFieldFault(
                "\(field).type: expected text, image_url or image, found \((type ?? "none").prefix(40))")
        }
        try fields.finish()
        return part
    }

    private mutating func imageURL(
        _ fields: inout OwnFields, images: inout OwnImageReader
    ) throws(OwnFieldFault) -> Int {
        let field = fields.field("image_url")
        guard let value = fields.take("image_url") else { throw OwnFieldFault("\(field): the field is missing") }
        var inner = try OwnFields(value, at: field)
        guard let url = try inner.text("url") else { throw OwnFieldFault("\(field).url: the field is missing") }
        if let detail = try inner.text("detail"), detail != "auto" {
            throw OwnFieldFault("\(field).detail: images are trained on with auto; leave the field out")
        }
        try inner.finish()
        return try dialogue.add(images.image(named: url, field: "\(field).url"), field: field)
    }

    private mutating func nextListed(_ field: String) throws(OwnFieldFault) -> OwnImage {
        guard let listed, listed.next < listed.images.count else {
            throw OwnFieldFault("\(field): there is no image for this placeholder in images")
        }
        self.listed?.next += 1
        return listed.images[listed.next]
    }
}
