/// A complete grammar: checked, and without parts that no text can finish.
struct Grammar: Sendable {
    let nodes: [GrammarNode]
    /// The first node of each rule.
    let starts: [Int32]
    let root: Int32
    /// The further calls inside each other until the end of a node's rule. So a machine with a bounded stack knows
    /// where it may go.
    let heights: MinimumValues
    /// The bytes until the end of a node's rule. So an answer knows when it must come to its end.
    let lengths: MinimumValues
    /// Whether a rule matches the empty text.
    let matchesEmpty: [Bool]

    /// The greatest number of calls inside each other.
    static let maximumDepth: Int32 = 192

    /// Checks the grammar that `builder` has built.
    ///
    /// - Parameter spelled: the bytes that have a token of their own. Others are never asked for.
    init(_ builder: GrammarBuilder, root: Int32, spelled: ByteSet) throws(GrammarError) {
        nodes = builder.nodes.map { node in
            guard case .bytes(var set, let next) = node else { return node }
            set.formIntersection(spelled)
            return .bytes(set, next: next)
        }
        // A rule that was never defined has no text.
        starts = builder.rules.map { $0 ?? -1 }
        self.root = root
        let dependents = Self.dependents(of: nodes, starts)
        matchesEmpty = Self.emptyRules(nodes: nodes, starts: starts, dependents: dependents)
        heights = MinimumValues(
            StackHeight.self, nodes: nodes, starts: starts, matchesEmpty: matchesEmpty, dependents: dependents)
        lengths = MinimumValues(
            TextLength.self, nodes: nodes, starts: starts, matchesEmpty: matchesEmpty, dependents: dependents)
        let start = starts[Int(root)]
        guard start >= 0, isAlive(start) else { throw GrammarError("no text fits it") }
        guard heights.any[Int(start)] < Self.maximumDepth else {
            throw GrammarError("every text needs more than \(Self.maximumDepth) rules inside each other")
        }
        try checkLeftRecursion()
    }

    /// Whether the node can lead to the end of its rule.
    func isAlive(_ node: Int32) -> Bool { heights.any[Int(node)] != MinimumValues.unreachable }

    /// Whether a rule matches a text that is not empty.
    func matchesText(_ rule: Int32) -> Bool {
        let start = starts[Int(rule)]
        return start >= 0 && heights.text[Int(start)] != MinimumValues.unreachable
    }

    // MARK: Checks

    /// For each node the nodes whose values depend on it: the nodes before it, and calls of the rule that it begins.
    private static func dependents(of nodes: [GrammarNode], _ starts: [Int32]) -> [[Int32]] {
        var dependents = [[Int32]](repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated() {
            let needed: [Int32] =
                switch node {
                case .end: []
                case .bytes(let set, let next): set.isEmpty ? [] : [next]
                case .fork(let choices): choices
                case .call(let rule, let next), .loop(let rule, _, _, let next): [starts[Int(rule)], next]
                case .string(_, _, let next): [next]
                }
            for part in needed where part >= 0 { dependents[Int(part)].append(Int32(index)) }
        }
        return dependents
    }

    /// Whether each rule matches no text at all. A node leads to the end of its rule without a byte if what it depends
    /// on does, so each is looked at once for each of its parts.
    private static func emptyRules(nodes: [GrammarNode], starts: [Int32], dependents: [[Int32]]) -> [Bool] {
        var empty = [Bool](repeating: false, count: nodes.count)
        var open = [GrammarBuilder.end]
        while let node = open.popLast() {
            guard !empty[Int(node)] else { continue }
            empty[Int(node)] = true
            for dependent in dependents[Int(node)] {
                switch nodes[Int(dependent)] {
                case .fork: open.append(dependent)
                case .call(let rule, let next):
                    let start = starts[Int(rule)]
                    if start >= 0, empty[Int(start)], empty[Int(next)] { open.append(dependent) }
                case .end, .bytes, .loop, .string: break
                }
            }
        }
        return starts.map { $0 >= 0 && empty[Int($0)] }
    }

    /// The nodes that can be reached from `start` without a byte. `visit` sees each once, and returns the nodes that
    /// follow it without a byte.
    private static func visit(
        from start: Int32, of nodes: [GrammarNode], seen: inout [Int32], mark: Int32, _ visit: (Int32) -> [Int32]
    ) {
        var open = [start]
        while let node = open.popLast() {
            guard node >= 0, seen[Int(node)] != mark else { continue }
            seen[Int(node)] = mark
            open += visit(node)
        }
    }

    /// Throws if a rule calls itself before any byte: then the stack would grow without end.
    private func checkLeftRecursion() throws(GrammarError) {
        var called: [[Int32]] = []
        var seen = [Int32](repeating: -1, count: nodes.count)
        for (rule, start) in starts.enumerated() {
            var rules: Set<Int32> = []
            Self.visit(from: start, of: nodes, seen: &seen, mark: Int32(rule)) { node in
                switch nodes[Int(node)] {
                case .end, .bytes, .string: return []
                case .fork(let choices): return choices
                case .call(let rule, let next):
                    rules.insert(rule)
                    return matchesEmpty[Int(rule)] ? [next] : []
                case .loop(let rule, _, _, let next):
                    rules.insert(rule)
                    return matchesEmpty[Int(rule)] ? [next] : []
                }
            }
            called.append(rules.sorted())
        }
        guard !Self.hasCycle(called) else {
            throw GrammarError("a rule begins with itself, which has no end (left recursion)")
        }
    }

    private static func hasCycle(_ edges: [[Int32]]) -> Bool {
        // The number of callers that were not visited yet; without a cycle all rules come to zero.
        var callers = [Int](repeating: 0, count: edges.count)
        for targets in edges { for target in targets { callers[Int(target)] += 1 } }
        var open = callers.indices.filter { callers[$0] == 0 }
        var visited = 0
        while let rule = open.popLast() {
            visited += 1
            for target in edges[rule] {
                callers[Int(target)] -= 1
                if callers[Int(target)] == 0 { open.append(Int(target)) }
            }
        }
        return visited < edges.count
    }
}
