/// Merges the tokens of one word: always the pair with the lowest rank; of equal pairs, the leftmost (Sennrich et al.
/// 2016).
///
/// The word is a linked list, and the pairs that can merge are in a heap. A word of n bytes takes O(n log n), so a
/// megabyte without spaces is no attack. One merger serves many words, so that it can reuse its memory.
struct BytePairMerger {
    private let table: MergeTable
    private var symbols: [Symbol] = []
    private var queue = MergeHeap()

    private struct Symbol {
        var id: Int32  // -1 once merged into its left neighbour
        var previous: Int32
        var next: Int32  // symbols.count at the end
    }

    init(_ table: MergeTable) {
        self.table = table
    }

    /// Merges `word`, given as tokens of single bytes, and appends the resulting tokens to `output`.
    mutating func merge(_ word: [Int32], into output: inout [Int32]) {
        symbols.removeAll(keepingCapacity: true)
        for (i, id) in word.enumerated() {
            symbols.append(Symbol(id: id, previous: Int32(i) - 1, next: Int32(i) + 1))
        }
        for left in 0..<max(0, word.count - 1) { enqueue(left) }
        while let pending = queue.popMinimum() { apply(pending) }
        var at = 0
        while at < symbols.count {
            output.append(symbols[at].id)
            at = Int(symbols[at].next)
        }
    }

    private mutating func enqueue(_ left: Int) {
        let right = Int(symbols[left].next)
        guard right < symbols.count, let merge = table.merge(symbols[left].id, symbols[right].id) else { return }
        queue.insert(Merge(rank: merge.rank, left: UInt32(left)))
    }

    // A pending merge is stale once a neighbour's merge has changed its pair: then the pair has another rank.
    private mutating func apply(_ pending: Merge) {
        let left = Int(pending.left)
        let right = Int(symbols[left].next)
        guard symbols[left].id >= 0, right < symbols.count,
            let merge = table.merge(symbols[left].id, symbols[right].id), merge.rank == pending.rank
        else { return }
        let next = symbols[right].next
        symbols[left].id = merge.merged
        symbols[left].next = next
        symbols[right].id = -1
        if Int(next) < symbols.count { symbols[Int(next)].previous = Int32(left) }
        if symbols[left].previous >= 0 { enqueue(Int(symbols[left].previous)) }
        enqueue(left)
    }
}

/// A pair that may merge, ordered by rank, then by position.
private struct Merge {
    private let order: UInt64

    init(rank: UInt32, left: UInt32) {
        order = UInt64(rank) << 32 | UInt64(left)
    }

    var rank: UInt32 { UInt32(truncatingIfNeeded: order >> 32) }
    var left: UInt32 { UInt32(truncatingIfNeeded: order) }

    static func < (a: Merge, b: Merge) -> Bool { a.order < b.order }
}

/// A binary heap of candidates, smallest first.
private struct MergeHeap {
    private var items: [Merge] = []

    mutating func insert(_ item: Merge) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard item < items[parent] else { break }
            items[child] = items[parent]
            child = parent
        }
        items[child] = item
    }

    mutating func popMinimum() -> Merge? {
        guard let last = items.popLast() else { return nil }
        guard let minimum = items.first else { return last }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < items.count else { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            guard items[child] < last else { break }
            items[parent] = items[child]
            parent = child
        }
        items[parent] = last
        return minimum
    }
}
