public import Support

/// The body of `POST /v1/reward`.
public struct RewardRequest: RequestBody, Equatable {
    /// The policy that gave the answers, or the reward model; nil has the same effect.
    public var model: String?
    /// The dialogue before the answers.
    public var messages: [DialogueMessage]
    /// The name of the field that contains the dialogue.
    public var param: String
    /// 1 to 64 answers; an answer may be empty.
    public var answers: [String]

    /// Asks for the rewards of answers to a dialogue, which came in the field `param`.
    package init(messages: [DialogueMessage], param: String, answers: [String]) {
        self.messages = messages
        self.param = param
        self.answers = answers
    }

    /// Parses a JSON body: the dialogue is in `messages`, or consists of `question` and `images`.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.string("model")
        (messages, param) = try fields.dialogueOrQuestion()
        answers = try Self.answers(&fields)
        try fields.finish()
    }

    private static func answers(_ fields: inout FieldReader) throws(APIError) -> [String] {
        let values = try fields.require(fields.array("answers"), "answers")
        guard (1...64).contains(values.count) else {
            throw APIError(
                .invalidValue, "answers has \(values.count) answers, but must have 1 to 64.", param: "answers")
        }
        var answers: [String] = []
        for (index, value) in values.enumerated() {
            guard case .string(let text) = value else {
                let path = "answers[\(index)]"
                throw APIError(.invalidType, "\(path) must be a string, not \(value.kind).", param: path)
            }
            answers.append(text)
        }
        return answers
    }

    /// The response: for each answer, in order, its reward and its number of tokens, the end token included.
    public static func response(
        model: String, generation: Int, rewards: [(reward: Double, tokens: Int)], usage: Usage
    ) -> JSON {
        let data = rewards.enumerated().map { index, answer -> JSON in
            ["index": JSON(index), "reward": JSON(answer.reward), "tokens": JSON(answer.tokens)]
        }
        return [
            "object": "reward", "model": .string(model), "generation": JSON(generation), "data": .array(data),
            "usage": usage.json,
        ]
    }
}
