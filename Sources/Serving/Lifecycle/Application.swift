import Engine
package import Feedback
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The server as an application, not running yet, with its models loaded. Without models it behaves as during loading.
///
/// - Parameter feedback: the folder that keeps what people say; nil: nothing is kept.
package func buildApplication(
    models: [ModelSource], keys: KeyRing? = nil, feedback: FeedbackFolder? = nil, configuration: ServerConfiguration,
    logger: Logger
) async throws -> some ApplicationProtocol {
    let services = Services(
        models: models, keys: KeyStore(keys, path: configuration.keyFile), feedback: feedback,
        configuration: configuration, logger: logger)
    if !models.isEmpty { _ = try await services.load() }
    return application(services)
}

/// The application for metrics and probes on a port of their own, not running yet.
package func buildMetricsApplication(
    models: [ModelSource], configuration: ServerConfiguration, logger: Logger
) async throws -> some ApplicationProtocol {
    let services = Services(
        models: models, keys: KeyStore(nil, path: nil), feedback: nil, configuration: configuration, logger: logger)
    if !models.isEmpty { _ = try await services.load() }
    return metricsApplication(services, port: configuration.port)
}

/// The application of `services`; it calls `onRunning` with the port once the port is bound.
func application(
    _ services: Services, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
) -> Application<RouterResponder<ServerContext>> {
    let configuration = services.configuration
    return application(
        services,
        [
            HealthController(services: services, hasMetrics: configuration.metricsPort == nil),
            ModelsController(services: services), AskController(services: services),
            ChatController(services: services), CompletionsController(services: services),
            ResponsesController(services: services), MessagesController(services: services),
            EmbeddingsController(services: services), DecisionsController(services: services),
            TokensController(services: services), FilesController(services: services),
            RewardController(services: services), ComparisonsController(services: services),
            FeedbackController(services: services), AdminController(services: services),
            OpenAPIController(services: services), PageController(folder: configuration.publicFolder),
        ], in: services.routes, port: configuration.port, connections: services.connections, onRunning: onRunning)
}

/// Metrics and probes on a port of their own, which need not be open to callers. The port counts its connections
/// separately.
func metricsApplication(_ services: Services, port: Int) -> Application<RouterResponder<ServerContext>> {
    application(
        services, [HealthController(services: services, hasMetrics: true)], in: RouteTable(), port: port,
        connections: ConnectionCount(services.configuration.connections), onRunning: { _ in })
}

private func application(
    _ services: Services, _ controllers: [any Controller], in table: RouteTable, port: Int,
    connections: ConnectionCount,
    onRunning: @escaping @Sendable (Int) async -> Void
) -> Application<RouterResponder<ServerContext>> {
    let router = Router(context: ServerContext.self, options: [.autoGenerateHeadEndpoints])
    let origins = OriginRules(configuration: services.configuration)
    // The first middleware is the outermost one.
    router.add(middleware: RequestIDMiddleware())
    router.add(middleware: RequestLogMiddleware(services: services, routes: table))
    router.add(middleware: CORSHeadersMiddleware(rules: origins))
    router.add(middleware: ErrorMiddleware(routes: table, metrics: services.metrics))
    router.add(middleware: HostMiddleware(configuration: services.configuration))
    router.add(middleware: OriginMiddleware(rules: origins))
    let routes = Routes(router: router, table: table, services: services)
    for controller in controllers { controller.addRoutes(to: routes) }
    services.declareSeries()
    return Application(
        router: router,
        server: HTTPServerBuilder { ServerChannel(services, routes: table, connections: connections, responder: $0) },
        configuration: ApplicationConfiguration(
            address: .hostname(services.configuration.host, port: port), serverName: "apus"),
        onServerRunning: { await onRunning($0.localAddress?.port ?? port) }, logger: services.logger)
}

/// A connection: Hummingbird's, with additional handlers that see HTTP/1 as received, with version and framing.
///
/// In this order: `ConnectionLimit`, `RequestLine`, the parser, `RequestGuard`, `ConnectionPersistence`,
/// `ConnectionMonitor`.
struct ServerChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let channel: HTTP1Channel
    private let services: Services
    private let routes: RouteTable
    private let connections: ConnectionCount

    init(
        _ services: Services, routes: RouteTable, connections: ConnectionCount,
        responder: @escaping HTTPChannelHandler.Responder
    ) {
        self.services = services
        self.routes = routes
        self.connections = connections
        let stallLimit = services.configuration.stallLimit
        channel = HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [ConnectionMonitor(stallLimit: stallLimit)], idleTimeout: .seconds(60),
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: 32 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        self.channel.setup(channel: channel, logger: logger).flatMapThrowing { [services, routes, connections] value in
            let pipeline = channel.pipeline.syncOperations
            let line = RequestLine()
            try pipeline.addHandlers(
                [ConnectionLimit(connections, metrics: services.metrics), line], position: .first)
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandlers(
                [
                    RequestGuard(
                        configuration: services.configuration, routes: routes, metrics: services.metrics, line: line),
                    ConnectionPersistence(),
                ], position: .before(codec))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await channel.handle(value: value, logger: logger)
    }
}
