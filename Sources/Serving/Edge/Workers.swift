import NIOCore
import NIOPosix
import Synchronization

/// Threads for work that takes long. Swift's cooperative pool, on which every route runs, has only as many threads as
/// the machine has cores: two large bodies that were parsed there would silence the probes.
package final class Workers: Sendable {
    private let pool: NIOThreadPool

    /// All cores but one, so that what is urgent always finds one free.
    package init() {
        pool = NIOThreadPool(numberOfThreads: max(1, System.coreCount - 1))
        pool.start()
    }

    deinit {
        pool.shutdownGracefully { _ in }
    }

    /// Input that takes about a millisecond: it is worked on at once and never waits behind large input.
    private static let smallInput = 4 << 10

    /// Runs work on `bytes` bytes of input.
    package func run<Result: Sendable>(
        on bytes: Int, _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        guard bytes > Self.smallInput else { return try work() }
        return try await pool.runIfActive(work)
    }

    /// Runs work that asks whether the calling task was cancelled meanwhile.
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

/// Runs `body` for as long as the caller is there: when the connection closes, `body` is cancelled.
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
