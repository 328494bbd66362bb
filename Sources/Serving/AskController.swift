import Engine
import HTTPTypes
import Hummingbird
import NIOCore
import WireFormats

/// `POST /v1/ask`: a question about pictures, by JSON or by form.
struct AskController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/ask", for: .scope(.ask), post: answer)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        let model = try services.answering()
        let (body, contentType) = try await request.content(
            ["application/json", "multipart/form-data"], configuration: services.configuration, context: context)
        let wanted = try Self.question(body, contentType: contentType)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let user = DialogueMessage(role: .user, parts: wanted.images.map { .image($0) } + [.text(wanted.question)])
        let system = wanted.system.map { DialogueMessage(role: .system, parts: [.text($0)]) }
        let admitted = try await admission.admit(
            (system.map { [$0] } ?? []) + [user], options: wanted.options, policy: policy, param: "question",
            record: context.record)
        let encoder = AskEncoder(
            id: newID("ask_"), created: unixTime(), model: wanted.model ?? policy.name, generation: policy.generation)
        let answer = AskAnswer(
            services: services, admitted: admitted, encoder: encoder, monitor: try await context.monitor(),
            record: context.record)
        let accepted = request.headers[.accept] ?? ""
        guard wanted.isStreaming ?? !accepted.contains("application/json") else { return try await answer.whole() }
        return accepted.contains("text/plain") ? answer.plain() : answer.events()
    }

    private static func question(_ body: [UInt8], contentType: String) throws(APIError) -> AskRequest {
        guard !contentType.lowercased().hasPrefix("application/json") else { return try AskRequest(body: body) }
        guard let boundary = FormPart.boundary(contentType: contentType) else {
            throw APIError(.invalidValue, "Content-Type has no valid boundary.")
        }
        return try AskRequest(form: FormPart.parse(body, boundary: boundary))
    }
}
