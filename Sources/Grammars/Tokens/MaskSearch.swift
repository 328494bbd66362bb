import Synchronization

/// Finds the tokens that may follow some threads, within a limit of work. At the limit it leaves out tokens of several
/// bytes. Tokens of one byte are always found, and they can spell every text.
struct MaskSearch {
    /// The limits of the work for a mask, and of that for the inside of a state: some hundredths of a second.
    private static let maximumCost = 1_000_000
    private static let maximumStates = 4_096
    /// The limit of the work for the longer tokens that end a text: about a thousandth of a second.
    private static let maximumEndingCost = 50_000

    /// The tokens that were found.
    private(set) var bits: MaskBits
    private let vocabulary: TokenVocabulary
    /// The states whose inside was counted.
    private var counted: Set<Int32> = []

    init(_ vocabulary: TokenVocabulary) {
        self.vocabulary = vocabulary
        bits = MaskBits(count: vocabulary.count)
    }

    private static func isOver(_ machine: Machine) -> Bool { machine.cost >= maximumCost }

    /// Adds the tokens that may follow a thread.
    mutating func add(_ thread: Thread, _ machine: inout Machine) {
        guard thread.state < Machine.strings else { return addString(thread, &machine) }
        guard machine.isFarFromLimit(thread.frame) else {
            // Near the limit of the stack it matters how deep a call goes.
            return walk(from: 0, [thread], &machine)
        }
        guard !Self.isOver(machine) else { return addBytes(thread.state, &machine) }
        let inner = inner(thread.state, &machine)
        if counted.insert(thread.state).inserted { machine.spend(inner.cost) }
        bits.formUnion(inner.words)
        if !inner.ends.isEmpty {
            let after = machine.closed(machine.returned(from: thread.frame))
            for node in inner.ends where !after.isEmpty {
                guard !Self.isOver(machine) else { break }
                walk(from: Int(node), after, &machine)
            }
        }
        var called: [Int32: [Thread]] = [:]
        for (node, call) in inner.calls {
            guard !Self.isOver(machine) else { break }
            let threads = called[call] ?? machine.closed([machine.entered(call, from: thread.frame)])
            called[call] = threads
            walk(from: Int(node), threads, &machine)
        }
    }

    /// Sets the tokens of a vocabulary that does not print the first blank of a text: the tokens in `words` that begin
    /// without a blank, and the tokens whose text behind the blank fits.
    mutating func addFirst(_ words: [UInt64], behind blank: Int, _ threads: [Thread], _ machine: inout Machine) {
        bits.formUnion(words)
        removeTokens(below: blank)
        bits.insert(vocabulary.tokens(at: blank))
        walk(from: blank, threads, &machine)
    }

    /// Removes the tokens whose text begins at a node of the tree.
    mutating func removeTokens(below node: Int) {
        let end = Int(vocabulary.ends[node])
        bits.remove(vocabulary.tokens[Int(vocabulary.firsts[node])..<Int(vocabulary.firsts[end])])
    }

    /// Adds tokens after which at most `room` bytes end the text: all such tokens of one byte, and longer tokens of
    /// which every byte but the last is part of a shortest ending. Longer tokens have a limit of work.
    mutating func addEnding(_ threads: [Thread], within room: Int32, _ machine: inout Machine, below node: Int = 0) {
        let left = machine.bytesToEnd(threads)
        let end = Int(vocabulary.ends[node])
        var child = node + 1
        while child < end {
            guard node == 0 || machine.cost < Self.maximumEndingCost else { return }
            let next = machine.step(threads, vocabulary.bytes[child])
            let nextLeft = machine.bytesToEnd(next)
            if nextLeft <= room { bits.insert(vocabulary.tokens(at: child)) }
            if nextLeft < left { addEnding(next, within: room, &machine, below: child) }
            child = Int(vocabulary.ends[child])
        }
    }

    private mutating func addString(_ thread: Thread, _ machine: inout Machine) {
        let (minimum, maximum) = machine.bounds(of: thread)
        let state = thread.state - Machine.strings
        let room = maximum.map { $0 - thread.count } ?? .max
        let (open, closing) = vocabulary.strings.withLock { strings in
            (strings.open(state, room: room, vocabulary), strings.closing(state, vocabulary))
        }
        bits.formUnion(open)
        let after = machine.closed(machine.returned(from: thread.frame))
        machine.spend(closing.count)
        for (node, characters) in closing where characters <= room && thread.count + characters >= minimum {
            bits.insert(vocabulary.tokens(at: Int(node)))
            walk(from: Int(node), after, &machine)
        }
    }

    /// Adds the tokens below a node of the tree that fit behind `threads`.
    private mutating func walk(from node: Int, _ threads: [Thread], _ machine: inout Machine) {
        let end = Int(vocabulary.ends[node])
        var child = node + 1
        while child < end {
            // Below the root are the tokens of one byte.
            guard node == 0 || !Self.isOver(machine) else { return }
            let next = machine.step(threads, vocabulary.bytes[child])
            if !next.isEmpty {
                bits.insert(vocabulary.tokens(at: child))
                walk(from: child, next, &machine)
            }
            child = Int(vocabulary.ends[child])
        }
    }

    /// Adds the tokens of one byte that stay inside the rule of a state.
    private mutating func addBytes(_ state: Int32, _ machine: inout Machine) {
        var node = 1
        while node < vocabulary.bytes.count {
            if machine.next(state, vocabulary.bytes[node]) != Machine.dead { bits.insert(vocabulary.tokens(at: node)) }
            node = Int(vocabulary.ends[node])
        }
    }

    private func inner(_ state: Int32, _ machine: inout Machine) -> InnerTokens {
        if let inner = machine.states[Int(state)].inner { return inner }
        let (found, cost) = machine.count { searchInner(state, &$0) }
        let inner = InnerTokens(words: found.bits.words, ends: found.ends, calls: found.calls, cost: cost)
        machine.record(inner, for: state)
        return inner
    }

    private func searchInner(
        _ state: Int32, _ machine: inout Machine
    ) -> (bits: MaskBits, ends: [Int32], calls: [(node: Int32, call: Int32)]) {
        var bits = MaskBits(count: vocabulary.count)
        var ends: [Int32] = []
        var calls: [(node: Int32, call: Int32)] = []
        var path = [Int32](repeating: state, count: vocabulary.longest + 1)
        var visited: Set<Int32> = []
        var node = 1
        while node < vocabulary.bytes.count {
            let depth = Int(vocabulary.depths[node])
            let end = Int(vocabulary.ends[node])
            let isOver = depth > 1 && (visited.count >= Self.maximumStates || Self.isOver(machine))
            let next = isOver ? Machine.dead : machine.next(path[depth - 1], vocabulary.bytes[node])
            guard next != Machine.dead else {
                node = end
                continue
            }
            if next != path[depth - 1] { visited.insert(next) }
            path[depth] = next
            bits.insert(vocabulary.tokens(at: node))
            if end > node + 1 {
                let reached = machine.states[Int(next)]
                if reached.isEnd { ends.append(Int32(node)) }
                machine.spend(4 * reached.calls.count)
                for call in reached.calls { calls.append((Int32(node), call)) }
            }
            node += 1
        }
        return (bits, ends, calls)
    }
}

/// From one state the tokens that stay inside the rule, and the places where a token's text leaves it.
final class InnerTokens: Sendable {
    let words: [UInt64]
    /// Nodes of the vocabulary's tree at which the rule may end, with more text below.
    let ends: [Int32]
    /// Nodes of the tree at which another rule may be called, with more text below, and the calling nodes.
    let calls: [(node: Int32, call: Int32)]
    /// What it cost to find them.
    let cost: Int

    init(words: [UInt64], ends: [Int32], calls: [(node: Int32, call: Int32)], cost: Int) {
        self.words = words
        self.ends = ends
        self.calls = calls
        self.cost = cost
    }
}
