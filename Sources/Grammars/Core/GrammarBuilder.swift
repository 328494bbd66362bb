/// A step of a grammar: a state of a machine over bytes that can call rules, as procedures with a stack.
enum GrammarNode: Sendable {
    /// The end of a rule.
    case end
    /// One of these bytes, then `next`.
    case bytes(ByteSet, next: Int32)
    /// Any of these nodes, without a byte.
    case fork([Int32])
    /// A rule, then `next`.
    case call(rule: Int32, next: Int32)
    /// A rule at least `minimum` times, at least once, and at most `maximum` times, then `next`. The count is on the
    /// stack, so it takes no states. A round takes at least a byte.
    case loop(rule: Int32, minimum: Int32, maximum: Int32, next: Int32)
    /// The rest of a JSON string up to its closing quote, with a number of characters, then `next`.
    case string(minimum: Int32, maximum: Int32?, next: Int32)
}

/// Builds a grammar from its end to its beginning: each part is given the node that follows it.
struct GrammarBuilder {
    /// The limit of memory: a node takes about 50 bytes.
    static let maximumNodes = 200_000

    /// The end of every rule.
    static let end: Int32 = 0

    private(set) var nodes: [GrammarNode] = [.end]
    /// The first node of each rule; nil until it is defined.
    private(set) var rules: [Int32?] = []
    /// What the compilation may still cost.
    let work: WorkBudget
    private var known: [BytesKey: Int32] = [:]

    private struct BytesKey: Hashable {
        var bytes: ByteSet
        var next: Int32
    }

    /// A builder of an empty grammar.
    init(work: WorkBudget) {
        self.work = work
    }

    /// Adds a node.
    mutating func add(_ node: GrammarNode) throws(GrammarError) -> Int32 {
        try work.spend()
        guard nodes.count < Self.maximumNodes else { throw .tooLarge }
        nodes.append(node)
        return Int32(nodes.count - 1)
    }

    /// Declares a rule, which `define` gives its first node.
    mutating func declareRule() -> Int32 {
        rules.append(nil)
        return Int32(rules.count - 1)
    }

    /// Gives a rule its first node.
    mutating func define(_ rule: Int32, start: Int32) {
        rules[Int(rule)] = start
    }

    /// A node that `setFork` completes; for loops.
    mutating func declareFork() throws(GrammarError) -> Int32 { try add(.fork([])) }

    /// Completes a fork.
    mutating func setFork(_ fork: Int32, _ nodes: [Int32]) {
        self.nodes[Int(fork)] = .fork(nodes)
    }

    /// One of the bytes. Equal nodes exist once, so the ends of characters are shared.
    mutating func bytes(_ bytes: ByteSet, next: Int32) throws(GrammarError) -> Int32 {
        let key = BytesKey(bytes: bytes, next: next)
        if let node = known[key] {
            try work.spend()
            return node
        }
        let node = try add(.bytes(bytes, next: next))
        known[key] = node
        return node
    }

    /// These bytes in a row.
    mutating func literal(_ text: some BidirectionalCollection<UInt8>, next: Int32) throws(GrammarError) -> Int32 {
        var node = next
        for byte in text.reversed() { node = try bytes(ByteSet(byte), next: node) }
        return node
    }

    /// The text in UTF-8.
    mutating func literal(_ text: String, next: Int32) throws(GrammarError) -> Int32 {
        try literal(Array(text.utf8), next: next)
    }

    /// Any of the nodes. Bytes with the same successor become one node.
    mutating func choice(_ choices: [Int32]) throws(GrammarError) -> Int32 {
        try work.spend(1 + choices.count / 4)
        var sets: [(next: Int32, bytes: ByteSet, node: Int32?)] = []
        var indices: [Int32: Int] = [:]
        var others: [Int32] = []
        for choice in choices {
            guard case .bytes(let set, let next) = nodes[Int(choice)] else {
                if others.count > 64 || !others.contains(choice) { others.append(choice) }
                continue
            }
            if let index = indices[next] {
                sets[index].bytes.formUnion(set)
                sets[index].node = nil
            } else {
                indices[next] = sets.count
                sets.append((next, set, choice))
            }
        }
        var merged: [Int32] = []
        for set in sets {
            if let node = set.node { merged.append(node) } else { merged.append(try bytes(set.bytes, next: set.next)) }
        }
        merged += others
        return merged.count == 1 ? merged[0] : try add(.fork(merged))
    }

    /// One of these rows of bytes. They share their beginnings, so that a machine has few states to follow.
    mutating func words(_ words: [[UInt8]], next: Int32) throws(GrammarError) -> Int32 {
        var tree = WordTree<UInt8>()
        for word in words {
            try work.spend(word.count + 1)
            tree.add(word)
        }
        return try tree.fold { isWord, branches throws(GrammarError) in
            var choices: [Int32] = []
            for (byte, node) in branches { choices.append(try bytes(ByteSet(byte), next: node)) }
            if isWord { choices.append(next) }
            return try choice(choices)
        }
    }

    /// One of the scalars, in UTF-8.
    mutating func scalars(_ set: ScalarSet, next: Int32) throws(GrammarError) -> Int32 {
        var starts: [Int32] = []
        for sequence in set.utf8 {
            var node = next
            for range in sequence.reversed() { node = try bytes(ByteSet(range), next: node) }
            starts.append(node)
        }
        return try choice(starts)
    }

    /// Nothing: no text fits.
    mutating func never() throws(GrammarError) -> Int32 { try add(.fork([])) }

    /// A part at least `minimum` and at most `maximum` times (nil: any number).
    ///
    /// Few repetitions are written out. Many are a loop that counts on the stack, of which each round is a row of
    /// several repetitions: so a round has states of its own, whose masks are known, and memory stays small.
    ///
    /// - Parameters:
    ///   - size: about how many nodes the part has.
    ///   - matchesEmpty: whether the part may match no text at all.
    mutating func repetition(
        _ minimum: Int, _ maximum: Int?, size: Int, matchesEmpty: Bool, next: Int32,
        _ part: (inout GrammarBuilder, _ next: Int32) throws(GrammarError) -> Int32
    ) throws(GrammarError) -> Int32 {
        let size = max(1, size)
        // As many empty parts as are needed always match.
        let minimum = matchesEmpty ? 0 : minimum
        let counted = maximum ?? minimum
        if counted <= Self.writtenOut / size {
            return try writtenOut(minimum, maximum, next: next, part)
        }
        guard let maximum else {
            let star = try writtenOut(0, nil, next: next, part)
            return try repetition(minimum, minimum, size: size, matchesEmpty: matchesEmpty, next: star, part)
        }
        let row = max(1, Self.writtenOut / 8 / size)
        let rule = declareRule()
        define(rule, start: try writtenOut(row, row, next: Self.end, part))
        let optional = maximum - minimum
        var node = next
        if optional > 0 {
            let rows = optional / row
            let rest = try writtenOut(0, optional % row, next: next, part)
            let last = try loop(rule, rows, rows, next: rest)
            if rows > 0, row > 1 {
                let partial = try writtenOut(0, row - 1, next: next, part)
                node = try choice([try loop(rule, 0, rows - 1, next: partial), last])
            } else {
                node = rows > 0 ? try loop(rule, 0, rows, next: next) : last
            }
        }
        node = try writtenOut(minimum % row, minimum % row, next: node, part)
        return try loop(rule, minimum / row, minimum / row, next: node)
    }

    /// About the number of nodes up to which repetitions are written out.
    private static let writtenOut = 512

    private mutating func loop(
        _ rule: Int32, _ minimum: Int, _ maximum: Int, next: Int32
    ) throws(GrammarError) -> Int32 {
        guard maximum > 0 else { return next }
        let loop = try add(
            .loop(rule: rule, minimum: Int32(clamping: minimum), maximum: Int32(clamping: maximum), next: next))
        return minimum == 0 ? try choice([loop, next]) : loop
    }

    private mutating func writtenOut(
        _ minimum: Int, _ maximum: Int?, next: Int32,
        _ part: (inout GrammarBuilder, _ next: Int32) throws(GrammarError) -> Int32
    ) throws(GrammarError) -> Int32 {
        var node = next
        if let maximum {
            for _ in 0..<maximum - minimum { node = try choice([try part(&self, node), next]) }
        } else {
            node = try declareFork()
            setFork(node, [try part(&self, node), next])
        }
        for _ in 0..<minimum { node = try part(&self, node) }
        return node
    }
}
