import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import WireFormats

extension Request {
    /// What `parse` makes of the body of a request with one of the media types that the route takes.
    ///
    /// - Returns: also the memory that the request takes, until it has become one for the engine.
    func read<Value: Sendable>(
        _ mediaTypes: [String], services: Services, context: ServerContext,
        _ parse: @escaping @Sendable (Body) throws -> Value
    ) async throws -> (value: Value, memory: ByteShare) {
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
        let limit = services.configuration.maximumBodyBytes
        let length = max(0, headers[.contentLength].flatMap { Int($0) } ?? 0)
        guard length <= limit else {
            throw APIError(
                .requestTooLarge, "The body has \(length) bytes, more than \(limit).", status: 413)
        }
        let memory = try services.bodies.share(announced: length)
        if headers[.expect]?.lowercased() == "100-continue" { try await context.inviteBody() }
        let content = Body(bytes: try await body.collect(limit: limit, memory: memory), contentType: contentType)
        let value = try await services.workers.run(on: content.bytes.count) { try parse(content) }
        return (value, memory)
    }
}

/// A request's whole body.
struct Body: Sendable {
    let bytes: [UInt8]
    let contentType: String
}

extension ByteBudget {
    /// Memory for a body. It is charged as it comes, so that what is only announced costs nothing; but what cannot fit
    /// is refused before it is sent.
    fileprivate func share(announced length: Int) throws(APIError) -> ByteShare {
        do {
            try takeNow(length).giveBack()
            return try takeNow(0)
        } catch {
            throw APIError(error)
        }
    }
}

extension APIError {
    /// There is no memory for a body.
    fileprivate init(_ refusal: ByteBudget.Refusal) {
        switch refusal {
        case .neverFits(let limit):
            self.init(.requestTooLarge, "The body has more than \(limit) bytes.", status: 413)
        case .full(let limit):
            self.init(
                .queueFull, "Bodies of other requests take all of the \(limit) bytes that there are for them.",
                status: 429, kind: .rateLimit)
        }
    }
}

extension RequestBody {
    /// All bytes, if they are few enough; `RequestGuard` ends the body if it does not come in time.
    fileprivate func collect(limit: Int, memory: ByteShare) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.readableBytes <= limit else {
                throw APIError(.requestTooLarge, "The body has more than \(limit) bytes.", status: 413)
            }
            do throws(ByteBudget.Refusal) {
                try memory.grow(to: bytes.count + chunk.readableBytes)
            } catch {
                throw APIError(error)
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
        do {
            try await channel.eventLoop.submit {
                let encoder = try channel.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
                encoder.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
            }.get()
        } catch {
            // A closed channel has no handlers any more.
            throw ClientClosed()
        }
    }
}
