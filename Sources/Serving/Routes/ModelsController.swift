import Engine
import Foundation
import Hummingbird
import Models
import Policies
import Support
import WireFormats

/// The policies that can answer.
struct ModelsController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add(
            "/v1/models", for: .anyKey,
            get: { _, _ in
                try services.requireLoaded()
                return Response(ModelInfo.list(services.models.policies))
            })
        routes.add(
            "/v1/models/{id}", for: .anyKey,
            get: { _, context in
                try services.requireLoaded()
                // The slash of MODEL/POLICY comes as %2F.
                let path = try context.parameters.require("id")
                let id = path.removingPercentEncoding ?? path
                guard let info = services.models.policy(id) else { throw APIError.unknownModel(id) }
                return Response(info.json)
            })
    }
}

extension ModelInfo {
    /// A policy of a model, as callers see it.
    ///
    /// - Parameter maximumTokens: the server's limit for answers whose request sets none.
    init(_ policy: Policy, of model: ServedModel, maximumTokens: Int) {
        let image = policy.vision.map { vision in
            Image(
                tileSize: vision.processor.tileSize, tokensPerTile: vision.encoder.configuration.positionsPerTile,
                maximumTiles: vision.processor.maximumTiles, readsText: vision.reader != nil)
        }
        func defaults(_ sampling: SamplingParameters) -> [JSON.Member] {
            [
                JSON.Member("temperature", JSON(Double(sampling.temperature))),
                JSON.Member("top_p", JSON(Double(sampling.topP))), JSON.Member("top_k", JSON(sampling.topK ?? 0)),
                JSON.Member("min_p", JSON(Double(sampling.minP))),
                JSON.Member("repetition_penalty", JSON(Double(sampling.repetitionPenalty))),
                JSON.Member("max_tokens", JSON(maximumTokens)),
            ]
        }
        self.init(
            id: policy.requestName, created: policy.created, generation: policy.generation, parent: policy.parent,
            contextLength: model.contextLength, image: image, takesMessages: model.processor.takesMessages(for: policy),
            defaults: defaults(policy.sampling), textDefaults: defaults(policy.textSampling),
            digests: policy.digests.map {
                .init(
                    adapter: $0.adapter, adapterConfiguration: $0.adapterConfiguration, vision: $0.vision,
                    backbone: $0.backbone)
            },
            lineage: policy.lineage.map {
                .init(
                    generations: $0.generations.mapValues { "\($0.name)@\($0.generation)" }, creator: $0.creator,
                    data: $0.data, metrics: $0.metrics)
            })
    }
}

extension APIError {
    /// The error for a name that no policy has.
    static func unknownModel(_ name: String) -> APIError {
        APIError(
            .modelNotFound, "The model \(name.prefix(100)) does not exist.", param: "model", status: 404)
    }
}
