import Engine
import Hummingbird
import NIOCore
import WireFormats

/// `POST /v1/completions`.
struct CompletionsController: Controller {
    let services: Services

    func addRoutes(to router: Router<ServerContext>) {
        router.addResource("/v1/completions", .post, answer)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        try services.state.checkTaking()
        let (body, _) = try await request.content(
            ["application/json"], limit: services.configuration.maximumBodyBytes,
            context: context)
        let wanted = try CompletionRequest(body: body)
        let admission = Admission(services: services)
        let policy = try admission.policy(wanted.model)
        let admitted = try admission.admit(wanted, policy: policy, record: context.record)
        let head = CompletionHead(
            id: newID("cmpl-"), created: unixTime(), model: wanted.model,
            fingerprint: services.fingerprint(of: policy))
        return try await CompletionAnswer(
            services: services, admitted: admitted, encoder: TextCompletionEncoder(head), delivery: wanted.delivery,
            monitor: context.monitor(), record: context.record
        ).response()
    }
}
