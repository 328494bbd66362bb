import Synchronization

/// A buffer of floats, aligned to 64 bytes.
final class Storage: @unchecked Sendable {
    // Sendable: a buffer is written only while its `Tensor` holds the only reference to it.
    let base: UnsafeMutablePointer<Float>
    let count: Int
    /// The pool that the buffer is from and returns to; nil for the system's memory.
    let pool: BufferPool?

    init(uninitialized count: Int, pool: BufferPool?) {
        self.count = count
        self.pool = pool
        let capacity = BufferPool.capacity(for: count)
        self.base = pool?.take(capacity: capacity) ?? BufferPool.allocate(capacity: capacity)
    }

    deinit {
        guard let pool else { return UnsafeMutableRawPointer(base).deallocate() }
        pool.give(base, capacity: BufferPool.capacity(for: count))
    }
}

extension Compute {
    /// A tensor of uninitialised elements from the pool, for kernels that write all of them.
    package func uninitialized(_ shape: [Int]) -> Tensor {
        Tensor(uninitialized: shape, pool: buffers)
    }

    /// A tensor of zeros from the pool.
    package func zeros(_ shape: [Int]) -> Tensor {
        Tensor(zeros: shape, pool: buffers)
    }

    /// Lets the pool keep at least this many bytes of freed tensors for later tensors.
    ///
    /// For work that needs the same large buffers again and again: fresh pages cost more than a pass over them.
    package func keepFreedMemory(atLeast bytes: Int) {
        buffers.raiseLimit(to: bytes)
    }
}

/// Freed buffers by capacity, kept for the next tensors of their size, up to a bounded total.
///
/// A forward pass makes and frees thousands of tensors of a few sizes. Fresh memory from the system would cost a page
/// fault every 4 KiB, more than the arithmetic of a small layer. Each `Compute` owns one pool; its tensors hold it.
final class BufferPool: Sendable {
    private let state = Mutex(State())

    deinit {
        Self.free(state.withLock { $0.removeAll() })
    }

    /// Capacities grow in steps of an eighth of a power of two, so that at most an eighth of a buffer is wasted.
    static func capacity(for count: Int) -> Int {
        let minimum = max(count, 16)
        let step = step(at: power(of: minimum))
        return (minimum + step - 1) / step * step
    }

    /// The index of a capacity's free list.
    private static func shelf(for capacity: Int) -> Int {
        let power = power(of: capacity)
        return 8 * power + (capacity - (1 << power)) / step(at: power)
    }

    private static func power(of capacity: Int) -> Int { Int.bitWidth - 1 - capacity.leadingZeroBitCount }

    private static func step(at power: Int) -> Int { max(16, (1 << power) / 8) }

    func raiseLimit(to bytes: Int) {
        state.withLock { $0.limit = max($0.limit, bytes) }
    }

    func take(capacity: Int) -> UnsafeMutablePointer<Float> {
        let (recycled, dropped) = state.withLock { $0.take(capacity: capacity) }
        Self.free(dropped)
        if let recycled, let pointer = UnsafeMutablePointer<Float>(bitPattern: recycled) { return pointer }
        return Self.allocate(capacity: capacity)
    }

    /// Memory from the system.
    static func allocate(capacity: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer.allocate(byteCount: capacity * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: capacity)
    }

    func give(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        Self.free(state.withLock { $0.give(UInt(bitPattern: pointer), capacity: capacity) })
    }

    private static func free(_ addresses: [UInt]) {
        for address in addresses { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
    }

    private struct State {
        static let minimumLimit = 64 << 20

        private struct Shelf {
            var capacity = 0
            var addresses: [UInt] = []
            var lastAsked = 0
        }

        private var shelves = [Shelf](repeating: Shelf(), count: 8 * Int.bitWidth)
        private var asked = 0
        private var bytes = 0
        var limit = minimumLimit

        /// A kept buffer, if there is one. If not, memory kept beyond the usual limit is freed for the new buffer.
        mutating func take(capacity: Int) -> (address: UInt?, dropped: [UInt]) {
            asked += 1
            let shelf = BufferPool.shelf(for: capacity)
            shelves[shelf].lastAsked = asked
            if let address = shelves[shelf].addresses.popLast() {
                bytes -= capacity * 4
                return (address, [])
            }
            return (nil, drop(until: max(Self.minimumLimit, bytes - capacity * 4)))
        }

        /// Keeps a buffer; returns the buffers that must be freed for it.
        mutating func give(_ address: UInt, capacity: Int) -> [UInt] {
            if capacity * 4 > limit { return [address] }
            let dropped = drop(until: limit - capacity * 4)
            let shelf = BufferPool.shelf(for: capacity)
            shelves[shelf].capacity = capacity
            shelves[shelf].addresses.append(address)
            bytes += capacity * 4
            return dropped
        }

        /// Removes all buffers.
        mutating func removeAll() -> [UInt] { drop(until: 0) }

        /// Removes buffers until at most `limit` bytes are kept, starting with the least recently used capacity.
        private mutating func drop(until limit: Int) -> [UInt] {
            var dropped: [UInt] = []
            while bytes > limit {
                let filled = shelves.indices.filter { !shelves[$0].addresses.isEmpty }
                guard let oldest = filled.min(by: { shelves[$0].lastAsked < shelves[$1].lastAsked }),
                    let address = shelves[oldest].addresses.popLast()
                else { break }
                dropped.append(address)
                bytes -= shelves[oldest].capacity * 4
            }
            return dropped
        }
    }
}

/// Buffers for the duration of one piece of work.
final class Workspace {
    let pool: BufferPool
    private var buffers: [Storage] = []

    private init(_ pool: BufferPool) {
        self.pool = pool
    }

    /// Calls `body` with a workspace, whose buffers are from `pool` and live until it returns.
    static func use<R>(_ pool: BufferPool, _ body: (Workspace) -> R) -> R {
        let workspace = Workspace(pool)
        return withExtendedLifetime(workspace) { body(workspace) }
    }

    /// A buffer of `count` uninitialised floats.
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let storage = Storage(uninitialized: count, pool: pool)
        buffers.append(storage)
        return storage.base
    }
}
