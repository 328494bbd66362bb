import CKernels
import Synchronization

/// Memory for streaming reads: in large pages if the system has them, uninitialised.
///
/// Small allocations share a slab, one after the other: a model's matrices lie in the order of their use, so that
/// prefetching past the end of one reaches the next. A slab lives as long as any memory in it.
final class LargePages: @unchecked Sendable {
    // Sendable: the owner of the memory guards its bytes; nothing else changes after `init`.

    /// The first byte, aligned to 64.
    let base: UnsafeMutableRawPointer
    private let slab: Slab

    init(bytes: Int) {
        let place = Slab.place(bytes: (max(bytes, 1) + 63) / 64 * 64)
        self.slab = place.slab
        self.base = place.slab.base + place.offset
    }
}

private final class Slab: @unchecked Sendable {
    // Sendable: other types write the memory; `current`'s lock decides which memory belongs to which of them.
    let base: UnsafeMutableRawPointer
    let capacity: Int

    /// The slab that is not full yet, and the number of its bytes in use.
    private static let current = Mutex<(slab: Slab, taken: Int)?>(nil)
    private static let size = 32 << 20
    private static let pageSize = 2 << 20

    init(capacity: Int) {
        self.capacity = (capacity + Self.pageSize - 1) / Self.pageSize * Self.pageSize
        self.base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: Self.pageSize)
        apus_advise_large_pages(base, self.capacity)
    }

    deinit {
        base.deallocate()
    }

    static func place(bytes: Int) -> (slab: Slab, offset: Int) {
        if bytes >= size { return (Slab(capacity: bytes), 0) }
        return current.withLock { current in
            if let (slab, taken) = current, taken + bytes <= slab.capacity {
                current = (slab, taken + bytes)
                return (slab, taken)
            }
            let slab = Slab(capacity: size)
            current = (slab, bytes)
            return (slab, 0)
        }
    }
}
