/// A place in a grammar: a state inside one rule, and the rules around it.
struct Thread: Hashable {
    /// A state of the machine; from `Machine.strings` on, one of `StringMachine`.
    var state: Int32
    /// The stack.
    var frame: Int32
    /// The characters of the string so far, as far as its bounds need them.
    var count: Int32 = 0
}

/// A grammar's machine over bytes, built as texts ask for it.
///
/// Inside a rule it is deterministic: a state is a set of the grammar's nodes (Rabin and Scott). A call of a rule is an
/// entry of the stack, and where several rules are possible there are several threads. Calls and returns follow at
/// once, so each thread waits for a byte.
struct Machine {
    struct State {
        /// The nodes, in order.
        var nodes: [Int32] = []
        /// The nodes among them that call: rules, loops and strings.
        var calls: [Int32] = []
        /// Whether the rule may end here.
        var isEnd = false
        /// Whether a byte may follow within the rule.
        var readsBytes = false
        /// The least number of calls inside each other until the end of the rule.
        var height = MinimumValues.unreachable
        /// The minimum number of bytes until the end of the rule.
        var length = MinimumValues.unreachable
        /// The tokens that stay inside the rule; nil until they are asked for.
        var inner: InnerTokens?
    }

    struct Frame: Hashable {
        var parent: Int32
        /// Where the rule was called: the node behind a call or a string, or the loop itself.
        var node: Int32
        /// The rounds of a loop so far.
        var count: Int32
    }

    /// The number of the first state inside strings.
    static let strings: Int32 = 1 << 30
    /// The stack of the outermost rule.
    static let bottom: Int32 = 0
    /// Upper bounds on threads, on the nodes of a state, and on the nodes of all threads but the first. An ambiguous
    /// grammar that needs more loses some of its texts. The remaining texts still come to an end.
    private static let maximumThreads = 256
    private static let maximumNodes = 2_048
    private static let maximumVisits = 2_048

    let grammar: Grammar
    private(set) var states: [State] = []
    private(set) var frames: [Frame] = []
    private var depths: [Int32] = []
    /// For each stack the minimum number of bytes from its return to the end of the text.
    private(set) var rests: [Int32] = []
    private var stateNumbers: [[Int32]: Int32] = [:]
    private var frameNumbers: [Frame: Int32] = [:]
    /// The states of single nodes, and the first states of called rules by the rule's complement.
    private var entries: [Int32: Int32] = [:]
    /// For each state and class of bytes the next state; `unknown` until it is asked for.
    private var transitions: [Int32] = []
    /// How many nodes had to be looked at for each transition.
    private var efforts: [UInt16] = []
    /// What the steps so far have cost, in units of a few nanoseconds. A transition costs as much whether or not it is
    /// known already, so that the cost depends on the grammar and the text alone.
    private(set) var cost = 0
    /// The costly transitions that were counted.
    private var counted: Set<Int> = []
    /// About the number of integers that are kept.
    private(set) var size = 0
    private let classes: ByteClasses
    /// The greatest height of a node.
    private let greatestHeight: Int32

    /// No state.
    static let dead: Int32 = -1
    private static let unknown: Int32 = -2

    init(_ grammar: Grammar) {
        self.grammar = grammar
        greatestHeight =
            (grammar.heights.any + grammar.heights.text).filter { $0 != MinimumValues.unreachable }.max() ?? 0
        classes = ByteClasses(grammar.nodes)
        clear()
    }

    /// Forgets all states and stacks.
    mutating func clear() {
        (states, frames, depths, rests) = ([], [Frame(parent: -1, node: -1, count: 0)], [0], [0])
        (transitions, efforts, size) = ([], [], 0)
        (stateNumbers, frameNumbers, entries) = ([:], [:], [:])
    }

    // MARK: Costs

    /// Counts the cost of `work`, in which every costly transition counts once, whatever was counted before.
    mutating func count<Result>(_ work: (inout Machine) -> Result) -> (result: Result, cost: Int) {
        let (outer, outerCost) = (counted, cost)
        (counted, cost) = ([], 0)
        defer { (counted, cost) = (outer, outerCost) }
        return (work(&self), cost)
    }

    /// Counts work elsewhere.
    mutating func spend(_ units: Int) { cost += units }

    private mutating func spend(onTransition index: Int) {
        let effort = Int(efforts[index])
        // A few nodes cost no more than to look the transition up.
        cost += effort > 8 && counted.insert(index).inserted ? 4 * effort : 1
    }

    /// The place at the beginning of the text.
    mutating func start() -> [Thread] {
        closed([Thread(state: state(of: grammar.starts[Int(grammar.root)]), frame: Self.bottom)])
    }

    // MARK: States and stacks

    /// The state of a node and of all nodes that follow it without a byte.
    mutating func state(of node: Int32) -> Int32 {
        if let known = entries[node] { return known }
        let state = state(from: [node]).state
        entries[node] = state
        return state
    }

    /// The state of a set of nodes, which must be closed and in order.
    mutating func state(_ nodes: [Int32]) -> Int32 {
        if let number = stateNumbers[nodes] { return number }
        var state = State(nodes: nodes)
        // The mark of `entry`, below.
        let isMarked = nodes[0] < 0
        for node in nodes where node >= 0 {
            state.height = min(state.height, grammar.heights.value(of: node, readsText: isMarked))
            state.length = min(state.length, grammar.lengths.value(of: node, readsText: isMarked))
            switch grammar.nodes[Int(node)] {
            case .end: state.isEnd = !isMarked
            case .call(let rule, _), .loop(let rule, _, _, _):
                if grammar.matchesText(rule) { state.calls.append(node) }
            case .string: state.calls.append(node)
            case .bytes: state.readsBytes = true
            case .fork: break
            }
        }
        let number = Int32(states.count)
        states.append(state)
        transitions += repeatElement(Self.unknown, count: classes.count)
        efforts += repeatElement(0, count: classes.count)
        size += 2 * classes.count + nodes.count
        stateNumbers[nodes] = number
        return number
    }

    /// The state of `seeds` and of all nodes behind them that need no byte, and the number of nodes visited.
    private mutating func state(from seeds: [Int32], mark: [Int32] = []) -> (state: Int32, effort: Int) {
        var nodes: Set<Int32> = []
        var forks: Set<Int32> = []
        var open: [[Int32]] = []
        var effort = 0
        func isFull() -> Bool {
            !nodes.isEmpty && (nodes.count >= Self.maximumNodes || effort >= 4 * Self.maximumNodes)
        }
        func see(_ node: Int32) {
            effort += 1
            guard grammar.isAlive(node) else { return }
            switch grammar.nodes[Int(node)] {
            case .fork(let choices): if forks.insert(node).inserted { open.append(choices) }
            // `entered` leaves out the empty text of a rule: here what follows it is seen at once.
            case .call(let rule, let next) where grammar.matchesEmpty[Int(rule)]:
                if nodes.insert(node).inserted { open.append([next]) }
            case .end, .bytes, .call, .loop, .string: nodes.insert(node)
            }
        }
        for seed in seeds where !isFull() { see(seed) }
        while !isFull(), let following = open.popLast() {
            for node in following where !isFull() { see(node) }
        }
        return (nodes.isEmpty ? Self.dead : state(mark + nodes.sorted()), effort)
    }

    /// The first state of a rule that is called. It cannot end at once, so that calls of many rules that match the
    /// empty text, one inside the other, are not followed in all their ways.
    private mutating func entry(of rule: Int32) -> Int32 {
        let start = grammar.starts[Int(rule)]
        guard grammar.matchesEmpty[Int(rule)] else { return state(of: start) }
        if let known = entries[~rule] { return known }
        let state = state(from: [start], mark: [-1]).state
        entries[~rule] = state
        return state
    }

    /// The state after a byte within the same rule.
    mutating func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        let index = Int(state) * classes.count + Int(classes[byte])
        if transitions[index] == Self.unknown { find(index, from: states[Int(state)].nodes, byte) }
        spend(onTransition: index)
        return transitions[index]
    }

    private mutating func find(_ index: Int, from nodes: [Int32], _ byte: UInt8) {
        var seeds: [Int32] = []
        for node in nodes where node >= 0 {
            if case .bytes(let set, let next) = grammar.nodes[Int(node)], set.contains(byte) { seeds.append(next) }
        }
        let (next, effort) = seeds.isEmpty ? (Self.dead, 0) : self.state(from: seeds)
        transitions[index] = next
        efforts[index] = UInt16(clamping: nodes.count + effort)
    }

    /// A stack with one more entry.
    mutating func push(_ frame: Frame) -> Int32 {
        if let number = frameNumbers[frame] { return number }
        let number = Int32(frames.count)
        frames.append(frame)
        depths.append(depths[Int(frame.parent)] + 1)
        rests.append(TextLength.kept(rest(after: frame) + Int(rests[Int(frame.parent)])))
        frameNumbers[frame] = number
        return number
    }

    /// Whether the limit of the stack can play no role until the rule on top of it ends.
    func isFarFromLimit(_ frame: Int32) -> Bool {
        depths[Int(frame)] + greatestHeight <= Grammar.maximumDepth
    }

    /// Whether a thread can still come to an end within the limit of the stack.
    private func fits(_ state: Int32, _ frame: Int32) -> Bool {
        depths[Int(frame)] + states[Int(state)].height <= Grammar.maximumDepth
    }

    /// Records the tokens that stay inside the rule of a state.
    mutating func record(_ inner: InnerTokens, for state: Int32) {
        states[Int(state)].inner = inner
        size += 2 * inner.words.count + inner.ends.count + 2 * inner.calls.count
    }

    // MARK: Steps

    /// The threads and all that they call or return to, as far as they wait for a byte or have reached the end.
    mutating func closed(_ threads: [Thread]) -> [Thread] {
        var visited: Set<Thread> = []
        var waiting: [Thread] = []
        var open = Array(threads.reversed())
        var (nodes, calls) = (0, 0)
        while let thread = open.popLast() {
            if !waiting.isEmpty, waiting.count >= Self.maximumThreads || visited.count >= Self.maximumVisits { break }
            spend(16)
            guard thread.state != Self.dead else { continue }
            guard thread.state < Self.strings else {
                if visited.insert(thread).inserted { waiting.append(thread) }
                continue
            }
            guard fits(thread.state, thread.frame), visited.insert(thread).inserted else { continue }
            let state = states[Int(thread.state)]
            if isWaiting(thread) {
                // The first one may always stay.
                let count = waiting.isEmpty ? 0 : state.nodes.count
                if nodes + count <= Self.maximumNodes {
                    waiting.append(thread)
                    nodes += count
                }
            }
            if state.isEnd { open += returned(from: thread.frame).reversed() }
            let entered = state.calls.prefix(max(1, Self.maximumVisits - calls))
            calls += entered.count
            spend(16 * entered.count)
            for call in entered.reversed() { open.append(self.entered(call, from: thread.frame)) }
        }
        return waiting
    }

    private func isWaiting(_ thread: Thread) -> Bool {
        states[Int(thread.state)].readsBytes || hasEnded(thread)
    }

    /// Whether the text may end at this place.
    func hasEnded(_ thread: Thread) -> Bool {
        thread.frame == Self.bottom && thread.state < Self.strings && states[Int(thread.state)].isEnd
    }

    /// The beginning of what a node calls.
    mutating func entered(_ call: Int32, from frame: Int32) -> Thread {
        switch grammar.nodes[Int(call)] {
        case .call(let rule, let next):
            // Where nothing follows the call, the rule returns to where this one does: lists may go on for ever.
            let frame = next == GrammarBuilder.end ? frame : push(Frame(parent: frame, node: next, count: 0))
            return Thread(state: entry(of: rule), frame: frame)
        case .loop(let rule, _, _, _):
            let frame = push(Frame(parent: frame, node: call, count: 1))
            return Thread(state: entry(of: rule), frame: frame)
        case .string:
            return Thread(
                state: Self.strings + StringMachine.between, frame: push(Frame(parent: frame, node: call, count: 0)))
        case .end, .bytes, .fork: return Thread(state: Self.dead, frame: frame)
        }
    }

    /// Where the rule on top of a stack returns to.
    mutating func returned(from frame: Int32) -> [Thread] {
        guard frame != Self.bottom else { return [] }
        let top = frames[Int(frame)]
        switch grammar.nodes[Int(top.node)] {
        case .loop(let rule, let minimum, let maximum, let next):
            var threads: [Thread] = []
            if top.count < maximum {
                let round = push(Frame(parent: top.parent, node: top.node, count: top.count + 1))
                threads.append(Thread(state: entry(of: rule), frame: round))
            }
            if top.count >= minimum { threads.append(Thread(state: state(of: next), frame: top.parent)) }
            return threads
        case .string(_, _, let next): return [Thread(state: state(of: next), frame: top.parent)]
        case .end, .bytes, .fork, .call: return [Thread(state: state(of: top.node), frame: top.parent)]
        }
    }

    /// The threads after a byte.
    mutating func step(_ threads: [Thread], _ byte: UInt8) -> [Thread] {
        var after: [Thread] = []
        spend(4 * threads.count)
        for thread in threads {
            if thread.state < Self.strings {
                let state = self.next(thread.state, byte)
                if state != Self.dead { after.append(Thread(state: state, frame: thread.frame)) }
            } else {
                after += stringStep(thread, byte)
            }
        }
        return after.isEmpty ? [] : closed(after)
    }

    /// The threads after a text.
    mutating func steps(_ threads: [Thread], _ text: ArraySlice<UInt8>) -> [Thread] {
        var threads = threads
        for byte in text where !threads.isEmpty { threads = step(threads, byte) }
        return threads
    }
}
