import Synchronization

/// Bytes of memory that requests share. A request that needs more than is left waits in order of arrival, or is
/// refused.
package final class ByteBudget: Sendable {
    /// Why a request for bytes is refused.
    package enum Refusal: Error, Equatable {
        /// The request exceeds the whole budget.
        case neverFits(limit: Int)
        /// The maximum number of requests is waiting already.
        case full(limit: Int)
    }

    private struct Waiter {
        let id: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var used = 0
        var waiters: [Waiter] = []
        var lastID: UInt64 = 0
    }

    /// The total in bytes.
    package let limit: Int
    private let maximumWaiting: Int
    private let state = Mutex(State())

    /// A budget of `limit` bytes. Up to `maximumWaiting` requests can wait for it at the same time.
    package init(_ limit: Int, maximumWaiting: Int = 0) {
        precondition(limit >= 0 && maximumWaiting >= 0)
        self.limit = limit
        self.maximumWaiting = maximumWaiting
    }

    /// Bytes in use.
    package var used: Int { state.withLock { $0.used } }

    /// The number of waiting requests.
    package var waiting: Int { state.withLock { $0.waiters.count } }

    /// Takes `bytes` until the result is released. Fails instead of waiting.
    package func takeNow(_ bytes: Int) throws(Refusal) -> ByteShare {
        try add(bytes)
        return ByteShare(bytes, of: self)
    }

    /// Takes `bytes` until the result is released. Waits in order of arrival.
    ///
    /// - Throws: `Refusal`, or `CancellationError` if the task is cancelled while it waits.
    package func take(_ bytes: Int) async throws -> ByteShare {
        if bytes > limit { throw Refusal.neverFits(limit: limit) }
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.waiters.isEmpty, state.used + bytes <= limit {
                        state.used += bytes
                        return .success(())
                    }
                    if state.waiters.count >= maximumWaiting { return .failure(Refusal.full(limit: maximumWaiting)) }
                    state.waiters.append(Waiter(id: id, bytes: bytes, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            leave(id)
        }
        return ByteShare(bytes, of: self)
    }

    fileprivate func add(_ bytes: Int) throws(Refusal) {
        guard bytes <= limit else { throw .neverFits(limit: limit) }
        let isTaken = state.withLock { state in
            guard state.waiters.isEmpty, state.used + bytes <= limit else { return false }
            state.used += bytes
            return true
        }
        guard isTaken else { throw .full(limit: limit) }
    }

    fileprivate func giveBack(_ bytes: Int) {
        serve { $0.used -= bytes }
    }

    /// Removes a cancelled request from the queue; requests behind it may fit now.
    private func leave(_ id: UInt64) {
        let left = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiters.remove(at: index)
        }
        left?.continuation.resume(throwing: CancellationError())
        serve { _ in }
    }

    /// Applies `change`, then serves waiting requests in order.
    private func serve(_ change: (inout State) -> Void) {
        let served = state.withLock { state in
            change(&state)
            var served: [Waiter] = []
            while let first = state.waiters.first, state.used + first.bytes <= limit {
                state.used += first.bytes
                served.append(state.waiters.removeFirst())
            }
            return served
        }
        for waiter in served { waiter.continuation.resume() }
    }
}

/// One request's bytes of a budget. They are returned when this object is released.
package final class ByteShare: Sendable {
    private let budget: ByteBudget
    private let bytes: Mutex<Int>

    fileprivate init(_ bytes: Int, of budget: ByteBudget) {
        self.budget = budget
        self.bytes = Mutex(bytes)
    }

    deinit {
        giveBack()
    }

    /// Takes enough bytes to reach a total of `total` bytes. Fails instead of waiting.
    package func grow(to total: Int) throws(ByteBudget.Refusal) {
        let more = total - bytes.withLock { $0 }
        guard more > 0 else { return }
        try budget.add(more)
        bytes.withLock { $0 += more }
    }

    /// Returns all bytes.
    package func giveBack() {
        let all = bytes.withLock { bytes in
            defer { bytes = 0 }
            return bytes
        }
        if all > 0 { budget.giveBack(all) }
    }
}
