public import Foundation

/// An answer that a person found good or bad, in TRL's format of unpaired preferences.
///
/// A line of a JSON lines file: `{"prompt": [messages], "completion": [messages], "label": true, "images": [files]}`.
/// The fields after these are Apus's own; other programs ignore them.
public struct UnpairedPreference: Codable, Sendable, Equatable {
    /// The dialogue, the user's turn last.
    public let prompt: [ConversationalPreference.Message]
    /// The answer, one turn of the assistant.
    public let completion: [ConversationalPreference.Message]
    /// Whether the answer is good.
    public let label: Bool
    /// Paths of image files, relative to the file's own folder; nil, like a missing field, means none.
    public let images: [String]?
    /// The labeler's name; nil in files from other programs, like all following fields.
    public let labeler: String?
    /// The model that answered, as NAME@GENERATION.
    public let model: String?
    /// The labeler's remarks.
    public let comment: String?
    /// The feedback that the line is from.
    public let feedback: String?

    private enum CodingKeys: String, CodingKey {
        case prompt, completion, label, images, labeler, model, comment
        case feedback = "feedback_id"
    }

    /// An answer to one question about at most one image, and what was said of it.
    public struct Answer: Sendable, Equatable {
        /// The line in its file, counted from 1.
        public let line: Int
        /// The image; nil if the question needs none.
        public let image: PreferenceImage?
        /// The question.
        public let question: String
        /// The answer.
        public let answer: String
        /// Whether it is good.
        public let isGood: Bool
        /// Who said so.
        public let labeler: String

        /// The given answer.
        package init(
            line: Int, image: PreferenceImage?, question: String, answer: String, isGood: Bool, labeler: String
        ) {
            self.line = line
            self.image = image
            self.question = question
            self.answer = answer
            self.isGood = isGood
            self.labeler = labeler
        }
    }

    /// Reads a file; `keep` stores an image's file and returns its reference. Training on single turns cannot use
    /// longer dialogues, several images and images behind text: their lines are counted.
    ///
    /// - Throws: `PreferenceError` naming the file and the line.
    public static func load(
        path: String, keep: (Data) throws -> PreferenceImage
    ) throws(PreferenceError) -> (answers: [Answer], longer: Int) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        var longer = 0
        let read = try PreferenceLines.load(UnpairedPreference.self, path: path) { line -> Answer? in
            guard line.completion.count == 1, line.completion[0].role == "assistant" else {
                throw UnpairedPreferenceError.completion
            }
            guard line.prompt.count == 1, line.prompt[0].role == "user", line.images?.count ?? 0 <= 1,
                !line.prompt[0].showsImageAfterText
            else {
                longer += 1
                return nil
            }
            let question = line.prompt[0].content
            guard !question.isEmpty, !line.completion[0].content.isEmpty else { throw UnpairedPreferenceError.empty }
            let image = try line.images?.first.map { try ConversationalPreference.kept($0, in: folder, by: keep) }
            return Answer(
                line: 0, image: image, question: question, answer: line.completion[0].content, isGood: line.label,
                labeler: line.labeler ?? "unknown")
        }
        let answers = read.compactMap { number, answer in
            answer.map {
                Answer(
                    line: number, image: $0.image, question: $0.question, answer: $0.answer, isGood: $0.isGood,
                    labeler: $0.labeler)
            }
        }
        return (answers, longer)
    }
}

/// Why a line is no unpaired preference.
enum UnpairedPreferenceError: Error, CustomStringConvertible {
    case completion, empty

    var description: String {
        switch self {
        case .completion: "completion: expected one message of the assistant"
        case .empty: "prompt and completion need text"
        }
    }
}
