import Engine
import Feedback
import Foundation
import Logging
import NIOCore
import Policies
import Synchronization
import WireFormats

/// The services that all routes share.
struct Services: Sendable {
    let configuration: ServerConfiguration
    let keys: KeyStore
    let logger: Logger
    let state = ServerState()
    let models: ModelPool
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
        models: [ModelSource], keys: KeyStore, feedback: FeedbackFolder?, configuration: ServerConfiguration,
        logger: Logger
    ) {
        self.models = ModelPool(models, limit: configuration.modelMemory) { model in
            model.policies.catalog.policies.map {
                ModelInfo($0, of: model, maximumTokens: configuration.maximumTokens)
            }
        }
        self.feedback = feedback
        self.configuration = configuration
        self.keys = keys
        self.logger = logger
        self.connections = ConnectionCount(configuration.connections)
        bodies = ByteBudget(configuration.bodyMemory)
        imageReader = ImageReader(configuration: configuration, metrics: metrics, uploads: feedback?.uploads)
    }

    /// Loads every model, so that a damaged one is found before requests come. The first model comes last: where memory
    /// does not suffice for all, it stays loaded. False if the server was shut down meanwhile.
    func load() async throws -> Bool {
        do {
            for model in models.status.reversed() { try await models.load(model.name) }
        } catch ModelPoolError.closed {
            return false
        }
        guard state.loaded() else { return false }
        declareSeries()
        return true
    }

    /// Throws while new requests are refused: during the first loading, and while the server ends.
    func requireAnswering() throws(APIError) {
        guard state.phase != .draining else { throw APIError(EngineFailure.stopped) }
        try requireLoaded()
    }

    /// Throws during the first loading.
    func requireLoaded() throws(APIError) {
        guard state.phase == .loading else { return }
        throw APIError(.notReady, "The server is loading its model.", status: 503, kind: .server)
    }

    /// The model of the policy that a request names, loaded if it sleeps, and kept loaded while the result lives.
    ///
    /// - Parameter context: the caller, whose disconnecting ends the waiting; nil for the server's own work.
    func model(for name: String?, context: ServerContext?) async throws -> ServedModel {
        try requireAnswering()
        do {
            guard let context, models.loaded(for: name) == nil else { return try await models.lease(for: name) }
            return try await whileConnected(context.monitor()) { [models] in try await models.lease(for: name) }
        } catch let error as ModelPoolError {
            throw APIError(error)
        } catch  where !(error is ClientClosed || error is CancellationError) {
            logger.error("model.failed", metadata: ["model": "\(name ?? "")", "error": "\(error)"])
            throw APIError(
                .notReady, "The model cannot be loaded; the server's log says why.", param: "model", status: 503,
                kind: .server)
        }
    }
}

/// The server's phase and the number of open requests.
final class ServerState: Sendable {
    enum Phase {
        /// The port is open; the models were not loaded yet.
        case loading
        case ready
        /// Load balancers see the server as not ready, but it still accepts requests.
        case leaving
        /// New requests are refused; running ones finish.
        case draining
    }

    private struct Value {
        var phase = Phase.loading
        var open = 0
        var whenIdle: [AsyncStream<Void>.Continuation] = []
    }

    private let value = Mutex(Value())

    var phase: Phase { value.withLock { $0.phase } }

    func enter(_ phase: Phase) {
        value.withLock { $0.phase = phase }
    }

    /// Answers from now on; false if the server was shut down during the loading.
    func loaded() -> Bool {
        value.withLock { value in
            guard value.phase == .loading else { return false }
            value.phase = .ready
            return true
        }
    }

    /// Shuts down if the models were not loaded yet; false if they were.
    func abandonLoading() -> Bool {
        value.withLock { value in
            guard value.phase == .loading else { return false }
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
