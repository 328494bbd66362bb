import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/ask`: a question about images, as JSON or as a form.
struct AskController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/ask", for: .scope(.ask), post: answer)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(
            ["application/json", "multipart/form-data"], services: services, context: context
        ) {
            try Self.question($0)
        }
        let delivery = Self.delivery(wanted, accept: request.headers[.accept])
        let isPlain = delivery == .plain
        if isPlain, wanted.wantsScores {
            throw APIError(.unsupportedValue, "Bare text has no place for scores.", param: "scores")
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let options = try Self.options(wanted, catalog: admission.catalog)
        let user = DialogueMessage(role: .user, parts: wanted.images.map { .image($0) } + [.text(wanted.question)])
        let system = wanted.system.map { DialogueMessage(role: .system, parts: [.text($0)]) }
        var admitted = try await admission.admit(
            (system.map { [$0] } ?? []) + [user], options: options, policy: policy, param: "question",
            scores: wanted.wantsScores || options.count > 1, context: context)
        admitted.reportsScores = wanted.wantsScores
        memory.giveBack()
        let stream = try await ResponseStream(admitted, services: services, context: context)
        if isPlain { return try await stream.response(PlainTextEncoder(), isStreaming: true) }
        let encoder = AskEncoder(
            id: newID("ask_"), created: unixTime(), model: wanted.model ?? policy.requestName,
            generation: policy.generation)
        return try await stream.response(encoder, isStreaming: delivery == .events)
    }

    /// The delivery of an answer; the values are the media types.
    private enum Delivery: String, CaseIterable {
        case events = "text/event-stream"
        case plain = "text/plain"
        case whole = "application/json"
    }

    /// The field `stream` takes precedence over the header.
    private static func delivery(_ wanted: AskRequest, accept: String?) -> Delivery {
        let choices = Delivery.allCases.filter { wanted.isStreaming == nil || wanted.isStreaming == ($0 != .whole) }
        return Delivery(rawValue: AcceptHeader(accept).preferred(of: choices.map(\.rawValue))) ?? .events
    }

    /// The options of the request. Throws for `best_of` and `scores` without a reward model.
    private static func options(
        _ wanted: AskRequest, catalog: PolicyCatalog
    ) throws(APIError) -> GenerationOptions {
        let options = wanted.options
        let param = options.count > 1 ? "best_of" : wanted.wantsScores ? "scores" : nil
        if let param, catalog.reward == nil {
            throw APIError(
                .unsupportedParameter, "\(param) is not supported: no reward model is loaded.", param: param)
        }
        return options
    }

    private static func question(_ body: Body) throws(APIError) -> AskRequest {
        guard !body.contentType.lowercased().hasPrefix("application/json") else {
            return try AskRequest(body: body.bytes)
        }
        guard let boundary = FormPart.boundary(contentType: body.contentType) else {
            throw APIError(.invalidValue, "Content-Type has no valid boundary.")
        }
        return try AskRequest(form: FormPart.parse(body.bytes, boundary: boundary))
    }
}
