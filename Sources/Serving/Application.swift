import Engine
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTPTypes

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
    router.add(middleware: EdgeMiddleware(services: services))
    let controllers: [any Controller] = [
        HealthController(services: services), ModelsController(services: services), AskController(services: services),
        ChatController(services: services), CompletionsController(services: services),
        RewardController(services: services), AdminController(services: services),
        PageController(folder: services.configuration.publicFolder),
    ]
    let routes = Routes(router: router, services: services)
    for controller in controllers { controller.addRoutes(to: routes) }
    let configuration = services.configuration
    let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: 32 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)
    return Application(
        router: router,
        server: .http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    HeaderGuard(limit: configuration.headerLimit, metrics: services.metrics),
                    ConnectionMonitor(stallLimit: configuration.stallLimit),
                ], idleTimeout: .seconds(60), httpDecoderConfiguration: decoder)),
        configuration: ApplicationConfiguration(
            address: .hostname(configuration.host, port: configuration.port), serverName: "apus"),
        onServerRunning: { await onRunning($0.localAddress?.port ?? configuration.port) }, logger: services.logger)
}
