import Hummingbird
import WireFormats

/// `GET /openapi.json`.
struct OpenAPIController: Controller {
    let services: Services

    func addRoutes(to routes: Routes) {
        routes.add(
            "/openapi.json", for: .everyone,
            get: { [services, table = routes.table] _, _ in
                let version = services.configuration.version
                let document = try await services.workers.run { _ in
                    try APIDescription(entries: table.entries, version: version).json()
                }
                return Response(document)
            })
    }
}
