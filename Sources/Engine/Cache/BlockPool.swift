import Tensors

/// Hands out the blocks of the KV cache, and keeps their contents until the room is needed.
///
/// Each block table that contains a block is a holder of the block. Once all positions of a block are computed, the
/// block has a key, and a sequence that begins with the same tokens holds it too instead of computing it again. A block
/// with a key and without holders is cached: it counts as free, and it is handed out only when no other block is free,
/// the least recently held block first. Of the other free blocks, the one given back last is handed out first, so a
/// lightly loaded server touches little memory.
package struct BlockPool {
    /// A block whose content is known.
    package struct Entry {
        package let block: Int32
        /// Identifies this block and all blocks before it in the keys of the blocks that follow.
        package let id: UInt64
    }

    /// The number of blocks.
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

    /// Blocks without holders, cached ones included.
    package var freeCount: Int { free.count + cached.count }

    /// Blocks without holders whose content is kept.
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

    /// Gives up one hold on each block of `table`. The last blocks count as used longer ago: without the blocks before
    /// them they are useless.
    package mutating func release(_ table: inout [Int32]) {
        for block in table.reversed() {
            holders[Int(block)] -= 1
            guard holders[Int(block)] == 0 else { continue }
            if keys[Int(block)] == nil { free.append(block) } else { cached.use(block) }
        }
        table.removeAll()
    }

    // MARK: Content

    /// The block whose content `key` describes; nil if there is none.
    package subscript(key: BlockKey) -> Entry? { entries[key] }

    /// Whether the positions of a block with a key are all computed.
    package func isFinished(_ entry: Entry) -> Bool { !unfinished.contains(entry.block) }

    /// Adds one hold on each of `blocks`.
    package mutating func hold(_ blocks: [Int32]) {
        for block in blocks {
            holders[Int(block)] += 1
            cached.remove(block)
        }
    }

    /// Gives a held block its key; `finish` marks its positions as computed. If another block has this key already,
    /// lookups go on to find that block.
    ///
    /// - Returns: the id of the block that lookups find by the key.
    package mutating func register(_ key: BlockKey, block: Int32) -> UInt64 {
        if let known = entries[key] { return known.id }
        nextID += 1
        entries[key] = Entry(block: block, id: nextID)
        keys[Int(block)] = key
        unfinished.insert(block)
        return nextID
    }

    /// Marks all blocks with keys as computed.
    package mutating func finish() {
        unfinished.removeAll(keepingCapacity: true)
    }

    /// All cached blocks with their keys, the most recently used first: a block comes after all blocks before it in its
    /// sequence.
    package var contents: [(key: BlockKey, entry: Entry)] {
        cached.newestFirst.compactMap { block in
            guard let key = keys[Int(block)], let entry = entries[key] else { return nil }
            return (key, entry)
        }
    }

    /// Reserves a free block for content that is restored from elsewhere; nil if no block is free, or another block has
    /// the key. The caller passes the block to `restore` afterwards.
    package mutating func reserve(for key: BlockKey) -> Entry? {
        guard entries[key] == nil, let block = free.popLast() else { return nil }
        _ = register(key, block: block)
        return entries[key]
    }

    /// Marks the reserved blocks as filled; the first one counts as used last.
    package mutating func restore(_ blocks: [Int32]) {
        finish()
        blocks.reversed().forEach { cached.use($0) }
    }

    /// Whether each block has as many holders as `tables` contain it, each block is free, cached or held, and keys lead
    /// to their blocks.
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
