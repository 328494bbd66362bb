import OrderedCollections

/// Decides what the next step computes: first one position for each sequence that is decoding, then chunks of prompts,
/// within a budget of positions. It plans and accounts for blocks, and computes nothing.
///
/// A sequence begins with the blocks that the cache has of it. Where another one computes its next block in this very
/// step, it waits a step and finds it: so samples of one prompt share it though they come together.
package struct Scheduler {
    /// A piece of a sequence's positions.
    package struct Chunk {
        package let sequence: Sequence
        /// Positions `[computed, computed + n)` of the sequence.
        package let range: Range<Int>
        /// Guesses at the positions behind its last token.
        package fileprivate(set) var draft: ArraySlice<Int32> = []

        /// Positions to be computed.
        package var count: Int { range.count + draft.count }

        /// Their tokens.
        package var tokens: [Int32] { Array(sequence.tokens[range] + draft) }

        /// Whether it ends the tokens so far: one is drawn after it, or the answer that is measured is whole.
        package var isLast: Bool { range.upperBound == sequence.tokens.count }

        /// The positions whose logits score tokens that are given.
        package var scoring: Range<Int> { sequence.scoring(in: range) }
    }

    private let tokenBudget: Int
    private let maximumSequences: Int
    private let contextLength: Int
    package private(set) var pool: BlockPool
    /// In order of arrival; preempted sequences come first.
    package private(set) var waiting: [Sequence] = []
    /// In order of arrival: the last one is the youngest.
    package private(set) var running: [Sequence] = []
    package private(set) var preemptions = 0

    package init(blocks: Int, configuration: EngineConfiguration) {
        self.pool = BlockPool(count: blocks)
        self.tokenBudget = configuration.tokenBudget
        self.maximumSequences = configuration.maximumSequences
        self.contextLength = configuration.contextLength
    }

    package var isIdle: Bool { waiting.isEmpty && running.isEmpty }

    package mutating func add(_ sequence: Sequence) {
        waiting.append(sequence)
    }

    /// Removes a sequence wherever it is, and gives its blocks back.
    package mutating func remove(_ sequence: Sequence) {
        release(sequence)
        running.removeAll { $0 === sequence }
        waiting.removeAll { $0 === sequence }
    }

    /// The next step's chunks, with blocks for all of their positions. Empty only when nothing is left to do.
    ///
    /// The pool holds at least one sequence of full length, so preempting always ends with a sequence that fits. Chunks of
    /// one policy lie together, so that its adapter is applied once.
    package mutating func plan() -> [Chunk] {
        while true {
            let chunks = compose()
            if chunks.isEmpty, !running.isEmpty {
                preemptYoungest()
                continue
            }
            let policies = OrderedSet(chunks.map(\.sequence.request.policy.id))
            return policies.flatMap { id in chunks.filter { $0.sequence.request.policy.id == id } }
        }
    }

    private mutating func compose() -> [Chunk] {
        var budget = tokenBudget
        var chunks: [Chunk] = []
        // A copy, because a decoding sequence may preempt others of the list.
        for sequence in running where sequence.isDecoding && running.contains(where: { $0 === sequence }) {
            guard budget > 0, reserve(1, for: sequence) else { continue }
            append(1, of: sequence, to: &chunks, budget: &budget)
        }
        addDrafts(to: &chunks, budget: &budget)
        for sequence in running where !sequence.isDecoding && budget > 0 {
            appendPrefill(of: sequence, to: &chunks, budget: &budget)
        }
        var place = 0
        while budget > 0, running.count < maximumSequences, place < waiting.count {
            let next = waiting[place]
            guard adoptPrefix(of: next) else {
                place += 1
                continue
            }
            let missing = min(BlockPool.blocks(for: next.tokens.count) + 1, pool.count) - next.blockTable.count
            guard pool.freeCount >= missing else {
                release(next)
                break
            }
            next.noteCachedPositions()
            waiting.remove(at: place)
            running.append(next)
            appendPrefill(of: next, to: &chunks, budget: &budget)
        }
        return chunks
    }

    /// Lets decoding sequences guess, as long as the step stays so small that more rows cost little.
    private mutating func addDrafts(to chunks: inout [Chunk], budget: inout Int) {
        var rows = chunks.count
        for index in chunks.indices where rows < Self.cheapRows && budget > 0 {
            let sequence = chunks[index].sequence
            let end = chunks[index].range.upperBound
            let draft = sequence.guess(room: min(Self.cheapRows - rows, budget, contextLength - end - 1))
            guard !draft.isEmpty, pool.extend(&sequence.blockTable, to: end + draft.count) else { continue }
            chunks[index].draft = draft
            rows += draft.count
            budget -= draft.count
        }
    }

    /// Rows of a step up to which reading the weights takes most of its time.
    private static let cheapRows = 8

    /// Gives a sequence the cached blocks that it begins with; returns false, and gives none, if its next one is being
    /// computed.
    private mutating func adoptPrefix(of sequence: Sequence) -> Bool {
        var blocks: [Int32] = []
        var chain = BlockChain(of: sequence.request.policy)
        while let key = sequence.reusableKey(after: chain), let entry = pool[key] {
            guard pool.isFinished(entry) else { return false }
            blocks.append(entry.block)
            chain.append(entry.id)
        }
        pool.hold(blocks)
        sequence.adopt(blocks, chain)
        return true
    }

    private mutating func release(_ sequence: Sequence) {
        pool.release(&sequence.blockTable)
        sequence.forget()
    }

    private mutating func appendPrefill(of sequence: Sequence, to chunks: inout [Chunk], budget: inout Int) {
        let count = min(budget, sequence.pending, sequence.largestChunk)
        guard count > 0, pool.extend(&sequence.blockTable, to: sequence.computed + count) else { return }
        append(count, of: sequence, to: &chunks, budget: &budget)
    }

    /// Plans the next `count` positions of a sequence that has the blocks for them; those that become whole get keys.
    private mutating func append(
        _ count: Int, of sequence: Sequence, to chunks: inout [Chunk], budget: inout Int
    ) {
        let range = sequence.computed..<sequence.computed + count
        chunks.append(Chunk(sequence: sequence, range: range))
        budget -= count
        while let key = sequence.nextKey(computed: range.upperBound) {
            sequence.extendChain(by: pool.register(key, block: sequence.blockTable[sequence.chain.count]))
        }
    }

    /// The planned chunks are computed: others may use their blocks.
    package mutating func finishStep() {
        pool.finish()
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
        release(youngest)
        waiting.insert(youngest, at: 0)
        preemptions += 1
        return youngest
    }

    /// Whether the blocks of all sequences and the free ones are the whole pool.
    package var isConsistent: Bool {
        pool.isConsistent(holding: (running + waiting).map(\.blockTable))
    }
}
