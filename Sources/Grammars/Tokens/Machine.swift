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
/// Inside a rule it is deterministic: a state is a set of the grammar's nodes (Rabin and Scott 1959). A call of a rule
/// is an entry of the stack, and where several rules are possible there are several threads. Calls and returns follow
/// at once, so each thread waits for a byte.
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
        var height: Int32 = 0
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
    /// The most threads. Where an ambiguous grammar would have more, some of its texts are left out.
    static let maximumThreads = 256
    private static let maximumVisits = 2_048

    let grammar: Grammar
    private(set) var states: [State] = []
    private(set) var frames: [Frame] = []
    private var depths: [Int32] = []
    private var stateNumbers: [[Int32]: Int32] = [:]
    private var frameNumbers: [Frame: Int32] = [:]
    /// For each state and class of bytes the next state; `unknown` until it is asked for.
    private var transitions: [Int32] = []
    /// The class of each byte: the grammar never tells bytes of one class apart.
    private let classes: [UInt8]
    private let classCount: Int
    /// The greatest height of a node.
    private let greatestHeight: Int32

    /// No state.
    static let dead: Int32 = -1
    private static let unknown: Int32 = -2

    init(_ grammar: Grammar) {
        self.grammar = grammar
        greatestHeight = grammar.heights.filter { $0 != Grammar.unreachable }.max() ?? 0
        (classes, classCount) = Self.classes(of: grammar)
        clear()
    }

    /// Forgets all states and stacks.
    mutating func clear() {
        (states, frames, depths, transitions) = ([], [Frame(parent: -1, node: -1, count: 0)], [0], [])
        (stateNumbers, frameNumbers) = ([:], [:])
    }

    private static func classes(of grammar: Grammar) -> ([UInt8], Int) {
        var sets: Set<ByteSet> = []
        for case .bytes(let set, _) in grammar.nodes { sets.insert(set) }
        var classes = [UInt8](repeating: 0, count: 256)
        var count = 1
        for set in sets {
            var split: [Int: UInt8] = [:]
            var used = 0
            for byte in 0..<256 {
                let key = Int(classes[byte]) << 1 | (set.contains(UInt8(byte)) ? 1 : 0)
                if split[key] == nil {
                    split[key] = UInt8(used)
                    used += 1
                }
                classes[byte] = split[key] ?? 0
            }
            count = used
            if count == 256 { break }
        }
        return (classes, count)
    }

    /// The place at the beginning of the text.
    mutating func start() -> [Thread] {
        closed([Thread(state: state(of: grammar.starts[Int(grammar.root)]), frame: Self.bottom)])
    }

    // MARK: States and stacks

    /// The state of a node and of all nodes that follow it without a byte.
    mutating func state(of node: Int32) -> Int32 { state(from: [node]) }

    /// The state of a set of nodes, which must be closed and in order.
    mutating func state(_ nodes: [Int32]) -> Int32 {
        if let number = stateNumbers[nodes] { return number }
        var state = State(nodes: nodes, height: .max)
        for node in nodes {
            // The mark of `entry`, below.
            guard node >= 0 else { continue }
            state.height = min(state.height, grammar.heights[Int(node)])
            switch grammar.nodes[Int(node)] {
            case .end: state.isEnd = nodes[0] >= 0
            case .call, .loop, .string: state.calls.append(node)
            case .bytes: state.readsBytes = true
            case .fork: break
            }
        }
        let number = Int32(states.count)
        states.append(state)
        transitions += repeatElement(Self.unknown, count: classCount)
        stateNumbers[nodes] = number
        return number
    }

    private mutating func state(from seeds: [Int32], mark: [Int32] = []) -> Int32 {
        var nodes: Set<Int32> = []
        var forks: Set<Int32> = []
        var open = seeds
        while let node = open.popLast() {
            guard grammar.isAlive(node) else { continue }
            if case .fork(let choices) = grammar.nodes[Int(node)] {
                if forks.insert(node).inserted { open += choices }
            } else {
                nodes.insert(node)
            }
        }
        return nodes.isEmpty ? Self.dead : state(mark + nodes.sorted())
    }

    /// The first state of a rule in a loop. A round takes at least a byte, so the rule cannot end at once there.
    private mutating func entry(of rule: Int32) -> Int32 {
        let start = grammar.starts[Int(rule)]
        return grammar.matchesEmpty[Int(rule)] ? state(from: [start], mark: [-1]) : state(of: start)
    }

    /// The state after a byte within the same rule.
    mutating func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        let index = Int(state) * classCount + Int(classes[Int(byte)])
        let known = transitions[index]
        guard known == Self.unknown else { return known }
        var seeds: [Int32] = []
        for node in states[Int(state)].nodes where node >= 0 {
            if case .bytes(let set, let next) = grammar.nodes[Int(node)], set.contains(byte) { seeds.append(next) }
        }
        let next = seeds.isEmpty ? Self.dead : self.state(from: seeds)
        transitions[index] = next
        return next
    }

    /// A stack with one more entry.
    mutating func push(_ frame: Frame) -> Int32 {
        if let number = frameNumbers[frame] { return number }
        let number = Int32(frames.count)
        frames.append(frame)
        depths.append(depths[Int(frame.parent)] + 1)
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
    }

    // MARK: Steps

    /// The threads and all that they call or return to, as far as they wait for a byte or have reached the end.
    mutating func closed(_ threads: [Thread]) -> [Thread] {
        var visited: Set<Thread> = []
        var waiting: [Thread] = []
        var open = Array(threads.reversed())
        while let thread = open.popLast() {
            guard thread.state != Self.dead, waiting.count < Self.maximumThreads, visited.count < Self.maximumVisits
            else { continue }
            guard thread.state < Self.strings else {
                if visited.insert(thread).inserted { waiting.append(thread) }
                continue
            }
            guard fits(thread.state, thread.frame), visited.insert(thread).inserted else { continue }
            if isWaiting(thread) { waiting.append(thread) }
            let state = states[Int(thread.state)]
            if state.isEnd { open += returned(from: thread.frame).reversed() }
            for call in state.calls.reversed() { open.append(entered(call, from: thread.frame)) }
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
            return Thread(state: state(of: grammar.starts[Int(rule)]), frame: frame)
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

    /// The bounds of the string that a thread is in.
    func bounds(of thread: Thread) -> (minimum: Int32, maximum: Int32?) {
        guard case .string(let minimum, let maximum, _) = grammar.nodes[Int(frames[Int(thread.frame)].node)] else {
            return (0, nil)
        }
        return (minimum, maximum)
    }

    private mutating func stringStep(_ thread: Thread, _ byte: UInt8) -> [Thread] {
        let (minimum, maximum) = bounds(of: thread)
        let state = thread.state - Self.strings
        switch StringMachine.next(state, byte) {
        case StringMachine.dead: return []
        case StringMachine.closed: return thread.count >= minimum ? returned(from: thread.frame) : []
        case let next:
            var count = thread.count
            if state == StringMachine.between {
                if let maximum, count >= maximum { return [] }
                // Without a maximum only the characters up to the minimum count.
                count = maximum == nil ? min(count + 1, minimum) : count + 1
            }
            return [Thread(state: Self.strings + next, frame: thread.frame, count: count)]
        }
    }
}

/// From one state the tokens that stay inside the rule, and the places where a token's text leaves it.
final class InnerTokens: Sendable {
    let words: [UInt64]
    /// Nodes of the vocabulary's tree at which the rule may end, with more text below.
    let ends: [Int32]
    /// Nodes of the tree at which another rule may be called, with more text below, and the calling nodes.
    let calls: [(node: Int32, call: Int32)]

    init(words: [UInt64], ends: [Int32], calls: [(node: Int32, call: Int32)]) {
        self.words = words
        self.ends = ends
        self.calls = calls
    }
}
