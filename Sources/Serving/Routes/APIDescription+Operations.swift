import Feedback
import Support
import WireFormats

extension APIDescription {
    /// What each method of each path does. The test compares its keys with the routes.
    static func operations() throws(APIError) -> [String: Operation] {
        try answers().merging(numbers()) { one, _ in one }.merging(objects()) { one, _ in one }
            .merging(operation()) { one, _ in one }
    }

    private static let json = "application/json"
    /// Some readers of the description check each event, others the whole text.
    private static let events = (type: "text/event-stream", schema: [:] as JSON)
    private static let usage = Usage(promptTokens: 1, imageTokens: 0)

    /// Routes that answer prompts.
    private static func answers() throws(APIError) -> [String: Operation] {
        let choice = AnswerChoice(text: "a", ending: AnswerEnding(reason: "stop"))
        let head = CompletionHead(id: "", created: 0, model: "", fingerprint: "", delivery: StreamOptions())
        let response = ResponseHead(id: "", created: 0, model: "", echo: ResponseEcho(), makeID: { $0 }, now: { 0 })
        func shown(_ encoder: some AnswerEncoder) -> [(type: String, schema: JSON)] {
            [(json, BodyDescription.schema(of: encoder.whole([choice], usage: usage))), events]
        }
        return [
            "POST /v1/ask": Operation(
                "Answer a question about images", body: try AskRequest.description, form: try askForm(),
                answers: shown(AskEncoder(id: "", created: 0, model: "", generation: 0))
                    + [("text/plain", ["type": "string"])]),
            "POST /v1/chat/completions": Operation(
                "Continue a dialogue (OpenAI)", body: try ChatCompletionRequest.description,
                answers: shown(ChatCompletionEncoder(head)).map { ($0.type, $0.schema.withOptionalContent) }),
            "POST /v1/completions": Operation(
                "Continue text (OpenAI)", body: try CompletionRequest.description,
                answers: shown(TextCompletionEncoder(head))),
            "POST /v1/responses": Operation(
                "Continue a dialogue (OpenAI's responses)", body: try ResponsesRequest.description,
                answers: [(json, ["type": "object", "required": ["id", "object", "status", "output"]]), events]
                    .map { $0.0 == json ? (json, responseSchema(response)) : $0 }),
            "POST /v1/messages": Operation(
                "Continue a dialogue (Anthropic)", body: try MessagesRequest.description(for: .answer),
                answers: [
                    (
                        json,
                        BodyDescription.schema(
                            of: MessagesEncoder(id: "", model: "", maximumTokens: 1, requestID: "").whole(
                                [AnswerChoice(ending: AnswerEnding(reason: "stop"))], usage: usage)
                        ).withFree(["content", "stop_reason"])
                    ), events,
                ]),
            "POST /v1/messages/count_tokens": Operation(
                "Count a prompt's tokens (Anthropic)", body: try MessagesRequest.description(for: .count),
                answers: [(json, BodyDescription.schema(of: ["input_tokens": 1]))]),
        ]
    }

    private static func responseSchema(_ head: ResponseHead) -> JSON {
        let choice = AnswerChoice(text: "a", ending: AnswerEnding(reason: "stop"))
        let sample = ResponsesEncoder(head).whole([choice], usage: usage)
        return BodyDescription.schema(of: sample).withFree([
            "output", "completed_at", "error", "incomplete_details", "tool_choice", "metadata", "text", "tools",
        ])
    }

    /// The form of `/v1/ask`: its JSON fields, with files for images.
    private static func askForm() throws(APIError) -> JSON {
        guard case .object(let members) = try AskRequest.description.schema else { return [:] }
        return .object(
            members.map { member in
                guard member.name == "properties", case .object(let fields) = member.value else { return member }
                let files: [JSON.Member] = [
                    .init("image", ["type": "array", "items": ["type": "string", "format": "binary"]]),
                    .init("file_id", ["type": "array", "items": ["type": "string"]]),
                ]
                let texts = fields.filter { $0.name != "images" && $0.name != "response_format" }
                return .init(member.name, .object(texts + files))
            })
    }

    /// Routes that answer with numbers.
    private static func numbers() throws(APIError) -> [String: Operation] {
        let embeddings = try EmbeddingsRequest(body: Array(#"{"model":"a","input":"a"}"#.utf8))
        let ranking = try RankingRequest(body: Array(#"{"query":"a","documents":["a"]}"#.utf8), for: .rerank)
        return [
            "POST /v1/embeddings": Operation(
                "Embed text and images (OpenAI)", body: try EmbeddingsRequest.description,
                answers: [(json, embeddingSchema(of: embeddings.response([[0.5]], promptTokens: 1)))]),
            "POST /v1/decisions": Operation(
                "Say how likely given answers are", body: try DecisionRequest.description,
                answers: [(json, ["type": "object", "required": ["object", "model", "probabilities", "usage"]])]),
            "POST /v1/score": Operation(
                "Score documents for a query", body: try RankingRequest.description(for: .score),
                answers: [
                    (
                        json,
                        BodyDescription.schema(
                            of: RankingRequest.scores(
                                id: "", created: 0, model: "", method: .reward, [0.5], usage: usage))
                    )
                ]),
            "POST /v1/rerank": Operation(
                "Order documents for a query", body: try RankingRequest.description(for: .rerank),
                answers: [
                    (
                        json,
                        BodyDescription.schema(
                            of: ranking.ranking(id: "", model: "", method: .reward, [0.5], usage: usage))
                    )
                ]),
            "POST /v1/reward": Operation(
                "Score answers by the reward model", body: try RewardRequest.description,
                answers: [
                    (
                        json,
                        BodyDescription.schema(
                            of: RewardRequest.response(
                                model: "", generation: 1, rewards: [(reward: 0.5, tokens: 1)], usage: usage))
                    )
                ]),
            "POST /tokenize": Operation(
                "Turn text or a dialogue into tokens", body: try TokenizeRequest.description,
                answers: [
                    (json, BodyDescription.schema(of: TokenizeRequest.response([1], spellings: nil, contextLength: 1)))
                ]),
            "POST /detokenize": Operation(
                "Turn tokens into text", body: try DetokenizeRequest.description,
                answers: [(json, BodyDescription.schema(of: DetokenizeRequest.response("")))]),
            "GET /tokenizer_info": Operation(
                "Describe the tokenizer",
                answers: [(json, BodyDescription.schema(of: TokenizerInfo(contextLength: 1, vocabularySize: 1).json))]),
        ]
    }

    /// A vector is an array of numbers or base64.
    private static func embeddingSchema(of sample: JSON) -> JSON {
        BodyDescription.schema(of: sample).withFree(["embedding"])
    }

    /// Routes for what is kept.
    private static func objects() throws(APIError) -> [String: Operation] {
        let file: JSON = [
            "type": "object",
            "properties": [
                "file": ["type": "string", "format": "binary"], "purpose": ["enum": ["vision"]],
            ], "required": ["file", "purpose"],
        ]
        let described = [(json, ["type": "object", "required": ["id", "object", "bytes", "sha256"]] as JSON)]
        return [
            "GET /v1/files": Operation("List files"),
            "POST /v1/files": Operation("Keep an image", form: file, answers: described, status: 201),
            "GET /v1/files/{id}": Operation("Describe a file", answers: described),
            "DELETE /v1/files/{id}": Operation("Delete a file"),
            "GET /v1/files/{id}/content": Operation(
                "Read a file", answers: [("image/*", ["type": "string", "format": "binary"])]),
            "GET /v1/comparisons": Operation("List comparisons"),
            "POST /v1/comparisons": Operation(
                "Sample answers to rank", body: try ComparisonRequest.description, status: 201),
            "POST /v1/comparisons/next": Operation(
                "Take the next prompt of the queue", body: try NextComparisonRequest.description),
            "GET /v1/comparisons/{id}": Operation("Describe a comparison"),
            "GET /v1/images/{sha256}": Operation(
                "Read an image of a comparison", answers: [("image/*", ["type": "string", "format": "binary"])]),
            "GET /v1/feedback": Operation(
                "Export rankings",
                answers: [("application/jsonl", ["type": "string"]), (json, ["type": "object"])]),
            "POST /v1/feedback": Operation(
                "Rank answers, skip, or say yes or no", body: try FeedbackRequest.description, status: 201),
            "DELETE /v1/feedback/{id}": Operation("Withdraw feedback"),
            "GET /v1/feedback/summary": Operation("Count feedback"),
            "GET /v1/feedback/blind-test": Operation("Tell which of two policies people prefer"),
            "GET /v1/models": Operation("List models"), "GET /v1/models/{id}": Operation("Describe a model"),
        ]
    }

    /// Routes for operators.
    private static func operation() throws(APIError) -> [String: Operation] {
        [
            "GET /v1/admin/policies": Operation("List policies with their generations"),
            "POST /v1/admin/policies": Operation("Publish a generation", body: try PolicyPublication.description),
            "GET /v1/admin/models": Operation("List models and whether they are loaded"),
            "POST /v1/admin/models": Operation(
                "Load or unload a model", body: try ModelChange.description,
                conflict: "The model that shall be unloaded is answering."),
            "POST /v1/admin/reload": Operation("Read keys and policies again"),
            "GET /livez": Operation("Say whether the process can answer"),
            "GET /startupz": Operation("Say whether the model is loaded"),
            "GET /readyz": Operation("Say whether requests are taken"),
            "GET /health": Operation("Say whether requests are taken"),
            "GET /metrics": Operation("Metrics for Prometheus", answers: [("text/plain", ["type": "string"])]),
            "GET /openapi.json": Operation("This description"),
        ]
    }
}

extension JSON {
    /// The schema, with members of these names, at any depth, that may be anything.
    fileprivate func withFree(_ names: Set<String>) -> JSON {
        switch self {
        case .object(let members):
            .object(
                members.map { member in
                    guard member.name == "properties", case .object(let fields) = member.value else {
                        return .init(member.name, member.value.withFree(names))
                    }
                    return .init(
                        member.name,
                        .object(
                            fields.map { .init($0.name, names.contains($0.name) ? [:] : $0.value.withFree(names)) }))
                })
        case .array(let elements): .array(elements.map { $0.withFree(names) })
        default: self
        }
    }

    /// The schema of a chat's answer, whose content is null beside calls of functions, and whose logprobs may be there.
    fileprivate var withOptionalContent: JSON { withFree(["content", "logprobs"]) }
}
