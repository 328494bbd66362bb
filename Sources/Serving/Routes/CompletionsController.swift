import Engine
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/completions`.
struct CompletionsController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/completions", for: .scope(.ask), post: answer)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try CompletionRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let admitted = try await admission.admit(wanted, policy: policy, record: context.record)
        memory.giveBack()
        var head = CompletionHead(
            id: newID("cmpl-"), created: unixTime(), model: wanted.model,
            fingerprint: model.fingerprint(of: policy, version: services.configuration.version),
            delivery: wanted.delivery)
        head.promptTokenIDs = admitted.promptTokenIDs
        return try await ResponseStream(admitted, services: services, context: context)
            .response(TextCompletionEncoder(head), isStreaming: wanted.delivery.isStreaming)
    }
}
