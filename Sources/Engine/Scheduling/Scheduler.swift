import OrderedCollections
import Policies

/// Decides what the next step computes: first one position for each decoding sequence, then chunks of prompts and
/// layers of their images, within a token budget. It plans the work and reserves blocks, but computes nothing.
///
/// The budget stands for time; its unit is the time of a position at the beginning of a sequence. Attention takes
/// longer for later positions, so a step has fewer of them, and all steps take about the same time. Prompts share the
/// rest of the budget evenly; a short prompt leaves what it does not need to the longer ones. So a long prompt or a
/// large image stops neither a running answer nor a short question.
///
/// A sequence begins with the blocks that the cache has for its prompt. If another sequence computes its next block in
/// this very step, or encodes its next image, it waits and then finds them in the cache. So samples of one prompt share
/// the prompt's blocks even if they arrive together.
package struct Scheduler {
    private let tokenBudget: Int
    private let maximumSequences: Int
    private let contextLength: Int
    private let evenDepth: Int
    package private(set) var pool: BlockPool
    /// In order of arrival; preempted sequences come first.
    package private(set) var waiting: [EngineSequence] = []
    /// In order of arrival: the last sequence is the youngest.
    package private(set) var running: [EngineSequence] = []
    package private(set) var preemptions = 0

    /// - Parameter evenDepth: the depth at which a position takes twice as long as at the beginning.
    package init(blocks: Int, evenDepth: Int, configuration: EngineConfiguration) {
        self.pool = BlockPool(count: blocks)
        self.tokenBudget = configuration.tokenBudget
        self.maximumSequences = configuration.maximumSequences
        self.contextLength = configuration.contextLength
        self.evenDepth = evenDepth
    }

    /// Lets `body` fill free blocks before there are sequences.
    mutating func restore<E: Error>(_ body: (inout BlockPool) throws(E) -> Int) throws(E) -> Int { try body(&pool) }

    package var isIdle: Bool { waiting.isEmpty && running.isEmpty }

    package mutating func add(_ sequence: EngineSequence) {
        waiting.append(sequence)
    }

    /// Removes a sequence from both lists and releases its blocks.
    package mutating func remove(_ sequence: EngineSequence) {
        release(sequence)
        running.removeAll { $0 === sequence }
        waiting.removeAll { $0 === sequence }
    }

    /// Plans the next step, with blocks for all of its positions. The plan is empty only when no request is left.
    ///
    /// The pool has room for at least one sequence of full length, so preempting always ends with a sequence that fits.
    /// Chunks of one policy are adjacent, so that its adapter is applied once.
    ///
    /// - Parameter work: the layers that an image of a sequence still needs.
    package mutating func plan(_ work: (EngineSequence, _ image: Int) -> ImageWork?) -> StepPlan {
        while true {
            var plan = compose(work)
            if plan.isEmpty, !running.isEmpty {
                preemptYoungest()
                continue
            }
            let policies = OrderedSet(plan.chunks.map(\.sequence.request.policy.id))
            plan.chunks = policies.flatMap { id in plan.chunks.filter { $0.sequence.request.policy.id == id } }
            return plan
        }
    }

    private mutating func compose(_ work: (EngineSequence, Int) -> ImageWork?) -> StepPlan {
        var plan = StepPlan(budget: tokenBudget)
        // Iterates over a copy, because a decoding sequence may preempt others in the list.
        for sequence in running where sequence.isDecoding && running.contains(where: { $0 === sequence }) {
            guard plan.budget > 0, reserve(1, for: sequence) else { continue }
            append(1, of: sequence, to: &plan, cost: 1)
        }
        addDrafts(to: &plan)
        let reading = running.filter { !$0.isDecoding }.sorted { $0.pending < $1.pending }
        admit(beside: reading, to: &plan, work)
        for (index, sequence) in reading.enumerated() where plan.budget > 0 {
            appendPrefill(of: sequence, room: max(1, plan.budget / (reading.count - index)), to: &plan, work)
        }
        return plan
    }

    /// Starts waiting sequences, each with an even share of the budget, as long as there are blocks for all of them and
    /// for the prompts in prefill.
    private mutating func admit(
        beside reading: [EngineSequence], to plan: inout StepPlan, _ work: (EngineSequence, Int) -> ImageWork?
    ) {
        let candidates = min(waiting.count, maximumSequences - running.count)
        guard candidates > 0 else { return }
        let share = max(1, plan.budget / (reading.count + candidates))
        var promised = reading.reduce(0) { $0 + missingBlocks($1) }
        var index = 0
        while plan.budget > 0, running.count < maximumSequences, index < waiting.count {
            let next = waiting[index]
            guard !awaitsImage(next), adoptPrefix(of: next) else {
                index += 1
                continue
            }
            promised += missingBlocks(next)
            guard pool.freeCount >= promised else {
                release(next)
                break
            }
            next.noteCachedPositions()
            waiting.remove(at: index)
            running.append(next)
            let free = pool.freeCount
            appendPrefill(of: next, room: share, to: &plan, work)
            promised -= free - pool.freeCount
        }
    }

    /// Whether a running sequence is having this sequence's next image encoded. Waiting for it avoids encoding the
    /// image twice, and computing the positions before it twice.
    private func awaitsImage(_ sequence: EngineSequence) -> Bool {
        guard let next = sequence.missingImages.first else { return false }
        return running.contains { $0.missingImages.contains(next) }
    }

    /// Blocks that a sequence still needs until it has its first tokens.
    private func missingBlocks(_ sequence: EngineSequence) -> Int {
        min(BlockPool.blocks(for: sequence.tokens.count) + 1, pool.count) - sequence.blockTable.count
    }

    /// Adds guesses to decoding sequences, as long as the step has so few rows that more of them cost little.
    private mutating func addDrafts(to plan: inout StepPlan) {
        var rows = plan.chunks.count
        for index in plan.chunks.indices where rows < Self.cheapRows && plan.budget > 0 {
            let sequence = plan.chunks[index].sequence
            let end = plan.chunks[index].range.upperBound
            let draft = sequence.guess(room: min(Self.cheapRows - rows, plan.budget, contextLength - end - 1))
            guard !draft.isEmpty, pool.extend(&sequence.blockTable, to: end + draft.count) else { continue }
            plan.add(draft, to: index)
            rows += draft.count
        }
    }

    /// The number of rows up to which reading the weights dominates the time of a step.
    private static let cheapRows = 8

    /// Gives a sequence the cached blocks that it begins with. Returns false, and gives none, if its next block is
    /// being computed.
    private mutating func adoptPrefix(of sequence: EngineSequence) -> Bool {
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

    private mutating func release(_ sequence: EngineSequence) {
        pool.release(&sequence.blockTable)
        sequence.forget()
    }

    /// Plans the next positions of a prompt, so that they and the images before them take about the time of `room`
    /// positions. The chunk ends before an image that is not completely encoded in this step.
    private mutating func appendPrefill(
        of sequence: EngineSequence, room: Int, to plan: inout StepPlan, _ work: (EngineSequence, Int) -> ImageWork?
    ) {
        var room = min(room, plan.budget)
        var end = sequence.computed + min(room, sequence.pending, sequence.largestChunk)
        for image in sequence.missingImages(in: sequence.computed..<end) {
            guard let work = work(sequence, image) else { continue }
            let (cost, isWhole) = plan.append(work, room: room)
            room -= cost
            guard isWhole else {
                end = sequence.request.images[image].range.lowerBound
                break
            }
        }
        let depth = sequence.computed
        let fitting = (Double(room * evenDepth) / Double(evenDepth + depth)).rounded()
        let count = min(end - depth, room > 0 ? max(1, Int(fitting)) : 0)
        guard count > 0, pool.extend(&sequence.blockTable, to: depth + count) else { return }
        append(count, of: sequence, to: &plan, cost: count + count * depth / evenDepth)
    }

    /// Plans the next `count` positions of a sequence that has the blocks for them. Blocks that become full get keys.
    private mutating func append(_ count: Int, of sequence: EngineSequence, to plan: inout StepPlan, cost: Int) {
        let range = sequence.computed..<sequence.computed + count
        plan.append(StepPlan.Chunk(sequence: sequence, range: range), cost: cost)
        while let key = sequence.nextKey(computed: range.upperBound) {
            sequence.extendChain(by: pool.register(key, block: sequence.blockTable[sequence.chain.count]))
        }
    }

    /// Marks the planned chunks as computed, so that other sequences may use their blocks.
    package mutating func finishStep() {
        pool.finish()
    }

    /// Reserves blocks for `count` more positions; preempts the youngest sequence until there are enough.
    private mutating func reserve(_ count: Int, for sequence: EngineSequence) -> Bool {
        while !pool.extend(&sequence.blockTable, to: sequence.computed + count) {
            if preemptYoungest() === sequence { return false }
        }
        return true
    }

    /// Sends the youngest sequence back to the queue. It keeps its tokens; their positions are computed again later.
    @discardableResult
    private mutating func preemptYoungest() -> EngineSequence {
        let youngest = running.removeLast()
        release(youngest)
        waiting.insert(youngest, at: 0)
        preemptions += 1
        return youngest
    }

    /// Whether the blocks of all sequences and the free blocks make up the whole pool.
    package var isConsistent: Bool {
        pool.isConsistent(holding: (running + waiting).map(\.blockTable))
    }
}
