public import Support

/// The body of `POST /tokenize`, as vLLM has it.
public struct TokenizeRequest: RequestBody, Equatable {
    /// What becomes tokens.
    public enum Content: Sendable, Equatable {
        /// Text without a template. Names of special tokens in it become the tokens.
        case text(String, param: String)
        /// A dialogue in the policy's template.
        case messages([DialogueMessage])
    }

    /// The policy whose template applies; nil for the default policy.
    public var model: String?
    /// What becomes tokens.
    public var content: Content
    /// Whether the token that the model expects before each text is added.
    public var addsSpecialTokens: Bool
    /// Whether the response spells the tokens.
    public var returnsSpellings: Bool

    /// Most bytes of text: the response takes several times as much memory.
    public static let maximumBytes = 4 << 20

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.string("model")
        if let messages = try fields.dialogue("messages") {
            for name in ["prompt", "content"] where fields.value(name) != nil {
                throw APIError(.invalidValue, "\(name) is allowed only without messages.", param: name)
            }
            content = .messages(messages)
            // The template decides.
            try fields.accept("add_special_tokens", only: false)
            try fields.accept("add_generation_prompt", only: true)
            try fields.accept("continue_final_message", only: false)
            addsSpecialTokens = false
        } else {
            let (prompt, other) = (try fields.string("prompt"), try fields.string("content"))
            guard prompt == nil || other == nil || prompt == other else {
                throw APIError(.invalidValue, "content is another name for prompt; send one of them.", param: "content")
            }
            let param = prompt == nil && other != nil ? "content" : "prompt"
            let text = try fields.require(prompt ?? other, "prompt")
            guard text.utf8.count <= Self.maximumBytes else {
                throw APIError(
                    .invalidValue, "\(param) has \(text.utf8.count) bytes, more than \(Self.maximumBytes).",
                    param: param)
            }
            content = .text(text, param: param)
            addsSpecialTokens = try fields.bool("add_special_tokens", default: true)
        }
        returnsSpellings = try fields.bool("return_token_strs", default: false)
        try fields.finish()
    }

    /// The response. `spellings` is nil unless it was asked for.
    public static func response(_ tokens: [Int32], spellings: [String]?, contextLength: Int) -> JSON {
        [
            "count": JSON(tokens.count), "max_model_len": JSON(contextLength),
            "tokens": .array(tokens.map { .integer(Int64($0)) }),
            "token_strs": spellings.map { .array($0.map { .string($0) }) } ?? .null,
        ]
    }
}

/// The body of `POST /detokenize`.
public struct DetokenizeRequest: RequestBody, Equatable {
    /// A policy; all have the same tokens.
    public var model: String?
    /// Token ids, at least 0.
    public var tokens: [Int32]

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.string("model")
        tokens = []
        for (index, id) in try fields.require(fields.array("tokens"), "tokens").enumerated() {
            tokens.append(try GenerationOptions.tokenID(id, path: "tokens[\(index)]"))
        }
        try fields.finish()
    }

    /// The response: the same text under two names.
    public static func response(_ text: String) -> JSON {
        ["prompt": .string(text), "content": .string(text)]
    }
}

/// The response of `GET /tokenizer_info`.
public struct TokenizerInfo: Sendable, Equatable {
    /// The token before a text; nil if there is none.
    public var beginToken: String?
    /// The usual token at the end of a text.
    public var endToken: String?
    /// The token for unused positions.
    public var paddingToken: String?
    /// The token for unknown text.
    public var unknownToken: String?
    /// Positions of a context.
    public var contextLength: Int
    /// The number of token ids.
    public var vocabularySize: Int
    /// The template of dialogues without images, in Jinja.
    public var chatTemplate: String?

    /// A description without tokens.
    public init(contextLength: Int, vocabularySize: Int) {
        self.contextLength = contextLength
        self.vocabularySize = vocabularySize
    }

    /// The object; tokens are strings or null, and always present.
    public var json: JSON {
        [
            "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": JSON(beginToken), "eos_token": JSON(endToken),
            "pad_token": JSON(paddingToken), "unk_token": JSON(unknownToken), "model_max_length": JSON(contextLength),
            "vocab_size": JSON(vocabularySize), "chat_template": JSON(chatTemplate),
        ]
    }
}
