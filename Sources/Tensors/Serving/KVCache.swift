import CKernels

/// A decoder's computed keys and values, in blocks of 16 positions.
///
/// A block holds its positions' keys and values of all layers; a sequence's block table lists its blocks in order. The
/// engine hands out blocks: the cache itself has no notion of sequences.
public final class KVCache: @unchecked Sendable {
    // Sendable: only `Compute.store` writes, to the blocks of the sequences that it gets, and only the one thread that
    // runs the model calls it.

    /// The format of keys and values.
    public enum Precision: String, Sendable, CaseIterable {
        /// 16-bit floats with 32-bit arithmetic: the reference for the other formats.
        case fp16
        /// 32-bit floats: nothing is rounded, in twice the memory.
        case fp32
        /// Integers up to 2,047 in 16 bits. For each position and head, key and value have a 32-bit scale each.
        /// Attention uses integers too and rounds about as little as `fp16`.
        case int16
        /// The same in 8 bits: little more than half the memory, with more rounding.
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
    /// The number of blocks, numbered from 0.
    public let blocks: Int
    /// The format of its elements.
    public let precision: Precision
    private let memory: LargePages

    /// Allocates the memory for `blocks` blocks; `headSize` must be a multiple of 16 up to 256.
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

    /// The bytes of memory in use once all blocks have been written.
    public var byteCount: Int { blocks * blockBytes }

    /// The bytes of one layer's and head's keys and values in a block.
    package static func pageBytes(headSize: Int, precision: Precision) -> Int {
        switch precision {
        case .fp16: 2 * headSize * blockSize * MemoryLayout<UInt16>.size
        case .fp32: 2 * headSize * blockSize * MemoryLayout<Float>.size
        case .int16: blockSize * (2 * headSize * MemoryLayout<Int16>.size + integerScaleBytes)
        case .int8: blockSize * (2 * headSize + integerScaleBytes)
        }
    }

    /// For one position: the scale of its key, and the scale of its value in two forms.
    private static let integerScaleBytes = 3 * MemoryLayout<Float>.size

    private var pageBytes: Int { Self.pageBytes(headSize: headSize, precision: precision) }

    /// The bytes of a block. All layers lie together, so that the system provides memory when blocks are first used.
    package var blockBytes: Int { layers * heads * pageBytes }

    /// The contents of a block, all layers together.
    package func contents(of block: Int32) -> [UInt8] {
        precondition(block >= 0 && block < blocks, "block \(block) of \(blocks)")
        return Array(UnsafeRawBufferPointer(start: memory.base + Int(block) * blockBytes, count: blockBytes))
    }

    /// Fills a block with the `contents(of:)` of a block of an equal cache.
    package func fill(_ block: Int32, with contents: [UInt8]) {
        precondition(block >= 0 && block < blocks && contents.count == blockBytes, "\(contents.count) bytes")
        let target = UnsafeMutableRawBufferPointer(start: memory.base + Int(block) * blockBytes, count: blockBytes)
        target.copyBytes(from: contents)
    }

    /// The pages of one layer and head, for the sequence with this block table.
    func pages(layer: Int, head: Int, table: UnsafePointer<Int32>?) -> apus_kv_pages {
        precondition(layer >= 0 && layer < layers && head >= 0 && head < heads)
        return apus_kv_pages(
            base: memory.base + (layer * heads + head) * pageBytes, stride: blockBytes, table: table,
            head_size: headSize)
    }
}

/// The rows of a ragged batch that are consecutive positions of one sequence.
public struct SequenceSlice: Sendable {
    /// Its rows in the batch's tensors.
    public var rows: Range<Int>
    /// The position of its first row in the sequence.
    public var start: Int
    /// The cache blocks of positions 0..<16, 16..<32 and so on, at least up to the last row's position.
    public var blockTable: [Int32]

    /// A slice of a batch.
    public init(rows: Range<Int>, start: Int, blockTable: [Int32]) {
        self.rows = rows
        self.start = start
        self.blockTable = blockTable
    }

    /// The number of the sequence's positions in the cache after these rows.
    var end: Int { start + rows.count }

    func check(rows batch: Int, cache: KVCache) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= batch && start >= 0, "rows \(rows) of \(batch)")
        precondition(blockTable.count * KVCache.blockSize >= end, "\(blockTable.count) blocks for \(end) positions")
        precondition(
            blockTable.allSatisfy { $0 >= 0 && Int($0) < cache.blocks }, "a block is not in 0..<\(cache.blocks)")
    }
}
