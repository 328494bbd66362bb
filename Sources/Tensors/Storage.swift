import Synchronization

/// A buffer of floats, aligned to 64 bytes; freed buffers are kept for the next tensor of their size.
///
/// A forward pass makes and drops thousands of tensors of a few sizes. Fresh memory from the system would cost a page
/// fault every 4 KiB, more than the arithmetic of a small layer.
final class Storage: @unchecked Sendable {
    // Sendable: a buffer is written only while its `Tensor` holds the one reference to it.
    let base: UnsafeMutablePointer<Float>
    let count: Int

    init(uninitialized count: Int) {
        self.count = count
        self.base = Recycler.shared.take(capacity: Recycler.capacity(for: count))
    }

    deinit {
        Recycler.shared.give(base, capacity: Recycler.capacity(for: count))
    }
}

/// The free lists behind `Storage`: buffers by capacity, up to a total that stays bounded.
private final class Recycler: Sendable {
    static let shared = Recycler(limit: 64 << 20)

    private struct State {
        var free: [Int: [UInt]] = [:]
        var bytes = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Capacities grow in steps of an eighth of a power of two, so that at most an eighth of a buffer is wasted.
    static func capacity(for count: Int) -> Int {
        let least = max(count, 16)
        let step = max(16, (1 << (Int.bitWidth - 1 - least.leadingZeroBitCount)) / 8)
        return (least + step - 1) / step * step
    }

    func take(capacity: Int) -> UnsafeMutablePointer<Float> {
        let recycled = state.withLock { state in
            let address = state.free[capacity]?.popLast()
            if address != nil { state.bytes -= capacity * 4 }
            return address
        }
        if let recycled, let pointer = UnsafeMutablePointer<Float>(bitPattern: recycled) { return pointer }
        return UnsafeMutableRawPointer.allocate(byteCount: capacity * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: capacity)
    }

    func give(_ pointer: UnsafeMutablePointer<Float>, capacity: Int) {
        let kept = state.withLock { state in
            guard state.bytes + capacity * 4 <= limit else { return false }
            state.free[capacity, default: []].append(UInt(bitPattern: pointer))
            state.bytes += capacity * 4
            return true
        }
        if !kept { UnsafeMutableRawPointer(pointer).deallocate() }
    }
}
