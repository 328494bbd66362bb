public import Datasets
public import Support

/// Writes what people and rules said in the formats that trainers read, one JSON object a line.
///
/// In TRL's formats, a message's content is a text, and all images come before it, unless some dialogue has images
/// elsewhere: then all lines have lists of parts, because a file's lines must have one type.
public struct FeedbackLines: Sendable {
    /// The formats of preferred pairs.
    public enum Pairs: Sendable {
        /// This project's own lines: answers as text.
        case plain
        /// TRL's conversational preferences with an explicit prompt, which OpenRLHF and verl read too.
        case trl
    }

    private let usesParts: Bool
    private let image: @Sendable (PreferenceImage) throws -> String

    /// Lines about these dialogues; `image` gives the text by which a line names an image.
    public init(
        prompts: some Sequence<[FeedbackMessage]>, image: @escaping @Sendable (PreferenceImage) throws -> String
    ) {
        usesParts = !prompts.allSatisfy(\.hasImagesFirst)
        self.image = image
    }

    /// A ranking's preferred pairs. Two answers of the same text, one of them cut off, make no pair: their texts do not
    /// differ.
    public func pairs(of judgement: Judgement, as format: Pairs) throws -> [JSON] {
        let images = JSON.array(try judgement.prompt.images.map { .string(try image($0)) })
        return judgement.pairs.compactMap { pair in
            let (chosen, rejected) = (judgement.completions[pair.chosen], judgement.completions[pair.rejected])
            guard !chosen.text.hasBytes(of: rejected.text) else { return nil }
            let origin: [JSON.Member] = [
                .init("comparison_id", .string(judgement.comparison)), .init("labeler", .string(judgement.labeler.id)),
            ]
            let remarks = Self.remarks(judgement.details, on: pair)
            let models: [JSON.Member] = [
                .init("chosen_model", JSON(chosen.policy)), .init("rejected_model", JSON(rejected.policy)),
            ]
            switch format {
            case .plain:
                return .object(
                    origin + [
                        .init("prompt", .array(judgement.prompt.map(\.json))), .init("images", images),
                        .init("chosen", .string(chosen.text)), .init("rejected", .string(rejected.text)),
                    ] + models + remarks + [.init("feedback_id", .string(judgement.id))])
            case .trl:
                return .object(
                    [
                        .init("prompt", .array(judgement.prompt.map(message))), .init("chosen", answer(chosen.text)),
                        .init("rejected", answer(rejected.text)), .init("images", images),
                    ] + origin + [.init("labeler_kind", .string(judgement.labeler.kind.rawValue))] + models + remarks)
            }
        }
    }

    /// What the labeler said beside the order. Every line has all of it, because a file's lines must have one type.
    private static func remarks(_ details: RankingDetails, on pair: PreferenceRecord.Pair) -> [JSON.Member] {
        func flags(_ index: Int) -> JSON {
            .array((details.flags?["\(index)"] ?? []).map { .string($0.rawValue) })
        }
        return [
            .init("chosen_flags", flags(pair.chosen)), .init("rejected_flags", flags(pair.rejected)),
            .init("all_bad", .bool(details.allBad ?? false)), .init("comment", JSON(details.comment)),
        ]
    }

    /// A thumb in the format of TRL's unpaired preferences, which its KTO trainer reads.
    public func unpaired(_ thumb: Thumb, id: String, by labeler: String) throws -> JSON {
        [
            "prompt": .array(thumb.prompt.map(message)), "completion": answer(thumb.answer),
            "label": .bool(thumb.isUp), "images": .array(try thumb.prompt.images.map { .string(try image($0)) }),
            "labeler": .string(labeler),
            "model": JSON(thumb.model.map { name in thumb.generation.map { "\(name)@\($0)" } ?? name }),
            "comment": JSON(thumb.comment), "feedback_id": .string(id),
        ]
    }

    /// An answer written by hand in the format of OpenAI's fine-tuning files.
    public func demonstration(of answer: String, to prompt: [FeedbackMessage]) throws -> JSON {
        let messages = try prompt.map { message -> JSON in
            guard !message.images.isEmpty else { return message.json }
            return [
                "role": .string(message.role.rawValue),
                "content": .array(
                    try message.parts.map { part in
                        switch part {
                        case .text(let text): ["type": "text", "text": .string(text)]
                        case .image(let reference):
                            ["type": "image_url", "image_url": ["url": .string(try image(reference))]]
                        }
                    }),
            ]
        }
        return ["messages": .array(messages + [["role": "assistant", "content": .string(answer)]])]
    }

    private func message(_ message: FeedbackMessage) -> JSON {
        guard usesParts else { return ["role": .string(message.role.rawValue), "content": .string(message.text)] }
        let parts = message.parts.map { part -> JSON in
            switch part {
            case .text(let text): ["type": "text", "text": .string(text)]
            case .image: ["type": "image", "text": .null]
            }
        }
        return ["role": .string(message.role.rawValue), "content": .array(parts)]
    }

    private func answer(_ text: String) -> JSON {
        guard usesParts else { return [["role": "assistant", "content": .string(text)]] }
        return [["role": "assistant", "content": [["type": "text", "text": .string(text)]]]]
    }
}

extension FeedbackMessage {
    /// The message as it is stored.
    public var json: JSON {
        if parts.count == 1, case .text(let text) = parts[0] {
            return ["role": .string(role.rawValue), "content": .string(text)]
        }
        let content = parts.map { part -> JSON in
            switch part {
            case .text(let text): ["type": "text", "text": .string(text)]
            case .image(.stored(let digest)): ["type": "image", "sha256": .string(digest)]
            case .image(.easyVQA(let number)): ["type": "image", "easyVQA": JSON(number)]
            case .image(.generated(let family, let seed)):
                ["type": "image", "family": .string(family.rawValue), "seed": .integer(Int64(bitPattern: seed))]
            case .image(.document(let family, let seed)):
                ["type": "image", "document": .string(family.rawValue), "seed": .integer(Int64(bitPattern: seed))]
            }
        }
        return ["role": .string(role.rawValue), "content": .array(content)]
    }
}

extension [FeedbackMessage] {
    /// Whether all images are in the first message of the user, before its text.
    fileprivate var hasImagesFirst: Bool {
        guard let first = firstIndex(where: { $0.role == .user }) else { return images.isEmpty }
        let texts = self[first].parts.drop { if case .image = $0 { true } else { false } }
        let isFirst = texts.allSatisfy { if case .text = $0 { true } else { false } }
        return isFirst && self[(first + 1)...].allSatisfy(\.images.isEmpty)
    }
}
