import CKernels

extension Compute {
    /// `w`, `[outputs, inputs]`, in panels of bfloat16 pairs: two elements take the memory of one float.
    func packedBFloat16(_ w: Tensor) -> Tensor {
        guard let kernels = bfloat16 else { preconditionFailure("no bfloat16 products here") }
        let (outputs, inputs, pairs) = (w.rows, w.columns, (w.columns + 1) / 2)
        var panels = uninitialized([(outputs + kernels.panel - 1) / kernels.panel * kernels.panel, pairs])
        panels.withMutablePointer { panels in
            w.withPointer { w in
                forEachRange(of: outputs, cost: inputs, step: kernels.panel) { range in
                    let target = panels + range.lowerBound * pairs
                    target.withMemoryRebound(to: UInt32.self, capacity: 1) { target in
                        kernels.pack_rows(range.count, inputs, w + range.lowerBound * inputs, inputs, target)
                    }
                }
            }
        }
        return panels
    }

    /// The bands of matrices on a diagonal, in pairs of ranks.
    func bandsBFloat16(of blocks: [Tensor]) -> [ProductBand] {
        guard let kernels = bfloat16 else { preconditionFailure("no bfloat16 products here") }
        return bands(of: blocks, panel: kernels.panel).map {
            .init(columns: $0.columns, depth: $0.depth.lowerBound / 2..<($0.depth.upperBound + 1) / 2)
        }
    }
}
