import CKernels
import Synchronization

/// Memory for what is streamed through: in large pages where the system has them, not set to anything.
///
/// Small takings share a slab, one after the other: a model's matrices lie in the order that they are used in, so that
/// reading ahead of one runs into the next. A slab lives as long as any memory in it.
final class LargePages: @unchecked Sendable {
    // Sendable: the bytes are for their one owner to guard; nothing else changes after `init`.

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
    // Sendable: holds memory that others write; which of them writes where is decided under `current`'s lock.
    let base: UnsafeMutableRawPointer
    let capacity: Int

    /// The slab that is not full yet, and how much of it is taken.
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
