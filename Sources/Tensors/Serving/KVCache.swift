import CKernels

/// The keys and values that a decoder has computed, in blocks of 16 positions.
///
/// A block holds its positions' keys and values of all layers; which blocks a sequence has, in order, is its block
/// table. Blocks are the engine's to hand out: the cache itself knows of no sequences.
public final class KVCache: @unchecked Sendable {
    // Sendable: only `Compute.store` writes, to the blocks of the sequences that it is given, and the one thread that
    // runs the model calls it.

    /// What keys and values are kept as.
    public enum Precision: String, Sendable, CaseIterable {
        /// 16-bit floats, and arithmetic in 32-bit ones: the reference for the others.
        case fp16
        /// Integers to 2,047 in 16 bits with a 32-bit scale for each position's key, and one for its value, of each
        /// head. Attention is in integers too and rounds about as little.
        case int16
        /// The same in 8 bits: little more than half the memory, and rounded more.
        case int8
    }

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
    /// What its elements are.
    public let precision: Precision
    private let memory: LargePages

    /// Takes the memory for `blocks` blocks; `headSize` is a multiple of 16 up to 256.
    public init(layers: Int, heads: Int, headSize: Int, blocks: Int, precision: Precision = .fp16) {
        precondition(layers > 0 && heads > 0 && blocks > 0)
        precondition(headSize > 0 && headSize % 16 == 0 && headSize <= Int(APUS_KV_MAX_HEAD), "head size \(headSize)")
        self.layers = layers
        self.heads = heads
        self.headSize = headSize
        self.blocks = blocks
        self.precision = precision
        self.memory = LargePages(
            bytes: blocks * layers * heads * Self.pageBytes(headSize: headSize, precision: precision))
    }

    /// Bytes of memory that the cache takes once all of its blocks have been written.
    public var byteCount: Int { blocks * blockBytes }

    /// Bytes of one head's keys and values of a layer in a block.
    package static func pageBytes(headSize: Int, precision: Precision) -> Int {
        switch precision {
        case .fp16: 2 * headSize * blockSize * MemoryLayout<UInt16>.size
        case .int16: blockSize * (2 * headSize * MemoryLayout<Int16>.size + integerScaleBytes)
        case .int8: blockSize * (2 * headSize + integerScaleBytes)
        }
    }

    /// Of a position: the scale of its key, and two forms of its value's.
    private static let integerScaleBytes = 3 * MemoryLayout<Float>.size

    private var pageBytes: Int { Self.pageBytes(headSize: headSize, precision: precision) }

    /// Bytes of a block: all layers together, so that memory is taken as blocks are first used.
    package var blockBytes: Int { layers * heads * pageBytes }

    /// What a block holds, all layers together.
    package func contents(of block: Int32) -> [UInt8] {
        precondition(block >= 0 && block < blocks, "block \(block) of \(blocks)")
        return Array(UnsafeRawBufferPointer(start: memory.base + Int(block) * blockBytes, count: blockBytes))
    }

    /// Fills a block with what `contents(of:)` gave of one of the same kind of cache.
    package func fill(_ block: Int32, with contents: [UInt8]) {
        precondition(block >= 0 && block < blocks && contents.count == blockBytes, "\(contents.count) bytes")
        let target = UnsafeMutableRawBufferPointer(start: memory.base + Int(block) * blockBytes, count: blockBytes)
        target.copyBytes(from: contents)
    }

    /// The pages of one layer and head, for the sequence with this table.
    func pages(layer: Int, head: Int, table: UnsafePointer<Int32>?) -> apus_kv_pages {
        precondition(layer >= 0 && layer < layers && head >= 0 && head < heads)
        return apus_kv_pages(
            base: memory.base + (layer * heads + head) * pageBytes, stride: blockBytes, table: table,
            head_size: headSize)
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
