import Engine
import Hummingbird
import Models
import WireFormats

/// The policies that can be asked.
struct ModelsController: Controller {
    let services: Services

    func addRoutes(to router: Router<ServerContext>) {
        router.addResource("/v1/models", .get) { _, _ in
            Response(ModelInfo.list(services.catalog.policies.map(info)))
        }
        router.addResource("/v1/models/{id}", .get) { _, context in
            let id = try context.parameters.require("id")
            guard let policy = services.catalog[id] else { throw APIError.unknownModel(id) }
            return Response(info(policy).json)
        }
    }

    private func info(_ policy: Policy) -> ModelInfo {
        let image = policy.vision.map { vision in
            ModelInfo.Image(
                viewSize: vision.processor.viewSize, tokensPerView: vision.encoder.configuration.tokensPerView,
                maxViews: vision.processor.maxViews)
        }
        let sampling = policy.sampling
        return ModelInfo(
            id: policy.name, created: policy.created, generation: policy.generation,
            contextLength: services.configuration.contextLength, image: image,
            defaults: [
                JSON.Member("temperature", JSON(Double(sampling.temperature))),
                JSON.Member("top_p", JSON(Double(sampling.topP))), JSON.Member("top_k", JSON(sampling.topK ?? 0)),
                JSON.Member("min_p", JSON(Double(sampling.minP))),
                JSON.Member("repetition_penalty", JSON(Double(sampling.repetitionPenalty))),
            ])
    }
}

extension APIError {
    /// There is no policy of that name.
    static func unknownModel(_ name: String) -> APIError {
        APIError(
            .modelNotFound, "The model \(name.prefix(100)) does not exist.", param: "model", status: 404)
    }
}
