import Engine
import Hummingbird
import Policies
import WireFormats

/// What operators ask of a running server. All of it needs a key of the scope `admin`.
struct AdminController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add("/v1/admin/policies", for: .scope(.admin), get: list, post: publish)
        routes.add("/v1/admin/reload", for: .scope(.admin), post: reload)
    }

    @Sendable private func list(_ request: Request, context: ServerContext) async throws -> Response {
        let policies = try services.loaded().policies
        let serving = policies.catalog.generations
        let known = try policies.generations()
        let data = Set(known.keys).union(serving.keys).sorted().map { name -> JSON in
            [
                "object": "policy", "name": .string(name), "generation": JSON(serving[name]),
                "generations": .array((known[name] ?? []).map { .integer(Int64($0)) }),
            ]
        }
        return Response(["object": "list", "data": .array(data), "has_more": false])
    }

    @Sendable private func publish(_ request: Request, context: ServerContext) async throws -> Response {
        let wanted = try await request.read(["application/json"], services: services, context: context) {
            try PolicyPublication(body: $0.bytes)
        }.value
        let change = try await Administration(services: services, caller: Caller(context))
            .publish(wanted.name, generation: wanted.generation)
        return Response(change.json)
    }

    @Sendable private func reload(_ request: Request, context: ServerContext) async throws -> Response {
        let (keys, changes) = try await Administration(services: services, caller: Caller(context)).reload()
        return Response(["object": "reload", "keys": JSON(keys), "policies": .array(changes.map(\.json))])
    }
}

extension PolicyChange {
    fileprivate var json: JSON {
        [
            "object": "policy", "name": .string(name), "generation": JSON(generation), "previous": JSON(previous),
        ]
    }
}
