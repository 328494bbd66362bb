import CKernels
import Synchronization

/// Memory for weights and caches, which are read from end to end: in large pages where the system has them, and not set
/// to anything.
///
/// Small pieces share a slab, which lives as long as any memory in it.
final class LargePages: @unchecked Sendable {
    // Sendable: the owner of the memory guards its bytes; nothing else changes after `init`.

    /// The first byte, aligned to 64.
    let base: UnsafeMutableRawPointer
    private let slab: Slab

    /// Memory of its own.
    convenience init(bytes: Int) {
        self.init(Slab(capacity: bytes), offset: 0)
    }

    fileprivate init(_ slab: Slab, offset: Int) {
        self.slab = slab
        self.base = slab.base + offset
    }
}

/// Hands out pieces of large slabs, one after the other: the matrices of a model that is loaded with one `Compute` lie
/// in the order of their use, so that reading ahead of one runs into the next.
final class SlabAllocator: Sendable {
    /// The slab that is not full yet, and the number of its bytes in use.
    private let current = Mutex<(slab: Slab, taken: Int)?>(nil)
    private static let slabBytes = 32 << 20

    /// The next `bytes` bytes of the current slab, or a slab of their own if they are many.
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
    // Sendable: holds memory that others write; the allocator gives each of them its own part.
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
