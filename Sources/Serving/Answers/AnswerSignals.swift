import Engine
import Synchronization

/// The caller has gone.
struct ClientClosed: Error {}

/// When something was last sent to the caller.
final class LastFrame: Sendable {
    private let instant = Mutex(ContinuousClock.now)

    /// Something is being sent now.
    func touch() {
        instant.withLock { $0 = .now }
    }

    /// Waits until nothing was sent for `interval`.
    fileprivate func idle(for interval: Duration) async throws {
        while true {
            let due = instant.withLock { $0 } + interval
            guard due > .now else { return touch() }
            try await ContinuousClock().sleep(until: due)
        }
    }
}

/// One step towards whole answers.
enum AnswerProgress: Sendable {
    /// More text of a choice.
    case text(choice: Int, TextDelta)
    /// A choice is whole.
    case finished(choice: Int, Completion)
    /// Nothing was sent for a while.
    case idle
}

/// Waits until the answers of all `streams` are whole, and hands each step to `take`.
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
    /// Something from the engine, for one choice.
    case event(choice: Int, EngineEvent)
    /// Nothing was sent for a while.
    case idle
    /// The caller has gone.
    case closed
}

/// Merges everything that can happen to an answer into one sequence for as long as `body` runs.
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
    /// The reason in OpenAI's words.
    func finishReason() throws(EngineFailure) -> String {
        switch reason {
        case .endToken, .stopString, .repetition: return "stop"
        case .length: return "length"
        case .cancelled: throw .stopped
        }
    }
}
