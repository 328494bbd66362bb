import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Synchronization
import WireFormats

extension Request {
    /// The body of a request with one of the media types that the route takes.
    ///
    /// - Returns: the whole body, and the `Content-Type`.
    func content(
        _ mediaTypes: [String], configuration: ServerConfiguration, context: ServerContext
    ) async throws -> (bytes: [UInt8], contentType: String) {
        if headers[.contentEncoding] != nil {
            throw APIError(
                .unsupportedMediaType, "Content-Encoding is not supported.", status: 415)
        }
        let contentType = headers[.contentType] ?? ""
        let essence = contentType.prefix { $0 != ";" && $0 != " " }.lowercased()
        guard mediaTypes.contains(essence) else {
            throw APIError(
                .unsupportedMediaType, "Content-Type must be \(mediaTypes.joined(separator: " or ")).", status: 415)
        }
        let limit = configuration.maximumBodyBytes
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw APIError(
                .requestTooLarge, "The body has \(length) bytes, more than \(limit).", status: 413)
        }
        if headers[.expect]?.lowercased() == "100-continue" { try await context.inviteBody() }
        return (try await body.collect(limit: limit, pace: configuration.bodyPace), contentType)
    }
}

/// How fast a body must come.
public struct BodyPace: Sendable {
    /// All of it.
    public var limit = Duration.seconds(60)
    /// From then on it must have come at `bytesPerSecond`.
    public var grace = Duration.seconds(5)
    /// The least speed after the grace.
    public var bytesPerSecond = 1_024

    /// The defaults.
    public init() {}

    /// How long after its beginning the body is too slow if no more than `count` bytes have come.
    func patience(after count: Int) -> Duration {
        min(limit, grace + .seconds(Double(count) / Double(max(bytesPerSecond, 1))))
    }
}

extension RequestBody {
    /// All bytes, if they are few enough and come fast enough. Only a deadline that moves less with each byte than the
    /// clock does stops a sender that drips.
    fileprivate func collect(limit: Int, pace: BodyPace) async throws -> [UInt8] {
        let began = ContinuousClock.now
        let received = ByteCount()
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                for try await chunk in self {
                    guard bytes.count + chunk.readableBytes <= limit else {
                        throw APIError(.requestTooLarge, "The body has more than \(limit) bytes.", status: 413)
                    }
                    bytes.append(contentsOf: chunk.readableBytesView)
                    received.value.store(bytes.count, ordering: .relaxed)
                }
                return bytes
            }
            group.addTask {
                while true {
                    let due = began + pace.patience(after: received.value.load(ordering: .relaxed))
                    guard due > .now else {
                        throw APIError(.requestTimeout, "The body came too slowly.", status: 408, kind: .timeout)
                    }
                    try await ContinuousClock().sleep(until: due)
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }
}

/// Bytes that have come so far.
private final class ByteCount: Sendable {
    let value = Atomic(0)
}

extension ServerContext {
    /// Tells a client that waits for it to send the body.
    ///
    /// The channel's HTTP encoder takes one head a response, so the line is written past it.
    fileprivate func inviteBody() async throws {
        let channel = channel
        try await channel.eventLoop.submit {
            let encoder = try channel.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            encoder.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }.get()
    }
}
