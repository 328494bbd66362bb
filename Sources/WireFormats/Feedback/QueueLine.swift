import Support

/// A line of a file for the queue: a prompt for which answers will be sampled, or a prompt with its answers.
public struct QueueLine: Sendable, Equatable {
    /// An answer of the file.
    public struct Answer: Sendable, Equatable {
        /// The text.
        public var text: String
        /// The model that gave it; nil if unknown.
        public var model: String?
    }

    /// The dialogue. Its images are data URLs, or paths below the file's own folder.
    public var messages: [DialogueMessage]
    /// The policies that will answer; nil: the default policy.
    public var models: [String]?
    /// The number of answers; nil: the server's default.
    public var samples: Int?
    /// The answers; empty: they will be sampled.
    public var answers: [Answer]

    /// Parses a line: `messages`, or `question` and `images`; `models` and `k`, or `answers`.
    public init(line: [UInt8]) throws(APIError) {
        var fields = try FieldReader(body: line)
        messages = try fields.keptDialogue().messages
        let models = try fields.models()
        self.models = models.isEmpty ? nil : models
        samples = try fields.integer("k", in: FeedbackLimits.samples).map { Int($0) }
        answers = try Self.answers(&fields)
        try fields.finish()
        if let samples, samples < models.count {
            throw APIError(.invalidValue, "k is \(samples), but models has \(models.count) names.", param: "k")
        }
    }

    private static func answers(_ fields: inout FieldReader) throws(APIError) -> [Answer] {
        guard let values = try fields.array("answers") else { return [] }
        for name in ["models", "k"] where fields.value(name) != nil {
            throw APIError(.invalidValue, "\(name) is allowed only without answers.", param: name)
        }
        guard FeedbackLimits.samples.contains(Int64(values.count)) else {
            throw APIError(
                .invalidValue, "answers has \(values.count) answers, but must have 2 to 9.", param: "answers")
        }
        var answers: [Answer] = []
        for (index, value) in values.enumerated() {
            if case .string(let text) = value {
                answers.append(Answer(text: text, model: nil))
                continue
            }
            var answer = try FieldReader(value, path: "answers[\(index)]")
            answers.append(
                Answer(text: try answer.require(answer.string("answer"), "answer"), model: try answer.string("model")))
            try answer.finish()
        }
        return answers
    }
}
