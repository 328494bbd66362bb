/// Whatever answers requests: the engine, or a script that stands in for it in tests.
public protocol Generating: Sendable {
    /// Takes a place in the queue, before any work is done for the request.
    ///
    /// - Throws: `AdmissionError.queueFull` or `.stopping`.
    func reserve() throws(AdmissionError) -> Reservation

    /// Queues a request in the reserved place.
    ///
    /// Dropping the stream, or cancelling the task that reads it, cancels the request within one step.
    /// - Throws: `AdmissionError.contextLengthExceeded` or `.stopping`; the place is free again then.
    func submit(_ request: EngineRequest, in place: Reservation) throws(AdmissionError) -> AsyncStream<EngineEvent>

    /// What is going on now; readable from any thread without waiting for the engine.
    var load: EngineLoad { get }
}

/// A place in the queue, given back when it is dropped or when the request that took it is first scheduled.
public final class Reservation: Sendable {
    private let release: @Sendable () -> Void

    /// A place that calls `release` once it is free.
    public init(release: @escaping @Sendable () -> Void) {
        self.release = release
    }

    deinit {
        release()
    }
}

/// A snapshot of the engine's gauges and counters.
public struct EngineLoad: Sendable, Equatable {
    /// Requests being answered.
    public var running = 0
    /// Requests that wait, reserved places included.
    public var waiting = 0
    /// Requests that may wait.
    public var waitingLimit = 0
    /// KV blocks in all.
    public var blocks = 0
    /// KV blocks that hold a sequence's keys and values.
    public var usedBlocks = 0
    /// Steps run since the start.
    public var steps = 0
    /// Prompt positions computed since the start.
    public var prefilledTokens = 0
    /// Tokens drawn since the start.
    public var generatedTokens = 0
    /// Sequences preempted since the start.
    public var preemptions = 0

    /// An idle engine.
    public init() {}
}
