import CKernels
import Synchronization

/// Memory for weights and caches, which are read from end to end: in large pages if the system has them, uninitialised.
///
/// Small allocations share a slab, which lives as long as any memory in it.
final class LargePages: @unchecked Sendable {
    // Sendable: the owner of the memory guards its bytes; nothing else changes after `init`.

    /// The first byte, aligned to 64.
    let base: UnsafeMutableRawPointer
    private let slab: Slab

    /// Memory in an allocation of its own.
    convenience init(bytes: Int) {
        self.init(Slab(capacity: bytes), offset: 0)
    }

    fileprivate init(_ slab: Slab, offset: Int) {
        self.slab = slab
        self.base = slab.base + offset
    }
}

/// Hands out pieces of large slabs, one after the other. The matrices of a model loaded with one `Compute` therefore
/// lie in the order of their use, so that prefetching past the end of one reaches the next.
final class SlabAllocator: Sendable {
    /// The slab that is not full yet, and the number of its bytes in use.
    private let current = Mutex<(slab: Slab, taken: Int)?>(nil)
    private static let slabBytes = 32 << 20

    /// The next `bytes` bytes of the current slab; large requests get a slab of their own.
    func take(bytes: Int) -> LargePages {
        let bytes = (max(bytes, 1) + 63) / 64 * 64
        if bytes >= Self.slabBytes { return LargePages(bytes: bytes) }
        return current.withLock { current in
            if let (slab, taken) = current, taken + bytes <= slab.capacity {
                current = (slab, taken + bytes)
                return LargePages(slab, offset: taken)
            }
            let slab = Slab(capacity: Self.slabBytes)
            current = (slab, bytes)
            return LargePages(slab, offset: 0)
        }
    }
}

private final class Slab: @unchecked Sendable {
    // Sendable: the owners of its pieces write the memory; the allocator gives each owner a separate piece.
    let base: UnsafeMutableRawPointer
    let capacity: Int

    private static let pageSize = 2 << 20

    init(capacity: Int) {
        self.capacity = (max(capacity, 1) + Self.pageSize - 1) / Self.pageSize * Self.pageSize
        self.base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: Self.pageSize)
        apus_advise_large_pages(base, self.capacity)
    }

    deinit {
        base.deallocate()
    }
}
