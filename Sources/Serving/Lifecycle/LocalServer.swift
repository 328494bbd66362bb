public import Logging
import ServiceLifecycle

/// Serves `model` to this machine alone, on a port of the system's choice, while `body` runs.
///
/// The engine has stopped when this returns.
/// - Parameter body: gets the server's address, like `http://127.0.0.1:8080`.
/// - Throws: what `body` throws, or the system's error if no port can be bound.
public func withLocalServer<Result: Sendable>(
    _ model: ServedModel, logger: Logger, _ body: (_ address: String) async throws -> Result
) async throws -> Result {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.drainLag = .zero
    let (ready, readiness) = AsyncStream<Int>.makeStream()
    let group = makeServer(
        keys: nil, configuration: configuration, logger: logger, signals: [], load: { model },
        onReady: { readiness.yield($0) })
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
