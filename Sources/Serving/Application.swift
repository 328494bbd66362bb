import Engine
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore

/// The server as an application, not running yet. It answers with `model`; without one it is as while it loads.
public func buildApplication(
    model: ServedModel?, keys: KeyRing? = nil, configuration: ServerConfiguration, logger: Logger
) -> some ApplicationProtocol {
    let services = Services(
        model: model, keys: KeyStore(keys, path: configuration.keyFile), configuration: configuration, logger: logger)
    return application(services)
}

/// The application of `services`; `onRunning` is called with the port once it is bound.
func application(
    _ services: Services, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
) -> some ApplicationProtocol {
    let router = Router(context: ServerContext.self, options: [.autoGenerateHeadEndpoints])
    let origins = OriginRules(configuration: services.configuration)
    // The first one is the outermost.
    router.add(middleware: RequestIDMiddleware())
    router.add(middleware: RequestLogMiddleware(services: services))
    router.add(middleware: CORSHeadersMiddleware(rules: origins))
    router.add(middleware: ErrorMiddleware(metrics: services.metrics))
    router.add(middleware: HostMiddleware(configuration: services.configuration))
    router.add(middleware: OriginMiddleware(rules: origins))
    let controllers: [any Controller] = [
        HealthController(services: services), ModelsController(services: services), AskController(services: services),
        ChatController(services: services), CompletionsController(services: services),
        RewardController(services: services), AdminController(services: services),
        PageController(folder: services.configuration.publicFolder),
    ]
    let routes = Routes(router: router, services: services)
    for controller in controllers { controller.addRoutes(to: routes) }
    let configuration = services.configuration
    return Application(
        router: router, server: HTTPServerBuilder { ServerChannel(services, responder: $0) },
        configuration: ApplicationConfiguration(
            address: .hostname(configuration.host, port: configuration.port), serverName: "apus"),
        onServerRunning: { await onRunning($0.localAddress?.port ?? configuration.port) }, logger: services.logger)
}
