public import Foundation
import Images

/// A preferred pair in the format of TRL, OpenRLHF and verl: TRL's conversational preference format with an explicit
/// prompt.
///
/// A line of a JSON lines file: `{"prompt": [messages], "chosen": [messages], "rejected": [messages], "images":
/// [files]}` with messages of `role` and `content`. The fields after these are Apus's own; other programs ignore them.
public struct ConversationalPreference: Codable, Sendable, Equatable {
    /// A turn of the conversation.
    public struct Message: Codable, Sendable, Equatable {
        /// `user` or `assistant`.
        public let role: String
        /// The text.
        public let content: String
        /// Whether an image stands behind text, and not before its first word.
        let showsImageAfterText: Bool
        /// The content of files whose messages are lists of parts.
        private let parts: [Part]?

        /// `{"type": "text", "text": …}` or `{"type": "image"}`.
        private struct Part: Codable, Equatable {
            let type: String
            let text: String?

            var isImage: Bool { type == "image" && text == nil }
            var isText: Bool { type == "text" && text != nil }
        }

        private enum CodingKeys: String, CodingKey {
            case role, content
        }

        /// Throws `DecodingError` unless the content is a text, or a list of texts and images.
        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            role = try fields.decode(String.self, forKey: .role)
            do {
                content = try fields.decode(String.self, forKey: .content)
                (parts, showsImageAfterText) = (nil, false)
            } catch {
                guard let parts = try? fields.decode([Part].self, forKey: .content),
                    parts.allSatisfy({ $0.isText || $0.isImage })
                else { throw error }
                content = parts.compactMap(\.text).joined()
                showsImageAfterText = parts.drop(while: \.isImage).contains(where: \.isImage)
                self.parts = parts
            }
        }

        /// Writes the content in the form in which it was read.
        public func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(role, forKey: .role)
            if let parts {
                try fields.encode(parts, forKey: .content)
            } else {
                try fields.encode(content, forKey: .content)
            }
        }
    }

    /// One turn of the user.
    public let prompt: [Message]
    /// The preferred answer, one turn of the assistant.
    public let chosen: [Message]
    /// The other answer, one turn of the assistant.
    public let rejected: [Message]
    /// Paths of image files, relative to the file's own folder; at most one. Nil, like a missing field, means none.
    public let images: [String]?
    /// The comparison that the pair is from; nil in files from other programs, like all following fields.
    public let comparison: String?
    /// The labeler's name.
    public let labeler: String?
    /// The kind of labeler.
    public let labelerKind: PreferenceRecord.Labeler.Kind?
    /// The model of the preferred answer, as NAME@GENERATION.
    public let chosenModel: String?
    /// The model of the other answer, as NAME@GENERATION.
    public let rejectedModel: String?
    /// What the labeler found wrong with the preferred answer: an import does not keep this and the following fields.
    public let chosenFlags: [String]?
    /// What the labeler found wrong with the other answer.
    public let rejectedFlags: [String]?
    /// Whether the labeler found even the best answer of the comparison bad.
    public let allBad: Bool?
    /// The labeler's remarks.
    public let comment: String?

    private enum CodingKeys: String, CodingKey {
        case prompt, chosen, rejected, images, labeler, comment
        case comparison = "comparison_id"
        case labelerKind = "labeler_kind"
        case chosenModel = "chosen_model"
        case rejectedModel = "rejected_model"
        case chosenFlags = "chosen_flags"
        case rejectedFlags = "rejected_flags"
        case allBad = "all_bad"
    }

    /// Throws `DecodingError` for conversations with more than one turn per side.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        func turn(_ key: CodingKeys, of role: String) throws -> [Message] {
            let messages = try fields.decode([Message].self, forKey: key)
            guard messages.count == 1, messages[0].role == role, !messages[0].showsImageAfterText else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: fields,
                    debugDescription: "expected one message of the \(role), with its picture before the text")
            }
            return messages
        }
        prompt = try turn(.prompt, of: "user")
        chosen = try turn(.chosen, of: "assistant")
        rejected = try turn(.rejected, of: "assistant")
        images = try fields.decodeIfPresent([String].self, forKey: .images)
        guard images?.count ?? 0 <= 1 else {
            throw DecodingError.dataCorruptedError(
                forKey: .images, in: fields, debugDescription: "expected at most one picture")
        }
        comparison = try fields.decodeIfPresent(String.self, forKey: .comparison)
        labeler = try fields.decodeIfPresent(String.self, forKey: .labeler)
        labelerKind = try fields.decodeIfPresent(PreferenceRecord.Labeler.Kind.self, forKey: .labelerKind)
        chosenModel = try fields.decodeIfPresent(String.self, forKey: .chosenModel)
        rejectedModel = try fields.decodeIfPresent(String.self, forKey: .rejectedModel)
        chosenFlags = try fields.decodeIfPresent([String].self, forKey: .chosenFlags)
        rejectedFlags = try fields.decodeIfPresent([String].self, forKey: .rejectedFlags)
        allBad = try fields.decodeIfPresent(Bool.self, forKey: .allBad)
        comment = try fields.decodeIfPresent(String.self, forKey: .comment)
    }

    /// The pair as a ranking of two complete answers with unknown tokens. `fallback` is the labeler if the pair names
    /// none, and `image` is the image's reference.
    ///
    /// The same two answers give the same comparison, whichever is preferred.
    public func record(image: PreferenceImage?, fallback: PreferenceRecord.Labeler) throws -> PreferenceRecord {
        let question = prompt[0].content
        guard !question.isEmpty else { throw ConversationalPreferenceError.emptyQuestion }
        let sides = [(chosen[0].content, chosenModel), (rejected[0].content, rejectedModel)]
        // Compared by bytes: two spellings that differ only in the composition of accents are different tokens.
        let keys = sides.map { Array($0.0.utf8) + [0] + Array(($0.1 ?? "").utf8) }
        guard keys[0] != keys[1] else { throw ConversationalPreferenceError.equalAnswers }
        let isSwapped = keys[1].lexicographicallyPrecedes(keys[0])
        let completions = (isSwapped ? sides.reversed() : sides).map {
            PreferenceRecord.RankedCompletion(text: $0.0, tokens: [], policy: $0.1, finishReason: .stop)
        }
        let key = [image?.description ?? "", question] + completions.flatMap { [$0.text, $0.policy ?? ""] }
        let labeler = labeler.map { PreferenceRecord.Labeler(kind: labelerKind ?? fallback.kind, id: $0) }
        return PreferenceRecord(
            id: PreferenceRecord.id(of: ["pair"] + key), image: image, question: question, completions: completions,
            tiers: isSwapped ? [[1], [0]] : [[0], [1]], labeler: labeler ?? fallback, seed: 0)
    }
}

/// Why a pair is not a valid preference.
public enum ConversationalPreferenceError: Error, Equatable, CustomStringConvertible {
    /// The prompt has no text.
    case emptyQuestion
    /// Both answers are equal and by the same model.
    case equalAnswers
    /// The image file cannot be used.
    case badImage(String, reason: String)

    /// What is wrong.
    public var description: String {
        switch self {
        case .emptyQuestion: "prompt: the question is empty"
        case .equalAnswers: "chosen and rejected are the same answer"
        case .badImage(let name, let reason): "images[0]: \(name): \(reason)"
        }
    }
}

extension String {
    /// Whether both have the same bytes: `==` treats different compositions of an accent as equal.
    package func hasBytes(of other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension ConversationalPreference {
    /// The pairs of a JSON lines file as rankings of two answers, each with the number of its line, counted from 1.
    ///
    /// - Parameters:
    ///   - labeler: the labeler of lines that name none.
    ///   - keep: stores an image file and returns its reference.
    /// - Throws: `PreferenceError` naming the file, the line and the field.
    public static func load(
        path: String, labeler: PreferenceRecord.Labeler, keep: (Data) throws -> PreferenceImage
    ) throws(PreferenceError) -> [(line: Int, record: PreferenceRecord)] {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        return try PreferenceLines.load(ConversationalPreference.self, path: path) { pair in
            let image = try pair.images?.first.map { try kept($0, in: folder, by: keep) }
            return try pair.record(image: image, fallback: labeler)
        }
        .map { (line: $0.line, record: $0.value) }
    }

    /// The reference of the image file `name` in `folder`, which `keep` stores.
    static func kept(
        _ name: String, in folder: URL, by keep: (Data) throws -> PreferenceImage
    ) throws(ConversationalPreferenceError) -> PreferenceImage {
        let data = try imageFile(name, in: folder)
        do { return try keep(data) } catch { throw .badImage(name, reason: "\(error)") }
    }

    /// The bytes of the image file `name`, which must lie in `folder`: a line of a file from elsewhere must
    /// not name other files of this machine.
    public static func imageFile(_ name: String, in folder: URL) throws(ConversationalPreferenceError) -> Data {
        let root = folder.resolvingSymlinksInPath().standardizedFileURL.path
        let file = folder.appending(path: name).resolvingSymlinksInPath().standardizedFileURL
        guard !name.hasPrefix("/"), file.path.hasPrefix(root == "/" ? root : root + "/") else {
            throw .badImage(name, reason: "it lies outside the folder of the file that names it")
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else {
            throw .badImage(name, reason: "there is no such file")
        }
        let limit = ImageLimits.standard.maximumBytes
        guard let size = attributes?[.size] as? Int, size <= limit else {
            throw .badImage(name, reason: "it has more than \(limit) bytes")
        }
        guard let data = FileManager.default.contents(atPath: file.path) else {
            throw .badImage(name, reason: "it cannot be read")
        }
        return data
    }
}
