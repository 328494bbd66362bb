import CKernels
import Foundation
import Synchronization

/// A fixed set of threads that run the pieces of one computation at a time.
///
/// The caller works too: a pool of two has one thread of its own. A decoding step has some 150 short parallel sections,
/// so idle workers spin for a while before they sleep. Which thread runs which piece never matters to the result.
package final class ThreadPool: @unchecked Sendable {
    // Sendable: `job` is written only by the holder of `turn`, before `generation` publishes it to the workers.

    /// One parallel section. Pieces are claimed one by one, so that a thread that lost its processor holds up little.
    private final class Job: @unchecked Sendable {
        // Sendable: `body` is called only while `run` waits for it. A worker that comes late finds no piece left and
        // never follows the pointer.
        let body: UnsafePointer<(Int) -> Void>
        let count: Int
        let next = Atomic(0)
        let finished = Atomic(0)

        init(count: Int, body: UnsafePointer<(Int) -> Void>) {
            self.count = count
            self.body = body
        }

        func work() {
            while true {
                let piece = next.add(1, ordering: .relaxed).oldValue
                if piece >= count { return }
                body.pointee(piece)
                finished.add(1, ordering: .releasing)
            }
        }
    }

    private static let spins = 4_000

    /// Threads that work on a section, the caller included.
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

    /// Starts the workers. Each holds the pool only while it works, so that a dropped pool ends them.
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

    /// Calls `body` once with each number in `0..<count`, on all threads, and returns when all calls have.
    ///
    /// Calls run at the same time and must write to separate places.
    package func run(count: Int, _ body: (Int) -> Void) {
        if count <= 1 || threads == 1 {
            for piece in 0..<count { body(piece) }
            return
        }
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { body in
                turn.lock()
                defer { turn.unlock() }
                let job = Job(count: count, body: body)
                publish(job)
                job.work()
                while job.finished.load(ordering: .acquiring) < count { apus_pause() }
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
