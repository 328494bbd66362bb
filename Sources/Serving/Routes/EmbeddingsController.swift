import Engine
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/embeddings`: the means of last hidden states, of length 1.
struct EmbeddingsController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/embeddings", for: .scope(.ask), post: embed)
    }

    @Sendable private func embed(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try EmbeddingsRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let admitted = try await admission.admit(
            wanted, policy: try admission.policy(wanted.model), context: context)
        memory.giveBack()
        let vectors = try await services.completions(of: admitted, context: context).map(\.embedding)
        if let dimensions = wanted.dimensions, let size = vectors.first?.count, dimensions != size {
            throw APIError(
                .unsupportedValue, "dimensions is \(dimensions), but this model's vectors have \(size).",
                param: "dimensions")
        }
        return try await services.workers.run(on: 4 * vectors.reduce(0) { $0 + $1.count }) {
            Response(wanted.response(vectors, promptTokens: admitted.usage.promptTokens))
        }
    }
}
