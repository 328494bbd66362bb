import Engine
public import Feedback
import Hummingbird
public import Logging
import NIOPosix
package import ServiceLifecycle
package import UnixSignals

/// Runs the server until SIGTERM or SIGINT: binds the port, loads the models, calls `onReady`, and answers requests. To
/// shut down, it first reports that it is not ready but still accepts requests for a while; then it refuses new
/// requests, and returns once the running ones have ended.
///
/// - Parameter feedback: the folder that keeps what people say; nil: nothing is kept.
/// - Throws: an error of loading, or the system's error if the port cannot be bound.
public func serve(
    keys: KeyRing?, feedback: FeedbackFolder?, configuration: ServerConfiguration, logger: Logger,
    models: [ModelSource], onReady: @escaping @Sendable () -> Void
) async throws {
    try await makeServer(
        keys: keys, feedback: feedback, configuration: configuration, logger: logger,
        signals: [.sigterm, .sigint], models: models, onReady: { _ in onReady() }
    ).run()
}

/// The server as a group of services, not running yet. One of `signals` stops it gracefully; a second one stops it at
/// once.
///
/// - Parameter onReady: called with the port once the models are loaded.
package func makeServer(
    keys: KeyRing?, feedback: FeedbackFolder? = nil, configuration: ServerConfiguration, logger: Logger,
    signals: [UnixSignal], models: [ModelSource],
    onReady: @escaping @Sendable (Int) -> Void
) -> ServiceGroup {
    let services = Services(
        models: models, keys: KeyStore(keys, path: configuration.keyFile), feedback: feedback,
        configuration: configuration, logger: logger)
    let (bound, binding) = AsyncStream<Int>.makeStream()
    let loading = LoadService(services: services, bound: bound, onReady: onReady)
    let others: [(any Service)?] = [
        // Metrics stay available until the very end.
        configuration.metricsPort.map { metricsApplication(services, port: $0) },
        application(services) { binding.yield($0) }, ReloadService(services: services),
        configuration.sleepAfter.map { SleepService(services: services, duration: $0) },
        DrainService(services: services, signals: signals),
    ]
    // Services shut down in reverse order: each waits until the service after it has returned. A model that cannot be
    // loaded ends the server as a signal does: cancelled applications would log errors of their own before the reason.
    var group = ServiceGroupConfiguration(
        services: [.init(service: loading, failureTerminationBehavior: .gracefullyShutdownGroup)]
            + others.compactMap { $0 }.map { .init(service: $0) },
        gracefulShutdownSignals: signals, logger: logger)
    group.maximumGracefulShutdownDuration = configuration.drainLag + configuration.drainLimit + .seconds(10)
    return ServiceGroup(configuration: group)
}

/// Loads the models once the port is bound. Probes get replies during the loading, and a port already in use fails
/// before it.
private struct LoadService: Service {
    let services: Services
    let bound: AsyncStream<Int>
    let onReady: @Sendable (Int) -> Void

    func run() async throws {
        for await port in bound.cancelOnGracefulShutdown() {
            // A service that returns before its turn would count as failed.
            if try await services.load() { onReady(port) }
        }
    }
}

/// Reloads keys and policies at SIGHUP.
private struct ReloadService: Service {
    let services: Services

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            // The log has the result, also of a refusal; no caller waits for a reply.
            _ = try? await Administration(services: services, caller: nil).reload()
        }
    }
}

/// Unloads models that nobody uses.
private struct SleepService: Service {
    let services: Services
    /// How long a model may be idle.
    let duration: Duration

    func run() async throws {
        let interval = min(.seconds(10), duration / 4)
        try? await cancelWhenGracefulShutdown {
            while true {
                try await ContinuousClock().sleep(for: interval)
                for name in await services.models.sleep(idleFor: duration) {
                    services.logger.notice("model.unloaded", metadata: ["model": "\(name ?? "")"])
                }
            }
        }
        // A service that returns before its turn would count as failed.
        try? await gracefulShutdown()
    }
}

/// Shuts down before the HTTP server: reports to load balancers, gives them time, and lets running answers finish.
private struct DrainService: Service {
    let services: Services
    let signals: [UnixSignal]

    func run() async throws {
        try await gracefulShutdown()
        // Without a model no request was accepted.
        guard !services.state.abandonLoading() else { return await end() }
        services.logger.info("drain.begin")
        // A sequence without signals would end at once.
        if signals.isEmpty { await drain() } else { await race(drain, secondSignal) }
        services.state.enter(.draining)
        // Requests that still run end with an error frame and their stream's terminal frame.
        services.models.close()
        await race(services.state.idle) { try? await ContinuousClock().sleep(for: .seconds(5)) }
        await end()
        services.logger.info("drain.end")
    }

    private func end() async {
        services.models.close()
        await services.models.ended()
    }

    @Sendable private func drain() async {
        let configuration = services.configuration
        services.state.enter(.leaving)
        // Only a second signal ends the sleep early, by cancelling it.
        try? await ContinuousClock().sleep(for: configuration.drainLag)
        services.state.enter(.draining)
        await race(services.state.idle) { try? await ContinuousClock().sleep(for: configuration.drainLimit) }
    }

    @Sendable private func secondSignal() async {
        for await _ in await UnixSignalsSequence(trapping: signals) { return }
    }
}

/// Runs both until one returns, then cancels the other.
private func race(
    _ first: @escaping @Sendable () async -> Void, _ second: @escaping @Sendable () async -> Void
) async {
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await first() }
        group.addTask { await second() }
        await group.next()
        group.cancelAll()
    }
}

/// While `body` runs, serves `model` on a loopback address, on a port chosen by the system.
///
/// The engine has stopped when this function returns.
/// - Parameter body: receives the server's address, like `http://127.0.0.1:8080`.
/// - Throws: an error of `body`, or the system's error if no port can be bound.
public func withLocalServer<Result: Sendable>(
    _ model: ServedModel, logger: Logger, _ body: (_ address: String) async throws -> Result
) async throws -> Result {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.drainLag = .zero
    let (ready, readiness) = AsyncStream<Int>.makeStream()
    let group = makeServer(
        keys: nil, configuration: configuration, logger: logger, signals: [],
        models: [ModelSource { model }], onReady: { readiness.yield($0) })
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { readiness.finish() }
            try await group.run()
        }
        var ports = ready.makeAsyncIterator()
        guard let port = await ports.next() else {
            try await tasks.waitForAll()
            throw CancellationError()
        }
        let outcome: Swift.Result<Result, any Error>
        do { outcome = .success(try await body("http://\(configuration.host):\(port)")) } catch {
            outcome = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try outcome.get()
    }
}
