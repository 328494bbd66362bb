public import Datasets

/// A message of a stored dialogue. Its images are references; their files lie in the data folder.
///
/// In JSON, `{"role": "user", "content": …}` with a text, or with a list of `{"type": "text", "text": …}` and
/// `{"type": "image", …}`, where an image has the fields of `PreferenceImage`, as in `"sha256": "9f86…"`.
public struct FeedbackMessage: Codable, Sendable, Equatable {
    /// The speaker.
    public enum Role: String, Codable, Sendable {
        /// Instructions.
        case system
        /// The caller.
        case user
        /// The model.
        case assistant
    }

    /// A content part.
    public enum Part: Sendable, Equatable {
        /// Text.
        case text(String)
        /// An image.
        case image(PreferenceImage)
    }

    /// The speaker.
    public let role: Role
    /// The content, in order.
    public let parts: [Part]

    /// A message with the given content.
    public init(role: Role, parts: [Part]) {
        self.role = role
        self.parts = parts
    }

    /// The images, in order.
    public var images: [PreferenceImage] {
        parts.compactMap { if case .image(let image) = $0 { image } else { nil } }
    }

    /// The text of all parts.
    public var text: String {
        parts.map { if case .text(let text) = $0 { text } else { "" } }.joined()
    }

    private enum CodingKeys: String, CodingKey {
        case role, content
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        role = try fields.decode(Role.self, forKey: .role)
        if let text = try? fields.decode(String.self, forKey: .content) {
            parts = [.text(text)]
        } else {
            parts = try fields.decode([Part].self, forKey: .content)
        }
        guard role == .user || images.isEmpty else {
            throw DecodingError.dataCorruptedError(
                forKey: .content, in: fields, debugDescription: "images are allowed in messages of the user only")
        }
    }

    /// Writes one text as a text, and everything else as parts.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(role, forKey: .role)
        if parts.count == 1, case .text(let text) = parts[0] {
            try fields.encode(text, forKey: .content)
        } else {
            try fields.encode(parts, forKey: .content)
        }
    }
}

extension FeedbackMessage.Part: Codable {
    private enum CodingKeys: String, CodingKey {
        case type, text
    }

    private enum Kind: String, Codable {
        case text, image
    }

    private struct Image: Decodable {
        let image: PreferenceImage

        private enum Field: String, CodingKey {
            case family, document, seed, easyVQA, sha256
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Field.self)
            if fields.contains(.sha256) {
                guard let stored = PreferenceImage(digest: try fields.decode(String.self, forKey: .sha256)) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .sha256, in: fields, debugDescription: "expected 64 hexadecimal digits in lower case")
                }
                image = stored
            } else if fields.contains(.easyVQA) {
                image = .easyVQA(number: try fields.decode(Int.self, forKey: .easyVQA))
            } else if fields.contains(.document) {
                image = .document(
                    family: try fields.decode(DocumentFamily.self, forKey: .document),
                    seed: try fields.decode(UInt64.self, forKey: .seed))
            } else {
                image = .generated(
                    family: try fields.decode(Family.self, forKey: .family),
                    seed: try fields.decode(UInt64.self, forKey: .seed))
            }
        }
    }

    /// Throws `DecodingError` naming the field that is missing or wrong.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        switch try fields.decode(Kind.self, forKey: .type) {
        case .text: self = .text(try fields.decode(String.self, forKey: .text))
        case .image: self = .image(try Image(from: decoder).image)
        }
    }

    /// Writes the fields of the case.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .text(let text):
            try fields.encode(Kind.text, forKey: .type)
            try fields.encode(text, forKey: .text)
        case .image(let image):
            try fields.encode(Kind.image, forKey: .type)
            try image.encode(to: encoder)
        }
    }
}

extension [FeedbackMessage] {
    /// The images of all messages, in order.
    public var images: [PreferenceImage] { flatMap(\.images) }

    /// The digests of the images that people sent, each once.
    var digests: Set<String> {
        Set(images.compactMap { if case .stored(let digest) = $0 { digest } else { nil } })
    }

    /// The dialogue as one question with at most one image before it; nil for any other dialogue.
    var question: (image: PreferenceImage?, text: String)? {
        guard count == 1, self[0].role == .user, let last = self[0].parts.last, case .text(let text) = last,
            !text.isEmpty
        else { return nil }
        switch self[0].parts.dropLast() {
        case let rest where rest.isEmpty: return (nil, text)
        case let rest where rest.count == 1:
            guard case .image(let image)? = rest.first else { return nil }
            return (image, text)
        default: return nil
        }
    }
}
