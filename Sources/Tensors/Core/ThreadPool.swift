import CKernels
import Foundation
import Synchronization

/// A fixed set of threads that together run the pieces of one computation at a time.
///
/// The caller works too: a pool of two has one thread of its own. A decode step has some 150 short parallel sections,
/// so idle workers spin for a while before they sleep. A result never depends on which thread runs which piece.
package final class ThreadPool: @unchecked Sendable {
    // Sendable: `job` is written only by the holder of `turn`, before `generation` publishes it to the workers.

    /// One parallel section. Pieces are claimed one by one, so that a thread that lost its processor delays little.
    private final class Job: @unchecked Sendable {
        // Sendable: `body` is called only while `run` waits for it. A late worker finds no piece left and never
        // dereferences the pointer.
        private let body: UnsafePointer<(Int) -> Void>
        private let count: Int
        private let barrier: Int
        private let next = Atomic(0)
        private let finished = Atomic(0)

        init(count: Int, barrier: Int, body: UnsafePointer<(Int) -> Void>) {
            self.count = count
            self.barrier = barrier
            self.body = body
        }

        func work() {
            let done = runPieces()
            finished.add(done, ordering: .releasing)
        }

        /// Runs pieces until none is left; returns how many of them are not yet counted as finished.
        ///
        /// The body is copied once, because references that all threads count for each piece cost more than small
        /// pieces. The copy is released when this returns, before `run` may return.
        @inline(never)
        private func runPieces() -> Int {
            var done = 0
            var isBehindBarrier = barrier == 0
            var piece = next.add(1, ordering: .relaxed).oldValue
            guard piece < count else { return done }
            let body = body.pointee
            while piece < count {
                if !isBehindBarrier && piece >= barrier {
                    isBehindBarrier = true
                    finished.add(done, ordering: .releasing)
                    done = 0
                    // The pieces before the barrier are already claimed by threads that wait for nothing.
                    wait(until: barrier)
                }
                body(piece)
                done += 1
                piece = next.add(1, ordering: .relaxed).oldValue
            }
            return done
        }

        /// Waits until all pieces are finished.
        func wait() { wait(until: count) }

        private func wait(until pieces: Int) {
            while finished.load(ordering: .acquiring) < pieces { apus_pause() }
        }
    }

    private static let spins = 4_000

    /// The number of threads that work on a section, including the caller.
    package let threads: Int
    private let turn = NSLock()
    private let wake = NSCondition()
    private let generation = Atomic(0)
    private let sleeping = Atomic(0)
    private let jobs = Mutex<Job?>(nil)
    private let stopping = Atomic(false)

    package init(threads: Int) {
        self.threads = max(1, threads)
    }

    /// Starts the workers. Each holds the pool only while it works, so that releasing the pool ends them.
    package func start() {
        for index in 1..<max(1, threads) {
            let thread = Thread { [self] in serve() }
            thread.name = "apus-kernel-\(index)"
            thread.stackSize = 1 << 20
            thread.start()
        }
    }

    /// Ends the workers; the pool must not be used after this.
    package func stop() {
        stopping.store(true, ordering: .sequentiallyConsistent)
        wake.lock()
        wake.broadcast()
        wake.unlock()
    }

    /// Calls `body` once with each number in `0..<count`, on all threads, and returns after the last call.
    ///
    /// Calls run at the same time and must write to separate memory.
    ///
    /// - Parameter barrier: no piece from this number on begins before all pieces below it are finished. This is
    ///   cheaper than two sections.
    package func run(count: Int, barrier: Int = 0, _ body: (Int) -> Void) {
        if count <= 1 || threads == 1 {
            for piece in 0..<count { body(piece) }
            return
        }
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { body in
                turn.lock()
                defer { turn.unlock() }
                let job = Job(count: count, barrier: barrier, body: body)
                publish(job)
                job.work()
                job.wait()
                jobs.withLock { $0 = nil }
            }
        }
    }

    private func publish(_ job: Job) {
        jobs.withLock { $0 = job }
        generation.add(1, ordering: .sequentiallyConsistent)
        guard sleeping.load(ordering: .sequentiallyConsistent) > 0 else { return }
        wake.lock()
        wake.broadcast()
        wake.unlock()
    }

    private func serve() {
        var seen = 0
        while !stopping.load(ordering: .acquiring) {
            seen = waitForGeneration(after: seen)
            jobs.withLock { $0 }?.work()
        }
    }

    private func waitForGeneration(after seen: Int) -> Int {
        for _ in 0..<Self.spins {
            let now = generation.load(ordering: .acquiring)
            if now != seen { return now }
            apus_pause()
        }
        wake.lock()
        sleeping.add(1, ordering: .sequentiallyConsistent)
        defer {
            sleeping.subtract(1, ordering: .sequentiallyConsistent)
            wake.unlock()
        }
        while true {
            let now = generation.load(ordering: .sequentiallyConsistent)
            if now != seen || stopping.load(ordering: .sequentiallyConsistent) { return now }
            wake.wait()
        }
    }
}
