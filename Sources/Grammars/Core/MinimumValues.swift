/// The minimum of a measure over all derivations from a node to the end of its rule, for each node of a grammar.
struct MinimumValues: Sendable {
    /// The minimum of each node; `unreachable` if no derivation leads to the end, or none within the measure's limit.
    let any: [Int32]
    /// The minimum over the derivations that read at least a byte.
    let text: [Int32]

    /// The value of nodes without a derivation.
    static let unreachable = Int32.max

    /// Finds the values by Dijkstra's algorithm for grammars (Knuth 1977, "A Generalization of Dijkstra's Algorithm"),
    /// with one bucket for each value.
    ///
    /// - Parameters:
    ///   - starts: the first node of each rule, or -1.
    ///   - matchesEmpty: whether each rule matches no text at all.
    ///   - dependents: for each node the nodes that it is a part of.
    init<Measure: DerivationMeasure>(
        _ measure: Measure.Type, nodes: [GrammarNode], starts: [Int32], matchesEmpty: [Bool], dependents: [[Int32]]
    ) {
        var search = MinimumSearch<Measure>(nodes: nodes, starts: starts, matchesEmpty: matchesEmpty)
        search.run(dependents)
        (any, text) = (search.any, search.text)
    }

    /// The minimum of a node over all derivations, or over the derivations that read at least a byte.
    func value(of node: Int32, readsText: Bool) -> Int32 { readsText ? text[Int(node)] : any[Int(node)] }
}

/// A measure of derivations. No value is less than the value of a part.
protocol DerivationMeasure {
    /// The greatest value that is told apart.
    static var limit: Int { get }
    /// The value of a byte with this rest.
    static func byte(_ rest: Int) -> Int
    /// The value of a JSON string's rest with at least `minimum` characters.
    static func string(_ minimum: Int, _ rest: Int) -> Int
    /// The value of a rule, called once.
    static func call(_ body: Int, _ rest: Int) -> Int
    /// The value of a rule, called `rounds` times.
    static func loop(_ rounds: Int, _ body: Int, _ rest: Int) -> Int
}

/// The calls inside each other, which a stack must hold.
enum StackHeight: DerivationMeasure {
    static let limit = Int(Int32.max) - 1
    static func byte(_ rest: Int) -> Int { rest }
    static func string(_ minimum: Int, _ rest: Int) -> Int { rest }
    static func call(_ body: Int, _ rest: Int) -> Int { max(body + 1, rest) }
    static func loop(_ rounds: Int, _ body: Int, _ rest: Int) -> Int { max(body + 1, rest) }
}

/// The bytes of the text.
enum TextLength: DerivationMeasure {
    /// More than any answer has.
    static let limit = 1 << 17
    static func byte(_ rest: Int) -> Int { 1 + rest }
    static func string(_ minimum: Int, _ rest: Int) -> Int { minimum + 1 + rest }
    static func call(_ body: Int, _ rest: Int) -> Int { body + rest }
    static func loop(_ rounds: Int, _ body: Int, _ rest: Int) -> Int { rounds * body + rest }

    /// A length as it is kept: `MinimumValues.unreachable` beyond the limit.
    static func kept(_ length: Int) -> Int32 { length > limit ? MinimumValues.unreachable : Int32(length) }
}

private struct MinimumSearch<Measure: DerivationMeasure> {
    /// A node whose minimum is known, over all derivations or over the derivations that read a byte.
    private struct Item {
        var node: Int32
        var isText: Bool
    }

    let nodes: [GrammarNode]
    let starts: [Int32]
    let matchesEmpty: [Bool]
    private(set) var any: [Int32]
    private(set) var text: [Int32]
    private var buckets: [[Item]] = []

    init(nodes: [GrammarNode], starts: [Int32], matchesEmpty: [Bool]) {
        (self.nodes, self.starts, self.matchesEmpty) = (nodes, starts, matchesEmpty)
        any = Array(repeating: MinimumValues.unreachable, count: nodes.count)
        text = any
    }

    mutating func run(_ dependents: [[Int32]]) {
        propose(0, Item(node: GrammarBuilder.end, isText: false))
        var value = 0
        while value < buckets.count {
            while let item = buckets[value].popLast() {
                guard self.value(item) == nil else { continue }
                if item.isText { text[Int(item.node)] = Int32(value) } else { any[Int(item.node)] = Int32(value) }
                for dependent in dependents[Int(item.node)] { follow(item, value, to: dependent) }
            }
            value += 1
        }
    }

    private func value(_ item: Item) -> Int? {
        guard item.node >= 0 else { return nil }
        let value = item.isText ? text[Int(item.node)] : any[Int(item.node)]
        return value == MinimumValues.unreachable ? nil : Int(value)
    }

    private mutating func propose(_ value: Int, _ item: Item) {
        guard value <= Measure.limit, self.value(item) == nil else { return }
        while buckets.count <= value { buckets.append([]) }
        buckets[value].append(item)
    }

    /// Proposes a value for a node that always reads a byte.
    private mutating func proposeBoth(_ value: Int, for node: Int32) {
        propose(value, Item(node: node, isText: false))
        propose(value, Item(node: node, isText: true))
    }

    /// Proposes the values of a node by one of its parts, which has just become known.
    private mutating func follow(_ part: Item, _ value: Int, to node: Int32) {
        let (any, withByte) = (Item(node: node, isText: false), Item(node: node, isText: true))
        switch nodes[Int(node)] {
        case .end: break
        // The first choice that becomes known has the minimum.
        case .fork: propose(value, part.isText ? withByte : any)
        case .bytes where !part.isText: proposeBoth(Measure.byte(value), for: node)
        case .string(let minimum, _, _) where !part.isText:
            proposeBoth(Measure.string(Int(minimum), value), for: node)
        case .bytes, .string: break
        case .call(let rule, let next):
            if part.isText, part.node == next, matchesEmpty[Int(rule)] { propose(value, withByte) }
            guard let rest = self.value(Item(node: next, isText: false)) else { return }
            for call in [any, withByte] {
                guard let body = self.value(Item(node: starts[Int(rule)], isText: call.isText)) else { continue }
                propose(Measure.call(body, rest), call)
            }
        case .loop(let rule, let minimum, _, let next):
            // A round takes at least a byte.
            guard let rest = self.value(Item(node: next, isText: false)),
                let body = self.value(Item(node: starts[Int(rule)], isText: true))
            else { return }
            proposeBoth(Measure.loop(max(1, Int(minimum)), body, rest), for: node)
        }
    }
}
