/// Decides what the next step computes: first one position for each sequence that is decoding, then chunks of prompts,
/// within a budget of positions. It plans and accounts for blocks, and computes nothing.
package struct Scheduler {
    /// A piece of a sequence's positions.
    package struct Chunk {
        package let sequence: Sequence
        /// Positions `[computed, computed + n)` of the sequence.
        package let range: Range<Int>

        /// Whether it ends the tokens so far: one is drawn after it, or the answer that is measured is whole.
        package var isLast: Bool { range.upperBound == sequence.tokens.count }

        /// The positions whose logits score tokens that are given.
        package var scoring: Range<Int> { sequence.scoring(in: range) }
    }

    private let tokenBudget: Int
    private let maximumSequences: Int
    package private(set) var pool: BlockPool
    /// In order of arrival; preempted sequences come first.
    package private(set) var waiting: [Sequence] = []
    /// In order of arrival: the last one is the youngest.
    package private(set) var running: [Sequence] = []
    package private(set) var preemptions = 0

    package init(blocks: Int, tokenBudget: Int, maximumSequences: Int) {
        self.pool = BlockPool(count: blocks)
        self.tokenBudget = tokenBudget
        self.maximumSequences = maximumSequences
    }

    package var isIdle: Bool { waiting.isEmpty && running.isEmpty }

    package mutating func add(_ sequence: Sequence) {
        waiting.append(sequence)
    }

    /// Removes a sequence wherever it is, and gives its blocks back.
    package mutating func remove(_ sequence: Sequence) {
        pool.release(&sequence.blockTable)
        running.removeAll { $0 === sequence }
        waiting.removeAll { $0 === sequence }
    }

    /// The next step's chunks, with blocks for all of their positions. Empty only when nothing is left to do.
    ///
    /// The pool holds at least one sequence of full length, so preempting always ends with a sequence that fits.
    package mutating func plan() -> [Chunk] {
        while true {
            let chunks = compose()
            if !chunks.isEmpty || running.isEmpty { return chunks }
            preemptYoungest()
        }
    }

    private mutating func compose() -> [Chunk] {
        var budget = tokenBudget
        var chunks: [Chunk] = []
        // A copy, because a decoding sequence may preempt others of the list.
        for sequence in running where sequence.isDecoding && running.contains(where: { $0 === sequence }) {
            guard budget > 0, reserve(1, for: sequence) else { continue }
            chunks.append(Chunk(sequence: sequence, range: sequence.computed..<sequence.computed + 1))
            budget -= 1
        }
        chunks.removeAll { $0.sequence.blockTable.isEmpty }
        for sequence in running where !sequence.isDecoding && budget > 0 {
            appendPrefill(of: sequence, to: &chunks, budget: &budget)
        }
        while budget > 0, running.count < maximumSequences, let next = waiting.first {
            guard pool.freeCount >= min(BlockPool.blocks(for: next.tokens.count) + 1, pool.count) else { break }
            waiting.removeFirst()
            running.append(next)
            appendPrefill(of: next, to: &chunks, budget: &budget)
        }
        return chunks
    }

    private mutating func appendPrefill(of sequence: Sequence, to chunks: inout [Chunk], budget: inout Int) {
        let count = min(budget, sequence.pending, sequence.largestChunk)
        guard count > 0, pool.extend(&sequence.blockTable, to: sequence.computed + count) else { return }
        chunks.append(Chunk(sequence: sequence, range: sequence.computed..<sequence.computed + count))
        budget -= count
    }

    /// Finds blocks for `count` more positions, preempting the youngest sequence for as long as there are none.
    private mutating func reserve(_ count: Int, for sequence: Sequence) -> Bool {
        while !pool.extend(&sequence.blockTable, to: sequence.computed + count) {
            if preemptYoungest() === sequence { return false }
        }
        return true
    }

    /// Sends the youngest sequence back to the queue. Its tokens stay; their positions are computed again later.
    @discardableResult
    private mutating func preemptYoungest() -> Sequence {
        let youngest = running.removeLast()
        pool.release(&youngest.blockTable)
        youngest.computed = 0
        waiting.insert(youngest, at: 0)
        preemptions += 1
        return youngest
    }

    /// Whether the blocks of all sequences and the free ones are the whole pool.
    package var isConsistent: Bool {
        pool.isConsistent(holding: (running + waiting).map(\.blockTable))
    }
}
