import Engine
import Feedback
import Foundation
import Logging
import NIOCore
import Synchronization
import WireFormats

/// The services that all routes share.
struct Services: Sendable {
    let configuration: ServerConfiguration
    let keys: KeyStore
    let logger: Logger
    let state: ServerState
    let metrics = ServerMetrics()
    let routes = RouteTable()
    let connections: ConnectionCount
    /// The time at which the process began to serve.
    let started = Date()
    let limiter = RateLimiter()
    /// Threads that parse and tokenize large input.
    let workers = Workers()
    /// Memory for bodies.
    let bodies: ByteBudget
    let imageReader: ImageReader
    /// The folder that keeps what people say; nil: nothing is kept.
    let feedback: FeedbackFolder?
    /// Turns prompts of the queue into comparisons.
    let desk = RankingDesk()

    init(
        model: ServedModel?, keys: KeyStore, feedback: FeedbackFolder?, configuration: ServerConfiguration,
        logger: Logger
    ) {
        self.feedback = feedback
        self.configuration = configuration
        self.keys = keys
        self.logger = logger
        self.connections = ConnectionCount(configuration.connections)
        self.state = ServerState(model: model)
        bodies = ByteBudget(configuration.bodyMemory)
        imageReader = ImageReader(configuration: configuration, metrics: metrics, uploads: feedback?.uploads)
    }

    /// The model for new requests.
    func answering() throws(APIError) -> ServedModel {
        guard state.phase != .draining else { throw APIError(EngineFailure.stopped) }
        return try loaded()
    }

    /// The loaded model, even while new requests are refused.
    func loaded() throws(APIError) -> ServedModel {
        guard let model = state.model else {
            throw APIError(.notReady, "The server is loading its model.", status: 503, kind: .server)
        }
        return model
    }
}

/// The server's phase, its model, and the number of open requests.
final class ServerState: Sendable {
    enum Phase {
        /// The port is open; the model is not loaded yet.
        case loading
        case ready
        /// Load balancers see the server as not ready, but it still accepts requests.
        case leaving
        /// New requests are refused; running ones finish.
        case draining
    }

    private struct Value {
        var phase: Phase
        var model: ServedModel?
        var open = 0
        var whenIdle: [AsyncStream<Void>.Continuation] = []
    }

    private let value: Mutex<Value>

    init(model: ServedModel?) {
        value = Mutex(Value(phase: model == nil ? .loading : .ready, model: model))
    }

    var phase: Phase { value.withLock { $0.phase } }

    var model: ServedModel? { value.withLock { $0.model } }

    func enter(_ phase: Phase) {
        value.withLock { $0.phase = phase }
    }

    /// Answers with `model` from now on; false if the server was shut down during the loading.
    func loaded(_ model: ServedModel) -> Bool {
        value.withLock { value in
            guard value.phase == .loading else { return false }
            value.model = model
            value.phase = .ready
            return true
        }
    }

    /// Shuts down if no model is loaded yet; false if one is.
    func abandonLoading() -> Bool {
        value.withLock { value in
            guard value.model == nil else { return false }
            value.phase = .draining
            return true
        }
    }

    /// Counts a request as open until the result is released.
    func open() -> OpenRequest {
        value.withLock { $0.open += 1 }
        return OpenRequest { [self] in
            let waiting = value.withLock { value in
                value.open -= 1
                guard value.open == 0 else { return [AsyncStream<Void>.Continuation]() }
                defer { value.whenIdle = [] }
                return value.whenIdle
            }
            waiting.forEach { $0.finish() }
        }
    }

    /// Waits until no request is open.
    func idle() async {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        let isIdle = value.withLock { value in
            if value.open > 0 { value.whenIdle.append(continuation) }
            return value.open == 0
        }
        if isIdle { continuation.finish() }
        for await _ in stream {}
    }
}

/// One open request.
final class OpenRequest: Sendable {
    private let close: @Sendable () -> Void

    init(close: @escaping @Sendable () -> Void) {
        self.close = close
    }

    deinit {
        close()
    }
}

extension ServerContext {
    /// The handler that detects whether the caller is still connected.
    func monitor() async throws -> ConnectionMonitor {
        // A closed channel has no handlers.
        do { return try await channel.pipeline.handler(type: ConnectionMonitor.self).get() } catch {
            throw ClientClosed()
        }
    }
}
