import Engine
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/chat/completions`.
struct ChatController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/chat/completions", for: .scope(.ask), post: answer)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try ChatCompletionRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let admitted = try await admission.admit(
            wanted.messages, options: wanted.options, policy: policy, param: "messages", context: context)
        memory.giveBack()
        var head = CompletionHead(
            id: newID("chatcmpl-"), created: unixTime(), model: wanted.model,
            fingerprint: model.fingerprint(of: policy, version: services.configuration.version),
            delivery: wanted.delivery)
        head.promptTokenIDs = admitted.promptTokenIDs
        return try await ResponseStream(admitted, services: services, context: context)
            .response(ChatCompletionEncoder(head), isStreaming: wanted.delivery.isStreaming)
    }
}
