import Support

/// A request's options for generating an answer. An absent field is nil: then the policy's default applies.
public struct GenerationOptions: Sendable, Equatable {
    /// 0 to 2; 0 is greedy.
    public var temperature: Double?
    /// Above 0, up to 1.
    public var topP: Double?
    /// -1 and 0 turn it off.
    public var topK: Int?
    /// 0 to 1.
    public var minP: Double?
    /// -2 to 2, over generated tokens.
    public var frequencyPenalty: Double?
    /// -2 to 2, over generated tokens.
    public var presencePenalty: Double?
    /// Above 0, up to 2, over prompt and generated tokens.
    public var repetitionPenalty: Double?
    /// Any 64-bit integer.
    public var seed: Int64?
    /// The number of answers per prompt.
    public var count = 1
    /// Strings that end the answer.
    public var stop: [String] = []
    /// Token ids that end the answer.
    public var stopTokenIDs: [Int32] = []
    /// Whether the stop string is shown.
    public var includesStop = false
    /// Whether the end token is ignored.
    public var ignoresEnd = false
    /// The minimum number of tokens of an answer.
    public var minimumTokens = 0
    /// The maximum number of tokens of an answer; nil fills the context.
    public var maximumTokens: Int?
    /// The numbers added to logits, by token id.
    public var logitBias: [Int32: Double] = [:]
    /// The number of alternatives reported for each token; nil: no log-probabilities.
    public var topLogprobs: Int?
    /// Whether the token ids of prompts and answers are reported.
    public var reportsTokenIDs = false
    /// The form of the text.
    public var format = AnswerFormat.text
    /// The functions that the answer may call; nil: none.
    public var tools: ToolUse?

    /// No options set.
    public init() {}

    /// Reads the fields that all generating routes share.
    package mutating func readSampling(_ fields: inout FieldReader) throws(APIError) {
        temperature = try fields.number("temperature", in: 0...2)
        topP = try fields.number("top_p", in: 0...1, excludingLowerBound: true)
        topK = try fields.integer("top_k", in: -1...Int64(Int32.max)).map { Int($0) }
        minP = try fields.number("min_p", in: 0...1)
        seed = try fields.integer("seed")
        stop = try Self.stopStrings(&fields, "stop")
    }

    /// Reads the additional fields of OpenAI's routes.
    package mutating func readOpenAI(_ fields: inout FieldReader) throws(APIError) {
        try readSampling(&fields)
        frequencyPenalty = try fields.number("frequency_penalty", in: -2...2)
        presencePenalty = try fields.number("presence_penalty", in: -2...2)
        repetitionPenalty = try fields.number("repetition_penalty", in: 0...2, excludingLowerBound: true)
        count = try fields.integer("n", in: 1...16, default: 1)
        includesStop = try fields.bool("include_stop_str_in_output", default: false)
        ignoresEnd = try fields.bool("ignore_eos", default: false)
        minimumTokens = try fields.integer("min_tokens", in: 0...Int64(Int32.max), default: 0)
        let ids = try fields.array("stop_token_ids") ?? []
        for (index, id) in ids.enumerated() {
            stopTokenIDs.append(try Self.tokenID(id, path: "stop_token_ids[\(index)]"))
        }
        try readLogitBias(&fields)
        reportsTokenIDs = try fields.bool("return_token_ids", default: false)
        format = try AnswerFormat(&fields)
    }

    /// Throws if the answer shall go on beyond its end, although it must have a form. To be called when all fields are
    /// read.
    package func checkForm() throws(APIError) {
        let forcesCall = tools.map { $0.choice != .auto && $0.choice != .none } ?? false
        guard format != .text || forcesCall else { return }
        for (field, isSet) in [("ignore_eos", ignoresEnd), ("min_tokens", minimumTokens > 0)] where isSet {
            throw APIError(
                .unsupportedValue, "\(field) is not supported for an answer of a given form: it has an end.",
                param: field)
        }
    }

    private mutating func readLogitBias(_ fields: inout FieldReader) throws(APIError) {
        guard var biases = try fields.object("logit_bias") else { return }
        for name in biases.names {
            guard let id = Int32(name), id >= 0, String(id) == name else {
                throw APIError(
                    .invalidValue, "logit_bias has a name that is not a token id.", param: biases.path(of: name))
            }
            logitBias[id] = try biases.number(name, in: -100...100)
        }
        try biases.finish()
    }

    /// Up to 32 strings that end the answer: one string, or an array.
    static func stopStrings(_ fields: inout FieldReader, _ name: String) throws(APIError) -> [String] {
        guard let value = fields.value(name) else { return [] }
        let elements = if case .array(let elements) = value { elements } else { [value] }
        guard elements.count <= 32 else {
            throw APIError(.invalidValue, "\(name) has \(elements.count) strings, more than 32.", param: name)
        }
        var strings: [String] = []
        for element in elements {
            guard case .string(let text) = element else {
                throw fields.wrongType(name, element, expected: "a string or an array of strings")
            }
            guard (1...256).contains(text.utf8.count) else {
                throw APIError(
                    .invalidValue, "A stop string has \(text.utf8.count) bytes, but must have 1 to 256.", param: name)
            }
            strings.append(text)
        }
        return strings
    }

    /// A token id, which is at least 0. The caller checks whether the vocabulary contains it.
    static func tokenID(_ value: JSON, path: String) throws(APIError) -> Int32 {
        guard let integer = value.integerValue else {
            throw APIError(.invalidType, "\(path) must be an integer, not \(value.kind).", param: path)
        }
        guard let id = Int32(exactly: integer), id >= 0 else {
            throw APIError(.invalidValue, "\(path) is \(integer), which is no token id.", param: path)
        }
        return id
    }
}

/// The options for streaming an answer.
public struct StreamOptions: Sendable, Equatable {
    /// Whether the answer is streamed.
    public var isStreaming = false
    /// Whether one frame before the end has the token counts.
    public var includesUsage = false
    /// Whether every frame has the token counts so far.
    public var hasContinuousUsage = false

    /// No streaming.
    public init() {}

    package init(_ fields: inout FieldReader) throws(APIError) {
        isStreaming = try fields.bool("stream", default: false)
        guard var options = try fields.object("stream_options") else { return }
        guard isStreaming else {
            throw APIError(
                .invalidValue, "stream_options is allowed only with stream: true.", param: "stream_options")
        }
        includesUsage = try options.bool("include_usage", default: false)
        hasContinuousUsage = try options.bool("continuous_usage_stats", default: false)
        try options.accept("include_obfuscation", only: false)
        try options.finish()
    }
}

extension FieldReader {
    /// Reads identifiers for the caller's own use, which have no effect by definition.
    mutating func readNeutral() throws(APIError) {
        for name in ["user", "safety_identifier", "prompt_cache_key"] { _ = try string(name) }
        guard var metadata = try object("metadata") else { return }
        guard metadata.names.count <= 16 else {
            throw APIError(
                .invalidValue, "metadata has \(metadata.names.count) pairs, more than 16.", param: "metadata")
        }
        for name in metadata.names { _ = try metadata.string(name) }
        try metadata.finish()
    }
}
