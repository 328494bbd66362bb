import CKernels

extension Compute {
    /// Keeps the arithmetic units of all threads busy with multiply-adds that read no memory, `steps` in a row.
    ///
    /// - Parameter precision: of the factors; the sums are in single precision.
    /// - Returns: the number of multiplications and additions done.
    public func saturate(_ precision: Precision, steps: Int) -> Int {
        let (gemm, bfloat16) = (gemm, precision == .bfloat16 ? bfloat16 : nil)
        let (panel, group) = (bfloat16?.panel ?? gemm.panel, bfloat16?.group ?? gemm.group)
        pool.run(count: threads) { _ in
            // Zeros: nothing overflows, and processors take as long for them as for other numbers.
            var (factors, sums) = (Tensor(zeros: [panel]), Tensor(zeros: [group, panel]))
            withMutablePointers(&factors, &sums) { factors, sums in
                guard let bfloat16 else { return gemm.saturate(steps, factors, sums) }
                factors.withMemoryRebound(to: UInt32.self, capacity: panel) { bfloat16.saturate(steps, $0, sums) }
            }
        }
        return threads * steps * group * panel * (bfloat16 == nil ? 2 : 4)
    }
}
