import Engine
import Feedback
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import Policies
import Serving
import TestSupport
import Tokenizers

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A model that answers with `engine`.
func servedModel(_ engine: any InferenceEngine, policies: any PolicySource = ScriptedPolicies()) throws -> ServedModel {
    ServedModel(
        engine: engine, policies: try PolicyStore(policies),
        processor: InputProcessor(tokenizer: try TinyLlama.tokenizer()), contextLength: 1_024)
}

/// Runs a server on a separate port.
func withServer<Result>(
    _ engine: any InferenceEngine, policies: any PolicySource = ScriptedPolicies(), keys: KeyRing? = nil,
    feedback: FeedbackFolder? = nil, configure: (inout ServerConfiguration) -> Void = { _ in },
    logger: Logger = silent,
    _ test: @Sendable (any TestClientProtocol) async throws -> Result
) async throws -> Result {
    try await withServer(
        servedModel(engine, policies: policies), keys: keys, feedback: feedback, configure: configure, logger: logger,
        test)
}

/// Runs a server with the test's own model.
func withServer<Result>(
    _ model: ServedModel, keys: KeyRing? = nil, feedback: FeedbackFolder? = nil,
    configure: (inout ServerConfiguration) -> Void = { _ in }, logger: Logger = silent,
    _ test: @Sendable (any TestClientProtocol) async throws -> Result
) async throws -> Result {
    var configuration = ServerConfiguration()
    configuration.publicFolder = "/nonexistent"
    configure(&configuration)
    let application = try await buildApplication(
        models: [ModelSource { model }], keys: keys, feedback: feedback, configuration: configuration, logger: logger)
    return try await application.test(.live, test)
}

extension TestClientProtocol {
    /// Posts JSON.
    func post(_ path: String, _ json: String, headers: HTTPFields = [:]) async throws -> TestResponse {
        var headers = headers
        headers[.contentType] = "application/json"
        return try await execute(uri: path, method: .post, headers: headers, body: ByteBuffer(string: json))
    }
}

extension TestResponse {
    /// The body.
    var text: String { String(buffer: body) }

    /// The data lines of a stream.
    var frames: [String] {
        text.components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { frame in
            frame.hasPrefix("data: ") ? String(frame.dropFirst(6)) : frame
        }
    }
}

/// Sends bare JSON over a separate socket; the socket closes when `body` returns.
@discardableResult
func withSocket<Result: Sendable>(
    port: Int, post path: String, headers: [String] = [], _ json: String,
    _ body: (inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) async throws -> Result
) async throws -> Result {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(host: "localhost", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    let head =
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + headers.map { $0 + "\r\n" }.joined()
    return try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: "\(head)Content-Length: \(json.utf8.count)\r\n\r\n\(json)"))
        var iterator = inbound.makeAsyncIterator()
        return try await body(&iterator)
    }
}

/// Everything that the server sends on a separate connection until it closes.
func response(port: Int, to request: String) async throws -> String {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(host: "localhost", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        try await outbound.write(ByteBuffer(string: request))
        var received = ""
        for try await bytes in inbound { received += String(buffer: bytes) }
        return received
    }
}

/// Reads until `text` has arrived, and returns everything that was read.
@discardableResult
func read(
    _ text: String, from inbound: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
) async throws -> String {
    var received = ""
    while let bytes = try await inbound.next() {
        received += String(buffer: bytes)
        if received.contains(text) { return received }
    }
    throw ConnectionEnded(received: received)
}

/// The server closed the connection before it sent the text that a test waits for.
struct ConnectionEnded: Error {
    var received: String
}

extension HTTPField.Name {
    static let apusPolicy = named("apus-policy")
    static let xRequestID = named("x-request-id")
    static let xAPIKey = named("x-api-key")
    static let finishReason = named("apus-finish-reason")

    private static func named(_ text: String) -> Self {
        guard let name = Self(text) else { preconditionFailure("\(text) is no header name") }
        return name
    }
}
