import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// A connection: Hummingbird's, with handlers of ours that see HTTP/1 as it came, version and framing included.
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
