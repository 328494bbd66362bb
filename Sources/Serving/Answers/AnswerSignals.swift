import Engine
import Synchronization

/// The caller has disconnected.
struct ClientClosed: Error {}

/// The time at which the server last sent something to the caller.
final class LastFrame: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    /// Sets the time to now.
    func touch() {
        instant.withLock { $0 = .now }
    }

    /// Waits until nothing has been sent for `interval`.
    fileprivate func idle(for interval: Duration) async throws {
        while true {
            let due = instant.withLock { $0 } + interval
            guard due > .now else { return touch() }
            try await ContinuousClock().sleep(until: due)
        }
    }
}

/// One step towards complete answers.
enum AnswerProgress: Sendable {
    /// More text of a choice.
    case text(choice: Int, TextDelta)
    /// A choice is complete.
    case finished(choice: Int, Completion)
    /// Nothing was sent for the keep-alive interval.
    case idle
}

/// Waits until the answers of all `streams` are complete, and passes each step to `take`.
///
/// - Throws: `EngineFailure` for the first answer that fails, `ClientClosed`, or an error of `take`. Then the engine's
///   remaining work for the request is cancelled.
func completions(
    of streams: [AsyncStream<EngineEvent>], monitor: ConnectionMonitor, keepAlive: Duration,
    last: LastFrame = LastFrame(), _ take: (AnswerProgress) async throws -> Void = { _ in }
) async throws -> [Completion] {
    var completions = [Completion?](repeating: nil, count: streams.count)
    guard !streams.isEmpty else { return [] }
    try await withSignals(from: streams, monitor: monitor, keepAlive: keepAlive, last: last) { signals in
        for await signal in signals {
            switch signal {
            case .event(_, .started): break
            case .event(_, .failed(let failure)): throw failure
            case .event(let choice, .text(let delta)): try await take(.text(choice: choice, delta))
            case .event(let choice, .finished(let completion)):
                completions[choice] = completion
                try await take(.finished(choice: choice, completion))
                if completions.allSatisfy({ $0 != nil }) { return }
            case .idle: try await take(.idle)
            case .closed: throw ClientClosed()
            }
        }
        throw ClientClosed()
    }
    return completions.compactMap { $0 }
}

private enum Signal: Sendable {
    /// An event of the engine for one choice.
    case event(choice: Int, EngineEvent)
    /// Nothing was sent for the keep-alive interval.
    case idle
    /// The caller has disconnected.
    case closed
}

/// While `body` runs, merges everything that can happen to an answer into one sequence.
///
/// When `body` returns or throws, the engine's remaining work for the request is cancelled.
private func withSignals(
    from streams: [AsyncStream<EngineEvent>], monitor: ConnectionMonitor, keepAlive: Duration, last: LastFrame,
    _ body: (AsyncStream<Signal>) async throws -> Void
) async throws {
    let (signals, continuation) = AsyncStream<Signal>.makeStream()
    monitor.onClose { continuation.yield(.closed) }
    defer { monitor.onClose(nil) }
    try await withThrowingTaskGroup(of: Void.self) { group in
        defer { group.cancelAll() }
        for (choice, stream) in streams.enumerated() {
            group.addTask {
                var isOver = false
                for await event in stream {
                    continuation.yield(.event(choice: choice, event))
                    isOver = isOver || event.isTerminal
                }
                guard !isOver, !Task.isCancelled else { return }
                continuation.yield(.event(choice: choice, .failed(.internal("the engine's events ended early"))))
            }
        }
        group.addTask {
            while true {
                try await last.idle(for: keepAlive)
                continuation.yield(.idle)
            }
        }
        try await body(signals)
    }
}

extension EngineEvent {
    fileprivate var isTerminal: Bool {
        switch self {
        case .finished, .failed: true
        case .started, .text: false
        }
    }
}

extension Completion {
    /// The reason under OpenAI's name.
    func finishReason() throws(EngineFailure) -> String {
        switch reason {
        // A shortened text has an end, but not the end that the model wanted.
        case .endToken: return isShortened ? "length" : "stop"
        case .stopString, .repetition: return "stop"
        case .length: return "length"
        case .cancelled: throw .stopped
        }
    }
}
