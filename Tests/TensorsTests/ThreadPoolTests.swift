import Synchronization
import Tensors
import Testing

@Suite struct ThreadPoolTests {
    @Test(arguments: [1, 2, 5])
    func everyPieceRunsOnce(threads: Int) {
        let pool = ThreadPool(threads: threads)
        pool.start()
        defer { pool.stop() }
        for count in [0, 1, 2, 3, 17, 1000] {
            let sum = Atomic(0)
            let calls = Atomic(0)
            pool.run(count: count) { piece in
                sum.add(piece, ordering: .relaxed)
                calls.add(1, ordering: .relaxed)
            }
            #expect(calls.load(ordering: .relaxed) == count)
            #expect(sum.load(ordering: .relaxed) == count * max(0, count - 1) / 2)
        }
    }

    @Test(arguments: [1, 2, 5])
    func noPieceOvertakesABarrier(threads: Int) {
        let pool = ThreadPool(threads: threads)
        pool.start()
        defer { pool.stop() }
        let finished = Atomic(0)
        let early = Atomic(0)
        for _ in 0..<500 {
            finished.store(0, ordering: .relaxed)
            pool.run(count: 20, barrier: 12) { piece in
                if piece >= 12 && finished.load(ordering: .relaxed) < 12 { early.add(1, ordering: .relaxed) }
                finished.add(1, ordering: .relaxed)
            }
        }
        #expect(early.load(ordering: .relaxed) == 0)
    }

    @Test func sectionsFollowEachOtherWithoutLoss() {
        let pool = ThreadPool(threads: 2)
        pool.start()
        defer { pool.stop() }
        let calls = Atomic(0)
        for _ in 0..<20_000 { pool.run(count: 2) { _ in calls.add(1, ordering: .relaxed) } }
        #expect(calls.load(ordering: .relaxed) == 40_000)
    }
}
