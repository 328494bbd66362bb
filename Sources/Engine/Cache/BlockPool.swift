import Tensors

/// Hands out the blocks of the KV cache, and keeps what they hold for as long as nobody needs the room.
///
/// A block has as many holders as sequences have it in their tables. Once all of its positions are computed it has a
/// key, and whatever begins alike holds it too instead of computing it again. A block with a key that nobody holds is
/// cached: it counts as free, and when there are no others the one least recently held is handed out. Of the others the
/// one given back last is handed out first, so that a lightly loaded server touches little memory.
package struct BlockPool {
    /// A block whose content is known.
    package struct Entry {
        package let block: Int32
        /// Stands for this block and all before it in the keys of those that follow.
        package let id: UInt64
    }

    /// Blocks in all.
    package let count: Int
    private var holders: [Int]
    private var free: [Int32]
    private var cached = RecencyQueue<Int32>()
    private var entries: [BlockKey: Entry] = [:]
    private var keys: [BlockKey?]
    /// Blocks with a key whose positions the running step computes.
    private var unfinished: Set<Int32> = []
    private var nextID: UInt64 = 0

    /// A pool of `count` free blocks.
    package init(count: Int) {
        self.count = count
        self.holders = Array(repeating: 0, count: count)
        self.free = (0..<Int32(count)).reversed()
        self.keys = Array(repeating: nil, count: count)
    }

    /// Blocks that nobody holds, cached ones among them.
    package var freeCount: Int { free.count + cached.count }

    /// Blocks that nobody holds and whose content is kept.
    package var cachedCount: Int { cached.count }

    /// Blocks needed for `positions` positions.
    package static func blocks(for positions: Int) -> Int {
        (positions + KVCache.blockSize - 1) / KVCache.blockSize
    }

    /// Extends `table` until it covers `positions` positions; changes nothing and returns false if blocks run out.
    package mutating func extend(_ table: inout [Int32], to positions: Int) -> Bool {
        let missing = Self.blocks(for: positions) - table.count
        guard missing > 0 else { return true }
        guard missing <= freeCount else { return false }
        for _ in 0..<missing {
            guard let block = free.popLast() ?? evict() else { preconditionFailure("free blocks were counted") }
            holders[Int(block)] = 1
            table.append(block)
        }
        return true
    }

    private mutating func evict() -> Int32? {
        guard let block = cached.removeOldest() else { return nil }
        if let key = keys[Int(block)] { entries[key] = nil }
        keys[Int(block)] = nil
        return block
    }

    /// Gives up one hold on each block of `table`. The last ones count as used longer ago: without those before them
    /// they are of no use.
    package mutating func release(_ table: inout [Int32]) {
        for block in table.reversed() {
            holders[Int(block)] -= 1
            guard holders[Int(block)] == 0 else { continue }
            if keys[Int(block)] == nil { free.append(block) } else { cached.use(block) }
        }
        table.removeAll()
    }

    // MARK: Content

    /// The block that holds what `key` says; nil if there is none.
    package subscript(key: BlockKey) -> Entry? { entries[key] }

    /// Whether the positions of a block with a key are all computed.
    package func isFinished(_ entry: Entry) -> Bool { !unfinished.contains(entry.block) }

    /// One more hold on each of `blocks`.
    package mutating func hold(_ blocks: [Int32]) {
        for block in blocks {
            holders[Int(block)] += 1
            cached.remove(block)
        }
    }

    /// Gives a held block its key; `finish` says when its positions are computed. If another block holds the same
    /// already, that one stays the one to be found.
    ///
    /// - Returns: the id of whichever is found by the key.
    package mutating func register(_ key: BlockKey, block: Int32) -> UInt64 {
        if let known = entries[key] { return known.id }
        nextID += 1
        entries[key] = Entry(block: block, id: nextID)
        keys[Int(block)] = key
        unfinished.insert(block)
        return nextID
    }

    /// All blocks with keys are computed.
    package mutating func finish() {
        unfinished.removeAll(keepingCapacity: true)
    }

    /// Whatever is cached with its key, what was used last first: a block comes after all that stand before it.
    package var contents: [(key: BlockKey, entry: Entry)] {
        cached.newestFirst.compactMap { block in
            guard let key = keys[Int(block)], let entry = entries[key] else { return nil }
            return (key, entry)
        }
    }

    /// A free block for what is known already and held by nobody; nil if no block is free, or another one has the key.
    /// `restore` must be told of it.
    package mutating func reserve(for key: BlockKey) -> Entry? {
        guard entries[key] == nil, let block = free.popLast() else { return nil }
        _ = register(key, block: block)
        return entries[key]
    }

    /// The blocks that were reserved hold what their keys say; the first one counts as used last.
    package mutating func restore(_ blocks: [Int32]) {
        finish()
        blocks.reversed().forEach { cached.use($0) }
    }

    /// Whether each block is held as often as `tables` have it and is free, cached or held, and keys lead to their
    /// blocks.
    package func isConsistent(holding tables: [[Int32]]) -> Bool {
        var found = Array(repeating: 0, count: count)
        for block in tables.joined() { found[Int(block)] += 1 }
        let unheld = (0..<Int32(count)).filter { holders[Int($0)] == 0 }
        let isKeyed = entries.allSatisfy { keys[Int($1.block)] == $0 }
        return found == holders && isKeyed && entries.count == keys.count { $0 != nil }
            && unheld.count == free.count + cached.count
            && unheld.allSatisfy { cached.contains($0) == (keys[Int($0)] != nil) }
            && Set(free).count == free.count && free.allSatisfy { holders[Int($0)] == 0 && keys[Int($0)] == nil }
    }
}
