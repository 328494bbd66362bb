import Engine
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/responses`. Nothing is stored, so no response can be fetched later.
struct ResponsesController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/responses", for: .scope(.ask), post: answer)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try ResponsesRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let admitted = try await admission.admit(
            wanted.messages, options: wanted.options, policy: policy, param: "input", context: context)
        memory.giveBack()
        let head = ResponseHead(
            id: newID("resp_"), created: unixTime(), model: wanted.model, echo: wanted.echo, makeID: newID,
            now: unixTime)
        return try await ResponseStream(admitted, services: services, context: context)
            .response(ResponsesEncoder(head), isStreaming: wanted.isStreaming)
    }
}
