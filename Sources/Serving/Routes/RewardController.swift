import Engine
import Hummingbird
import NIOCore
import Policies
import WireFormats

/// `POST /v1/reward`: the rewards of given answers.
struct RewardController: Controller {
    let services: Services

    static let path = "/v1/reward"

    func addRoutes(to routes: Routes) {
        routes.add(RouterPath(Self.path), for: .scope(.feedback), post: score)
    }

    @Sendable private func score(_ request: Request, context: ServerContext) async throws -> Response {
        try services.requireAnswering()
        let (wanted, memory) = try await request.read(["application/json"], services: services, context: context) {
            try RewardRequest(body: $0.bytes)
        }
        let model = try await services.model(for: wanted.model, context: context)
        let admission = Admission(services: services, model: model)
        let reward = try Self.rewardModel(wanted.model, in: admission.catalog)
        let (admitted, tokens) = try await admission.admit(wanted, by: reward, context: context)
        memory.giveBack()
        let rewards = try await services.completions(of: admitted, context: context).flatMap(\.scores)
        return Response(
            RewardRequest.response(
                model: wanted.model ?? reward.requestName, generation: reward.generation,
                rewards: Array(zip(rewards, tokens)), usage: admitted.usage))
    }

    /// The one reward model scores the answers of every policy, so both its own name and theirs select it.
    private static func rewardModel(_ name: String?, in catalog: PolicyCatalog) throws(APIError) -> Policy {
        guard let reward = catalog.reward else {
            throw APIError(
                .modelNotFound, "No reward model is loaded: there is no policy part reward.", param: "model",
                status: 404)
        }
        if let name, name != reward.requestName, catalog[name] == nil { throw .unknownModel(name) }
        return reward
    }
}
