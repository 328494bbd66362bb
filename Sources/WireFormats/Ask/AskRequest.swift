import Support

/// The body of `POST /v1/ask`, as JSON or as a form.
public struct AskRequest: RequestBody, Equatable {
    /// The question; at least one character.
    public var question: String
    /// The images that the question is about, in order.
    public var images: [ImageReference]
    /// The requested policy; nil for the default policy.
    public var model: String?
    /// Instructions.
    public var system: String?
    /// Whether the answer is streamed; nil: the `Accept` header decides.
    public var isStreaming: Bool?
    /// How the answer is generated: `options.count` candidates, of which the reward model picks one.
    public var options: GenerationOptions
    /// Whether the response contains the answer's scores.
    public var wantsScores: Bool

    /// Reads the fields of a JSON body. Throws for fields without effect.
    public init(_ fields: inout FieldReader) throws(APIError) {
        let detail = try fields.detail()
        let images = try fields.images(detail)
        try self.init(&fields, images: images)
    }

    /// Parses the parts of a form: the same fields, with images as files named `image` or
    /// ids named `file_id`, and `stop` repeatable.
    public init(form: [FormPart]) throws(APIError) {
        var members: [JSON.Member] = []
        var stops: [JSON] = []
        var sources: [(source: ImageReference.Source, param: String)] = []
        for part in form {
            if part.name == "image" {
                sources.append((.file(part.bytes), part.name))
                continue
            }
            if part.name == "file_id" {
                sources.append((.upload(String(decoding: part.bytes, as: UTF8.self)), part.name))
                continue
            }
            let value = try Self.value(of: part)
            if part.name == "stop" {
                stops.append(value)
            } else if members.contains(where: { $0.name == part.name }) {
                throw APIError(.invalidValue, "The part \(part.name) is there twice.", param: part.name)
            } else {
                members.append(JSON.Member(part.name, value))
            }
        }
        if !stops.isEmpty { members.append(JSON.Member("stop", .array(stops))) }
        var fields = try FieldReader(.object(members))
        let detail = try fields.detail()
        try self.init(
            &fields, images: sources.map { ImageReference(source: $0.source, detail: detail, param: $0.param) })
    }

    private init(_ fields: inout FieldReader, images: [ImageReference]) throws(APIError) {
        question = try fields.require(fields.string("question"), "question")
        guard !question.isEmpty else {
            throw APIError(.invalidValue, "question must not be empty.", param: "question")
        }
        self.images = images
        model = try fields.string("model")
        system = try fields.string("system")
        isStreaming = try fields.bool("stream")
        options = GenerationOptions()
        try options.readSampling(&fields)
        options.format = try AnswerFormat(&fields)
        options.maximumTokens = try fields.integer("max_tokens", in: 1...Int64.max).map { Int($0) }
        options.count = try fields.integer("best_of", in: 1...16, default: 1)
        wantsScores = try fields.bool("scores", default: false)
        try fields.finish()
    }

    /// The value of a text field. Fields for numbers or flags are parsed as JSON.
    private static func value(of part: FormPart) throws(APIError) -> JSON {
        guard let text = String(validating: part.bytes, as: UTF8.self) else {
            throw APIError(.invalidValue, "The part \(part.name) is not UTF-8.", param: part.name)
        }
        switch part.name {
        case "response_format":
            do throws(JSONSyntaxError) {
                return try JSON.parse(part.bytes)
            } catch {
                throw APIError(
                    .invalidJSON, "The part \(part.name) is not valid JSON: \(error).", param: part.name)
            }
        case "stream", "max_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "best_of", "scores":
            guard let value = try? JSON.parse(part.bytes) else { return .string(text) }
            return value
        default: return .string(text)
        }
    }
}
