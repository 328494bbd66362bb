import CKernels

/// The keys and values that a decoder has computed, in half precision, in blocks of 16 positions.
///
/// A block holds its positions' keys and values of all layers; which blocks a sequence has, in order, is its block
/// table. Blocks are the engine's to hand out: the cache itself knows of no sequences.
public final class KVCache: @unchecked Sendable {
    // Sendable: only `Compute.store` writes, to the blocks of the sequences that it is given, and the one thread that
    // runs the model calls it.

    /// Positions in a block.
    public static let blockSize = Int(APUS_KV_PAGE)

    /// Decoder layers.
    public let layers: Int
    /// Key-value heads.
    public let heads: Int
    /// Elements of a key or value.
    public let headSize: Int
    /// Blocks, numbered from 0.
    public let blocks: Int
    private let memory: LargePages
    private let base: UnsafeMutablePointer<UInt16>

    /// Takes the memory for `blocks` blocks; `headSize` is a multiple of 16 up to 256.
    public init(layers: Int, heads: Int, headSize: Int, blocks: Int) {
        precondition(layers > 0 && heads > 0 && blocks > 0)
        precondition(headSize > 0 && headSize % 16 == 0 && headSize <= Int(APUS_KV_MAX_HEAD), "head size \(headSize)")
        self.layers = layers
        self.heads = heads
        self.headSize = headSize
        self.blocks = blocks
        let count = blocks * layers * heads * headSize * Self.blockSize * 2
        self.memory = LargePages(bytes: count * 2)
        self.base = memory.base.bindMemory(to: UInt16.self, capacity: count)
    }

    /// Bytes of memory that the cache takes once all of its blocks have been written.
    public var byteCount: Int { blocks * blockStride * 2 }

    /// Halves of one head's keys and values of a layer in a block.
    private var pageSize: Int { headSize * Self.blockSize * 2 }

    /// Halves of a block: all layers together, so that memory is taken as blocks are first used.
    private var blockStride: Int { layers * heads * pageSize }

    /// The pages of one layer and head, for the sequence with this table.
    func pages(layer: Int, head: Int, table: UnsafePointer<Int32>?) -> apus_kv_pages {
        precondition(layer >= 0 && layer < layers && head >= 0 && head < heads)
        return apus_kv_pages(
            base: base + (layer * heads + head) * pageSize, stride: blockStride, table: table, head_size: headSize)
    }
}

/// The rows of a ragged batch that are consecutive positions of one sequence.
public struct SequenceSlice: Sendable {
    /// Rows of the batch's tensors.
    public var rows: Range<Int>
    /// The position of the first of them in its sequence.
    public var start: Int
    /// The cache blocks of positions 0..<16, 16..<32 and so on, as far as the last row's position at least.
    public var blockTable: [Int32]

    /// A slice of a batch.
    public init(rows: Range<Int>, start: Int, blockTable: [Int32]) {
        self.rows = rows
        self.start = start
        self.blockTable = blockTable
    }

    /// Positions of the sequence once these rows are in the cache.
    var end: Int { start + rows.count }

    func check(rows batch: Int, cache: KVCache) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= batch && start >= 0, "rows \(rows) of \(batch)")
        precondition(blockTable.count * KVCache.blockSize >= end, "\(blockTable.count) blocks for \(end) positions")
        precondition(
            blockTable.allSatisfy { $0 >= 0 && Int($0) < cache.blocks }, "a block is not in 0..<\(cache.blocks)")
    }
}
