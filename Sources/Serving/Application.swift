public import Engine
public import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// The server as an application that answers with `engine`, not running yet.
///
/// - Parameter processor: writes dialogues with the tokenizer of the engine's model.
public func buildApplication(
    engine: any Generating, catalog: PolicyCatalog, processor: InputProcessor, configuration: ServerConfiguration,
    logger: Logger
) -> some ApplicationProtocol {
    let services = Services(engine: engine, catalog: catalog, processor: processor, configuration: configuration)
    return application(services, logger: logger)
}

/// Runs the server until SIGTERM or SIGINT; then it stops being ready, takes requests for a while longer, refuses new
/// ones, and returns once the running ones are finished.
public func serve(
    engine: any Generating, catalog: PolicyCatalog, processor: InputProcessor, configuration: ServerConfiguration,
    logger: Logger
) async throws {
    let services = Services(engine: engine, catalog: catalog, processor: processor, configuration: configuration)
    // Services are shut down in reverse order, each when the one after it has returned.
    var group = ServiceGroupConfiguration(
        services: [application(services, logger: logger), DrainService(services: services)],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    group.maximumGracefulShutdownDuration = configuration.drainLag + configuration.drainLimit
    try await ServiceGroup(configuration: group).run()
}

/// Goes before the HTTP server's own shutdown: tells load balancers, and gives them time.
private struct DrainService: Service {
    let services: Services

    func run() async throws {
        try await gracefulShutdown()
        services.state.enter(.leaving)
        try await ContinuousClock().sleep(for: services.configuration.drainLag)
        services.state.enter(.draining)
    }
}

private func application(_ services: Services, logger: Logger) -> some ApplicationProtocol {
    let router = Router(context: ServerContext.self, options: [.autoGenerateHeadEndpoints])
    router.add(middleware: EdgeMiddleware(services: services))
    let controllers: [any Controller] = [
        HealthController(services: services), ModelsController(services: services), AskController(services: services),
        ChatController(services: services), CompletionsController(services: services),
        PageController(folder: services.configuration.publicFolder),
    ]
    for controller in controllers { controller.addRoutes(to: router) }
    let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: 32 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)
    return Application(
        router: router,
        server: .http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionMonitor()], idleTimeout: .seconds(60),
                httpDecoderConfiguration: decoder)),
        configuration: ApplicationConfiguration(
            address: .hostname(services.configuration.host, port: services.configuration.port), serverName: "apus"),
        logger: logger)
}

/// Some routes and what answers them.
protocol Controller: Sendable {
    func addRoutes(to router: Router<ServerContext>)
}
