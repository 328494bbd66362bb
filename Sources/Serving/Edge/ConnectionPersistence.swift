import NIOCore
import NIOHTTP1

/// Decides when a connection ends: after a response, if either side asks for it, if the client uses HTTP/1.0, or if the
/// request's body was not read to its end.
///
/// HTTP/1.0 has no chunks: a body without a length ends with the connection.
final class ConnectionPersistence: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The versions of the requests without a response.
    private var versions: [HTTPVersion] = []
    /// Whether the body of the newest of these requests is still being received.
    private var isReadingBody = false
    /// Whether the newest request is the last one of the connection.
    private var isLastRequest = false
    /// Whether the current response is the last one.
    private var isLastResponse = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            guard !isLastRequest else { return }
            versions.append(head.version)
            isReadingBody = true
            isLastRequest = head.version == .http1_0 || head.headers.saysClose
            if head.version == .http1_0 { head.headers.remove(name: "expect") }
            if isLastRequest { head.headers.replaceOrAdd(name: "connection", value: "close") }
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body:
            if isReadingBody { context.fireChannelRead(data) }
        case .end:
            guard isReadingBody else { return }
            isReadingBody = false
            context.fireChannelRead(data)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // The client has disconnected before its answer: nothing is sent.
            guard head.status.code != 499 else {
                context.close(promise: nil)
                promise?.fail(ChannelError.ioOnClosedChannel)
                return
            }
            let isUnread = isReadingBody && versions.count == 1
            isLastResponse =
                isUnread || versions.count == 1 && isLastRequest || head.headers.saysClose
            if let version = versions.first { head.version = version }
            if isLastResponse { head.headers.replaceOrAdd(name: "connection", value: "close") }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            versions = Array(versions.dropFirst())
            guard isLastResponse else {
                context.write(data, promise: promise)
                return
            }
            isLastRequest = true
            isReadingBody = false
            // The connection ends only once the last byte is with the system: a slow client may take its time.
            let written = promise ?? context.eventLoop.makePromise()
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.closeGently() }
            context.writeAndFlush(data, promise: written)
        }
    }
}

extension HTTPHeaders {
    fileprivate var saysClose: Bool { self[canonicalForm: "connection"].contains { $0.lowercased() == "close" } }
}

extension Channel {
    /// Ends a connection whose client may still be sending. Closing at once could lose the response in transit, so
    /// incoming bytes are read and dropped for a moment.
    func closeGently() {
        close(mode: .output, promise: nil)
        eventLoop.scheduleTask(in: .seconds(2)) { self.close(promise: nil) }
    }
}
