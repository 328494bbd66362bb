import HTTPTypes
import NIOCore
import NIOHTTP1
import Support
import WireFormats

/// Refuses requests that are too slow, too large or malformed, before they reach a route. If this is noticed while a
/// route reads the body, the route gets an error.
///
/// Deadlines are absolute: a deadline that moves with each byte would not stop a client that sends a byte now and then.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let headerLimit: Duration
    private let bodyLimit: Duration
    private let routes: RouteTable
    private let metrics: ServerMetrics
    private let line: RequestLine
    /// Requests whose response has not been written yet.
    private var open = 0
    private var isReadingBody = false
    private var sawPart = false
    private var deadline: Scheduled<Void>?
    /// Set when reading stops; it is written after the responses to earlier requests.
    private var refusal: APIError?
    /// The path of the refused request, where it is known.
    private var refusedPath: String?
    /// The methods that the refusal lists as allowed.
    private var allowed: String?

    init(configuration: ServerConfiguration, routes: RouteTable, metrics: ServerMetrics, line: RequestLine) {
        headerLimit = configuration.headerLimit
        bodyLimit = configuration.bodyLimit
        self.routes = routes
        self.metrics = metrics
        self.line = line
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        sawPart = true
        guard refusal == nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            stopWaiting()
            if let error = Self.mistake(in: head) { return refuse(error, context: context) }
            open += 1
            isReadingBody = true
            line.isBetweenRequests = false
        case .body: break
        case .end:
            stopWaiting()
            isReadingBody = false
            line.isBetweenRequests = true
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        defer { sawPart = false }
        if deadline == nil, refusal == nil {
            if isReadingBody {
                wait(bodyLimit, context) { $0.fireErrorCaught(BodyTooSlow(limit: self.bodyLimit)) }
            } else if !sawPart, open == 0 {
                // Bytes arrived, but no complete message: these are the first bytes of a head.
                wait(headerLimit, context) { context in
                    let message = "The headers did not come within \(self.headerLimit.wholeMilliseconds) ms."
                    self.refuse(APIError(.requestTimeout, message, status: 408, kind: .timeout), context: context)
                }
            }
        }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        guard isEnd else { return }
        open -= 1
        if open == 0, let refusal { write(refusal, context: context) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.invalidEOFState: leave(context: context)
        case is IOError where isReadingBody: leave(context: context)
        case let error as HTTPParserError where isReadingBody:
            stopWaiting()
            context.fireErrorCaught(BrokenBody(reason: "\(error)"))
        case HTTPParserError.invalidMethod where open == 0, HTTPParserError.invalidConstant where open == 0:
            refuseMethod(context: context)
        case let error as HTTPParserError: refuse(Self.refusal(of: error), context: context)
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { leave(context: context) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave(context: context)
        context.fireChannelInactive()
    }

    /// The client has disconnected: a route that reads its body must not mistake the beginning of the body for all of
    /// it.
    private func leave(context: ChannelHandlerContext) {
        stopWaiting()
        if isReadingBody { context.fireErrorCaught(ClientClosed()) }
        isReadingBody = false
    }

    private func wait(
        _ limit: Duration, _ context: ChannelHandlerContext, then act: @escaping (ChannelHandlerContext) -> Void
    ) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limit)) {
            self.deadline = nil
            act(context)
        }
    }

    private func stopWaiting() {
        deadline?.cancel()
        deadline = nil
    }

    /// The parser does not know the method, or only from RTSP, so no route gets the request.
    private func refuseMethod(context: ChannelHandlerContext) {
        guard let path = line.path else { return refuse(Self.refusal(of: .invalidMethod), context: context) }
        refusedPath = path
        allowed = routes.entry(at: path)?.allowed
        refuse(allowed.map { .methodNotAllowed($0) } ?? .noSuchRoute, context: context)
    }

    private func refuse(_ error: APIError, context: ChannelHandlerContext) {
        guard refusal == nil else { return }
        stopWaiting()
        refusal = error
        if open == 0 { write(error, context: context) }
    }

    private func write(_ error: APIError, context: ChannelHandlerContext) {
        let id = newID("req_")
        let format = ErrorFormat(path: refusedPath ?? "", requestID: id)
        let body = ByteBuffer(string: format.json(of: error).text)
        var head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: error.status),
            headers: [
                "Content-Type": "application/json", "Content-Length": "\(body.readableBytes)", "Connection": "close",
                "Server": "apus", "x-request-id": id, "request-id": id,
            ])
        if let allowed { head.headers.add(name: "Allow", value: allowed) }
        metrics.add(.responses, [("route", "unmatched"), ("method", ""), ("status", "\(error.status)")])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        context.channel.closeGently()
    }
}

extension RequestGuard {
    /// A violation of RFC 9112 that the parser accepts.
    private static func mistake(in head: HTTPRequestHead) -> APIError? {
        let hosts = head.headers["host"]
        guard head.version.major == 1 else { return APIError(.invalidValue, "This is not HTTP/1.1.") }
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http1_0 else {
            return APIError(.invalidValue, "HTTP/1.1 requests have one Host header; this one has \(hosts.count).")
        }
        let codings = head.headers["transfer-encoding"]
        guard !codings.isEmpty else { return nil }
        guard head.version != .http1_0 else {
            return APIError(.invalidValue, "HTTP/1.0 knows no Transfer-Encoding; send a Content-Length.")
        }
        guard codings.count == 1, codings[0].lowercased() == "chunked" else {
            return APIError(
                .unsupportedValue, "The only Transfer-Encoding that is supported is chunked.", status: 501,
                kind: .server)
        }
        return nil
    }

    private static func refusal(of error: HTTPParserError) -> APIError {
        switch error {
        case .headerOverflow:
            APIError(.headersTooLarge, "Request line and headers may have 32 KiB, 100 headers.", status: 431)
        default: APIError(.invalidValue, "This is not HTTP/1.1: \(error).")
        }
    }
}

/// The body did not arrive in time.
struct BodyTooSlow: Error {
    let limit: Duration
}

/// The body violates the rules of its framing.
struct BrokenBody: Error {
    let reason: String
}

/// Remembers the last bytes between two requests. With them, a request whose method the parser does not know can be
/// answered by its path like any other.
final class RequestLine: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var latest: ByteBuffer?
    /// False while a request is read, so that its bytes are not stored twice.
    var isBetweenRequests = true {
        didSet { latest = nil }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isBetweenRequests { latest = unwrapInboundIn(data) }
        context.fireChannelRead(data)
    }

    /// The path, if the last bytes begin with a well-formed request line.
    var path: String? {
        guard let bytes = latest?.readableBytesView.prefix(32 << 10) else { return nil }
        let line = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), words[1].hasPrefix("/"), Self.isToken(words[0])
        else { return nil }
        return String(words[1].prefix { $0 != "?" })
    }

    private static func isToken(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
    }
}
