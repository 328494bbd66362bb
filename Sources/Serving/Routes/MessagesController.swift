import Engine
import Hummingbird
import NIOCore
import Policies
import Support
import WireFormats

/// `POST /v1/messages` and `/v1/messages/count_tokens`, in Anthropic's format.
struct MessagesController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/messages", for: .scope(.ask), post: answer)
        routes.add("/v1/messages/count_tokens", for: .scope(.ask), post: count)
    }

    @Sendable private func answer(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try MessagesRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let policy = try admission.policy(wanted.model)
        let admitted = try await admission.admit(
            wanted.messages, options: wanted.options, policy: policy, param: "messages", continuesLast: true,
            context: context)
        memory.giveBack()
        let encoder = MessagesEncoder(
            id: newID("msg_"), model: wanted.model, maximumTokens: wanted.options.maximumTokens ?? .max,
            requestID: context.record.current.id)
        return try await ResponseStream(admitted, services: services, context: context)
            .response(encoder, isStreaming: wanted.isStreaming)
    }

    @Sendable private func count(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try MessagesRequest(body: $0.bytes, for: .count)
        }
        defer { memory.giveBack() }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let prompt = try await admission.prompt(
            of: wanted.messages, tools: wanted.options.tools, policy: try admission.policy(wanted.model),
            param: "messages", continuesLast: true, context: context)
        return Response(["input_tokens": .integer(Int64(prompt.prompt.count))])
    }
}
