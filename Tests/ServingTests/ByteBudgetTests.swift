import Dispatch
import Serving
import Testing

@Suite struct ByteBudgetTests {
    /// Waits until `condition` holds.
    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test func sharesAreGivenBackWhenTheyGo() async throws {
        let budget = ByteBudget(10)
        do {
            let share = try budget.takeNow(4)
            try share.grow(to: 9)
            try share.grow(to: 3)
            #expect(budget.used == 9)
            #expect(throws: ByteBudget.Refusal.full(limit: 10)) { try budget.takeNow(2) }
            #expect(throws: ByteBudget.Refusal.full(limit: 10)) { try share.grow(to: 11) }
            withExtendedLifetime(share) {}
        }
        #expect(budget.used == 0)
        let share = try budget.takeNow(10)
        share.giveBack()
        share.giveBack()
        #expect(budget.used == 0)
        #expect(throws: ByteBudget.Refusal.neverFits(limit: 10)) { try budget.takeNow(11) }
        await #expect(throws: ByteBudget.Refusal.neverFits(limit: 10)) { try await budget.take(11) }
    }

    @Test func requestsGetTheirBytesInOrder() async throws {
        let budget = ByteBudget(10, maximumWaiting: 2)
        let first = try await budget.take(6)
        let large = Task { try await budget.take(8) }
        await until { budget.waiting == 1 }
        // It would fit, but it does not overtake.
        let small = Task { try await budget.take(2) }
        await until { budget.waiting == 2 }
        #expect(throws: ByteBudget.Refusal.full(limit: 10)) { try budget.takeNow(1) }
        await #expect(throws: ByteBudget.Refusal.full(limit: 2)) { try await budget.take(1) }
        first.giveBack()
        let shares = try await [large.value, small.value]
        #expect(budget.used == 10 && budget.waiting == 0)
        shares.forEach { $0.giveBack() }
        #expect(budget.used == 0)
    }

    @Test func aCancelledRequestLeavesItsPlace() async throws {
        let budget = ByteBudget(10, maximumWaiting: 2)
        let first = try await budget.take(6)
        let large = Task { try await budget.take(8) }
        await until { budget.waiting == 1 }
        let small = Task { try await budget.take(2) }
        await until { budget.waiting == 2 }
        large.cancel()
        await #expect(throws: CancellationError.self) { try await large.value }
        let share = try await small.value
        #expect(budget.used == 8)
        share.giveBack()
        first.giveBack()
        let early = Task {
            await until { Task.isCancelled }
            return try await budget.take(1)
        }
        early.cancel()
        await #expect(throws: CancellationError.self) { try await early.value }
        #expect(budget.used == 0)
    }

    /// More work than there are threads: routes continue, whatever waits for the threads.
    @Test func longWorkDoesNotHoldUpOtherTasks() async throws {
        let workers = Workers()
        let gate = DispatchSemaphore(value: 0)
        let jobs = (0..<64).map { job in
            Task {
                try await workers.run(on: 1 << 20) { () -> Int in
                    gate.wait()
                    return job
                }
            }
        }
        #expect(try await workers.run(on: 1) { 7 } == 7)
        #expect(await Task { 8 }.value == 8)
        for _ in jobs { gate.signal() }
        for (job, task) in jobs.enumerated() { #expect(try await task.value == job) }
    }

    @Test func cancelledWorkIsTold() async throws {
        let workers = Workers()
        let (begun, started) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await workers.run { isCancelled in
                started.yield()
                while !isCancelled() {}
                return true
            }
        }
        for await _ in begun { break }
        task.cancel()
        #expect(try await task.value)
    }
}
