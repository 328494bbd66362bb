import CKernels
import Synchronization

extension Compute {
    /// Keeps the arithmetic units of all threads busy with multiply-adds that read no memory, `steps` in a row.
    ///
    /// - Parameter precision: the precision of the factors; the sums are in single precision.
    /// - Returns: the number of multiplications and additions done.
    public func saturate(_ precision: Precision, steps: Int) -> Int {
        let (gemm, bfloat16) = (gemm, precision == .bfloat16 ? bfloat16 : nil)
        let (panel, group) = (bfloat16?.panel ?? gemm.panel, bfloat16?.group ?? gemm.group)
        pool.run(count: threads) { _ in
            // The factors are zeros: nothing overflows, and multiplying zeros takes as long as other numbers.
            var (factors, sums) = (Tensor(zeros: [panel]), Tensor(zeros: [group, panel]))
            withMutablePointers(&factors, &sums) { factors, sums in
                guard let bfloat16 else { return gemm.saturate(steps, factors, sums) }
                factors.withMemoryRebound(to: UInt32.self, capacity: panel) { bfloat16.saturate(steps, $0, sums) }
            }
        }
        return threads * steps * group * panel * (bfloat16 == nil ? 2 : 4)
    }

    /// The same for the integer arithmetic of quantised products.
    public func saturateIntegers(steps: Int) -> Int {
        let (quantized, sums) = (quantized, Int(APUS_PEAK_SUMS))
        pool.run(count: threads) { _ in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: sums * 16 + 16) { memory in
                memory.initialize(repeating: 0)
                guard let base = memory.baseAddress else { return }
                base.withMemoryRebound(to: UInt8.self, capacity: 64) { quantized.saturate(steps, $0, base + 16) }
            }
        }
        return threads * steps * sums * quantized.peak_bytes * 2
    }

    /// Reads `memory` from its first byte to its last, one section per thread.
    public func read(_ memory: StreamedMemory) {
        let share = memory.byteCount / threads / 64 * 64
        pool.run(count: threads) { thread in
            memory.note(apus_read_memory(memory.base + thread * share, share))
        }
    }
}

/// Memory that is only read, to measure the memory's bandwidth.
public final class StreamedMemory: @unchecked Sendable {
    // Sendable: written only in `init`.
    fileprivate let base: UnsafeMutableRawPointer
    private let memory: LargePages
    /// The size in bytes.
    public let byteCount: Int
    private let noted = Atomic<UInt64>(0)

    /// Allocates `bytes` bytes and writes all of them.
    public init(bytes: Int) {
        byteCount = bytes
        memory = LargePages(bytes: bytes)
        base = memory.base
        base.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
    }

    /// Uses a result, so that the compiler cannot drop its computation.
    fileprivate func note(_ sum: UInt64) {
        noted.add(sum, ordering: .relaxed)
    }
}
