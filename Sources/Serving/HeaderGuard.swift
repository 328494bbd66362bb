import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import WireFormats

/// Refuses requests whose headers are too slow, too large or malformed: no route ever sees them.
final class HeaderGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limit: TimeAmount
    private let metrics: Metrics
    /// Requests whose response is not written yet.
    private var open = 0
    /// Whether a request's body is still being read.
    private var isReading = false
    private var sawPart = false
    private var deadline: Scheduled<Void>?
    private var hasRefused = false

    init(limit: Duration, metrics: Metrics) {
        self.limit = TimeAmount(limit)
        self.metrics = metrics
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        sawPart = true
        switch unwrapInboundIn(data) {
        case .head:
            open += 1
            isReading = true
            deadline?.cancel()
            deadline = nil
        case .body: break
        case .end: isReading = false
        }
        context.fireChannelRead(data)
    }

    /// Bytes came, but no part: these are the first ones of a head.
    func channelReadComplete(context: ChannelHandlerContext) {
        if !sawPart, !isReading, open == 0, deadline == nil {
            deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
                let milliseconds = self.limit.nanoseconds / 1_000_000
                self.refuse(
                    APIError(
                        .requestTimeout, "The headers did not come within \(milliseconds) ms.", status: 408,
                        kind: .timeout), context: context)
            }
        }
        sawPart = false
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { open -= 1 }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, open == 0 else { return context.fireErrorCaught(error) }
        refuse(
            error == .headerOverflow
                ? APIError(.headersTooLarge, "Request line and headers may have 32 KiB, 100 headers.", status: 431)
                : APIError(.invalidValue, "This is not HTTP/1.1."), context: context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    private func refuse(_ error: APIError, context: ChannelHandlerContext) {
        guard !hasRefused else { return }
        hasRefused = true
        deadline = nil
        let id = newID("req_")
        let body = ByteBuffer(string: error.json.text)
        var head = HTTPResponse(
            status: HTTPResponse.Status(code: error.status),
            headerFields: [
                .contentType: "application/json", .contentLength: "\(body.readableBytes)", .connection: "close",
                .server: "apus",
            ])
        head.headerFields[HTTPField.Name.requestID] = id
        head.headerFields[HTTPField.Name.plainRequestID] = id
        metrics.add(.responses, [("route", "unmatched"), ("method", ""), ("status", "\(error.status)")])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.channel.closeGently()
    }
}

extension Channel {
    /// Ends a connection whose client may still be sending: closing at once could lose the response on its way, so what
    /// comes is read and dropped for a moment.
    func closeGently() {
        close(mode: .output, promise: nil)
        eventLoop.scheduleTask(in: .seconds(2)) { self.close(promise: nil) }
    }
}
