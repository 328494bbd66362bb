import CKernels

/// An instruction set with its own kernels.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// Plain C, for any processor.
    case portable
    /// AVX2 with FMA and F16C.
    case avx2
    /// AVX-512 with VNNI integer dot products.
    case avx512

    /// The widest instruction set that this processor and operating system support.
    public static var best: InstructionSet {
        switch apus_isa_best() {
        case APUS_ISA_AVX512_VNNI: .avx512
        case APUS_ISA_AVX2: .avx2
        default: .portable
        }
    }

    /// The instruction sets that this processor supports, the portable one first.
    public static var supported: [InstructionSet] {
        allCases.filter { $0.isa.rawValue <= apus_isa_best().rawValue }
    }

    var isa: apus_isa {
        switch self {
        case .portable: APUS_ISA_PORTABLE
        case .avx2: APUS_ISA_AVX2
        case .avx512: APUS_ISA_AVX512_VNNI
        }
    }
}

/// Why the kernels of an instruction set cannot be used.
public enum ComputeError: Error, Equatable, CustomStringConvertible {
    /// The environment names an unknown instruction set.
    case unknownInstructionSet(String)
    /// This processor lacks the instruction set that the environment names.
    case unsupportedInstructionSet(InstructionSet)

    /// What is wrong, and what to do.
    public var description: String {
        let names = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
        let problem =
            switch self {
            case .unknownInstructionSet(let name): "APUS_ISA=\(name) is not an instruction set"
            case .unsupportedInstructionSet(let set): "APUS_ISA=\(set.rawValue) does not run here"
            }
        return "\(problem); this machine has: \(names)"
    }
}

/// The processor as the models see it: the kernels of one instruction set and the threads that run them.
///
/// All arithmetic on tensors is a method of this type, each in a file of its own. Every result is bitwise the same for
/// any number of threads, and every row's result is the same whatever rows are computed beside it.
public final class Compute: Sendable {
    /// The instruction set whose kernels run.
    public let instructionSet: InstructionSet
    package let pool: ThreadPool
    /// The pool of its tensors' memory.
    let buffers: BufferPool
    /// The allocator of its quantised weights' memory.
    let slabs: SlabAllocator
    private let single: Compute?
    // Unchecked: a constant table of C function pointers.
    private nonisolated(unsafe) let table: apus_kernels

    /// Uses the kernels of `instructionSet`, which this processor must support, and starts `threads - 1` workers.
    public convenience init(threads: Int, instructionSet: InstructionSet = .best) {
        self.init(threads: threads, instructionSet: instructionSet, buffers: BufferPool(), slabs: SlabAllocator())
    }

    private init(threads: Int, instructionSet: InstructionSet, buffers: BufferPool, slabs: SlabAllocator) {
        precondition(InstructionSet.supported.contains(instructionSet), "\(instructionSet) does not run here")
        self.instructionSet = instructionSet
        self.buffers = buffers
        self.slabs = slabs
        self.table = apus_kernels_for(instructionSet.isa).pointee
        self.pool = ThreadPool(threads: threads)
        self.single =
            threads > 1
            ? Compute(threads: 1, instructionSet: instructionSet, buffers: buffers, slabs: slabs) : nil
        pool.start()
    }

    /// The same kernels on the caller's thread alone, for callers whose threads divide rows among themselves instead of
    /// dividing each product.
    package var alone: Compute { single ?? self }

    deinit {
        pool.stop()
    }

    /// The kernels for this machine, or those named by the variable `APUS_ISA` (`portable`, `avx2`, `avx512`).
    ///
    /// - Throws: `ComputeError` if the variable's value cannot be used.
    public convenience init(threads: Int, environment: [String: String]) throws(ComputeError) {
        guard let name = environment["APUS_ISA"], !name.isEmpty else {
            self.init(threads: threads, instructionSet: .best)
            return
        }
        guard let asked = InstructionSet(rawValue: name) else { throw .unknownInstructionSet(name) }
        guard InstructionSet.supported.contains(asked) else { throw .unsupportedInstructionSet(asked) }
        self.init(threads: threads, instructionSet: asked)
    }

    /// Whether products of `PackedMatrix` are available in bfloat16.
    public var multipliesBFloat16: Bool { bfloat16 != nil }

    /// The number of threads that run kernels, including the caller's.
    public var threads: Int { pool.threads }

    var elementwise: apus_elementwise_kernels { table.elementwise.pointee }
    var gemm: apus_gemm_kernels { table.gemm.pointee }
    var bfloat16: apus_bf16_kernels? { apus_bf16_for(instructionSet.isa)?.pointee }
    var quantized: apus_quantized_kernels { table.quantized.pointee }
    func kvAttention(_ precision: KVCache.Precision) -> apus_kv_attention_kernels {
        switch precision {
        case .fp16: table.kv_attention.pointee
        case .fp32: table.kv_attention_float.pointee
        case .int16: table.kv_attention_int16.pointee
        case .int8: table.kv_attention_int8.pointee
        }
    }

}

extension Compute {
    /// The results of `body` for all `elements`, on all threads.
    package func map<Element, Result>(_ elements: [Element], _ body: (Element) -> Result) -> [Result] {
        var results = [Result?](repeating: nil, count: elements.count)
        results.withUnsafeMutableBufferPointer { results in
            // Threads may write different elements through a pointer at the same time, but not through an array.
            guard let base = results.baseAddress else { return }
            pool.run(count: elements.count) { base[$0] = body(elements[$0]) }
        }
        return results.compactMap { $0 }
    }

    /// Calls `body` with each of `elements`, to change it, on all threads.
    package func forEach<Element>(_ elements: inout [Element], _ body: (inout Element) -> Void) {
        elements.withUnsafeMutableBufferPointer { elements in
            guard let base = elements.baseAddress else { return }
            pool.run(count: elements.count) { body(&base[$0]) }
        }
    }

    /// The smallest number of elements worth handing to another thread.
    private static let grain = 1 << 14

    /// Calls `body` with consecutive ranges that cover `0..<rows`, on all threads if the work is large enough.
    ///
    /// `cost` is the work of one row in elements. Ranges start at multiples of `step`.
    func forEachRange(of rows: Int, cost: Int, step: Int = 1, _ body: (Range<Int>) -> Void) {
        let units = (rows + step - 1) / step
        let pieces = max(1, min(units, threads * 4, rows * cost / Self.grain))
        pool.run(count: pieces) { piece in
            body(units * piece / pieces * step..<min(rows, units * (piece + 1) / pieces * step))
        }
    }
}
