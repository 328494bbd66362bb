import Tensors

/// Hands out the blocks of the KV cache. Each block has one owner; what is free and what is held add up to the pool.
///
/// The block given back last is handed out first, so that a lightly loaded server touches little memory.
package struct BlockPool {
    /// Blocks in all.
    package let count: Int
    private var free: [Int32]

    /// A pool of `count` free blocks.
    package init(count: Int) {
        self.count = count
        self.free = (0..<Int32(count)).reversed()
    }

    /// Blocks that nobody holds.
    package var freeCount: Int { free.count }

    /// Blocks needed for `positions` positions.
    package static func blocks(for positions: Int) -> Int {
        (positions + KVCache.blockSize - 1) / KVCache.blockSize
    }

    /// Extends `table` until it covers `positions` positions; changes nothing and returns false if blocks run out.
    package mutating func extend(_ table: inout [Int32], to positions: Int) -> Bool {
        let missing = Self.blocks(for: positions) - table.count
        guard missing > 0 else { return true }
        guard missing <= free.count else { return false }
        for _ in 0..<missing { table.append(free.removeLast()) }
        return true
    }

    /// Takes back all blocks of `table`.
    package mutating func release(_ table: inout [Int32]) {
        free.append(contentsOf: table.reversed())
        table.removeAll()
    }

    /// Whether free and held blocks are the whole pool, each of them once.
    package func isConsistent(holding tables: [[Int32]]) -> Bool {
        let all = free + tables.joined()
        return all.count == count && Set(all).count == count && all.allSatisfy { $0 >= 0 && $0 < count }
    }
}
