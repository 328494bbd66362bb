import Support

/// The body of `POST /v1/completions`.
public struct CompletionRequest: RequestBody, Equatable {
    /// The text or tokens to continue.
    public enum Prompt: Sendable, Equatable {
        /// Text without a template.
        case text(String)
        /// Token ids, at least 0.
        case tokens([Int32])
    }

    /// The requested policy.
    public var model: String
    /// 1 to 256 prompts, none of them empty.
    public var prompts: [Prompt]
    /// How the continuations are generated.
    public var options: GenerationOptions
    /// Whether each prompt precedes its continuation.
    public var echoesPrompt: Bool
    /// How the continuations are streamed.
    public var delivery: StreamOptions

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        model = try fields.require(fields.string("model"), "model")
        prompts = try Self.prompts(try fields.require(fields.value("prompt"), "prompt"))
        options = GenerationOptions()
        try options.readOpenAI(&fields)
        try options.checkForm()
        echoesPrompt = try fields.bool("echo", default: false)
        let limit = try fields.integer("max_tokens", in: 0...Int64.max, default: 16)
        guard limit > 0 || echoesPrompt else {
            throw APIError(
                .invalidValue, "max_tokens may be 0 only if echo is true.",
                param: "max_tokens")
        }
        options.maximumTokens = limit
        options.topLogprobs = try fields.integer("logprobs", in: 0...20).map { Int($0) }
        delivery = try StreamOptions(&fields)
        try fields.readNeutral()
        try fields.accept("best_of", only: .integer(Int64(options.count)))
        try fields.refuse("suffix")
        try fields.finish()
    }

    private static func prompts(_ value: JSON) throws(APIError) -> [Prompt] {
        let prompts: [Prompt]
        switch value {
        case .string(let text): prompts = [.text(text)]
        case .array(let elements):
            if elements.allSatisfy({ $0.integerValue != nil }) {
                prompts = [.tokens(try ids(elements, path: "prompt"))]
            } else {
                var list: [Prompt] = []
                for (index, element) in elements.enumerated() {
                    list.append(try prompt(element, path: "prompt[\(index)]"))
                }
                prompts = list
            }
        default:
            throw APIError(
                .invalidType, "prompt must be a string or an array, not \(value.kind).", param: "prompt")
        }
        guard prompts.count <= 256 else {
            throw APIError(.invalidValue, "prompt has \(prompts.count) prompts, more than 256.", param: "prompt")
        }
        guard !prompts.contains(where: { $0 == .text("") || $0 == .tokens([]) }) else {
            throw APIError(.invalidValue, "A prompt is empty.", param: "prompt")
        }
        return prompts
    }

    private static func prompt(_ value: JSON, path: String) throws(APIError) -> Prompt {
        switch value {
        case .string(let text): return .text(text)
        case .array(let elements): return .tokens(try ids(elements, path: path))
        default:
            throw APIError(
                .invalidType, "\(path) must be a string or an array of token ids, not \(value.kind).", param: path)
        }
    }

    static func ids(_ elements: [JSON], path: String) throws(APIError) -> [Int32] {
        var ids: [Int32] = []
        for (index, element) in elements.enumerated() {
            ids.append(try GenerationOptions.tokenID(element, path: "\(path)[\(index)]"))
        }
        return ids
    }
}
