import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
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
        return (try await body.collect(limit: limit), contentType)
    }
}

extension RequestBody {
    /// All bytes, if they are few enough; `RequestGuard` ends the body if it does not come in time.
    fileprivate func collect(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.readableBytes <= limit else {
                throw APIError(.requestTooLarge, "The body has more than \(limit) bytes.", status: 413)
            }
            bytes.append(contentsOf: chunk.readableBytesView)
        }
        return bytes
    }
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
