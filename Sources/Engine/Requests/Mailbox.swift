import Foundation

/// What callers on any thread leave for the engine's thread.
final class Mailbox: @unchecked Sendable {
    // Sendable: everything mutable is guarded by `condition`.

    /// A request that was accepted.
    struct Submission: Sendable {
        let id: EngineSequence.ID
        let request: EngineRequest
        let continuation: AsyncStream<EngineEvent>.Continuation
        let submitted: ContinuousClock.Instant
        let reservation: Reservation
    }

    struct Contents {
        var submissions: [Submission] = []
        var cancellations: Set<EngineSequence.ID> = []
        var isStopping = false

        fileprivate var isEmpty: Bool { submissions.isEmpty && cancellations.isEmpty && !isStopping }
    }

    private let condition = NSCondition()
    private var contents = Contents()

    /// Leaves a request; returns false, and leaves nothing, once the engine is stopping.
    func submit(_ submission: Submission) -> Bool {
        condition.withLock {
            if contents.isStopping { return false }
            contents.submissions.append(submission)
            condition.signal()
            return true
        }
    }

    func cancel(_ id: EngineSequence.ID) {
        condition.withLock {
            contents.cancellations.insert(id)
            condition.signal()
        }
    }

    func stop() {
        condition.withLock {
            contents.isStopping = true
            condition.signal()
        }
    }

    /// Takes what there is, waiting for something if asked to.
    func collect(waiting: Bool) -> Contents {
        condition.withLock {
            while waiting && contents.isEmpty { condition.wait() }
            defer { contents = Contents(isStopping: contents.isStopping) }
            return contents
        }
    }
}
