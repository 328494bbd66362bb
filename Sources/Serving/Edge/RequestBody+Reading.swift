import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import WireFormats

extension Request {
    /// The result of `parse` for the body of a request, which must have one of the route's media types.
    ///
    /// - Returns: also the memory of the body, which is held until the body has become an engine request.
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

/// A request's complete body.
struct Body: Sendable {
    let bytes: [UInt8]
    let contentType: String
}

extension ByteBudget {
    /// Memory for a body. It is charged as the bytes arrive, so that an announced length alone costs nothing. A length
    /// that cannot fit is refused before the body is sent.
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
    /// The error for a body without memory.
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
    /// All bytes, within the limit; `RequestGuard` ends the body if it does not arrive in time.
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
    /// Tells a client that waits for 100 Continue to send the body.
    ///
    /// The channel's HTTP encoder accepts one head per response, so this line bypasses it.
    fileprivate func inviteBody() async throws {
        let channel = channel
        do {
            try await channel.eventLoop.submit {
                let encoder = try channel.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
                encoder.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
            }.get()
        } catch {
            // A closed channel has no handlers.
            throw ClientClosed()
        }
    }
}
