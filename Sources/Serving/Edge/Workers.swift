import NIOCore
import NIOPosix
import Synchronization

/// Threads for long work. All routes run on Swift's cooperative pool, which has only one thread per core: two large
/// bodies parsed there would silence the probes.
package final class Workers: Sendable {
    private let pool: NIOThreadPool

    /// All cores but one, so that urgent work always finds a free core.
    package init() {
        pool = NIOThreadPool(numberOfThreads: max(1, System.coreCount - 1))
        pool.start()
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// The size of an input that takes about a millisecond: inputs up to this size run at once and never wait behind
    /// large ones.
    private static let smallInput = 4 << 10

    /// Runs work on `bytes` bytes of input.
    package func run<Result: Sendable>(
        on bytes: Int, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        guard bytes > Self.smallInput else { return try work() }
        return try await pool.runIfActive(work)
    }

    /// Runs work that can ask whether the calling task was cancelled meanwhile.
    package func run<Result: Sendable>(
        _ work: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws -> Result
    ) async throws -> Result {
        let isCancelled = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await pool.runIfActive { try work { isCancelled.value.load(ordering: .relaxed) } }
        } onCancel: {
            isCancelled.value.store(true, ordering: .relaxed)
        }
    }
}

private final class CancellationFlag: Sendable {
    let value = Atomic(false)
}

/// Runs `body` while the caller is connected: when the connection closes, `body` is cancelled.
func whileConnected<Result: Sendable>(
    _ monitor: ConnectionMonitor, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let task = Task { try await body() }
    monitor.onClose { task.cancel() }
    defer { monitor.onClose(nil) }
    do {
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    } catch is CancellationError {
        throw ClientClosed()
    }
}
