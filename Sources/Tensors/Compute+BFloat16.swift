import CKernels

extension Compute {
    /// `w`, `[outputs, inputs]`, in panels of bfloat16 pairs, two elements in the place of each float.
    func packedBFloat16(_ w: Tensor) -> Tensor {
        guard let kernels = bfloat16 else { preconditionFailure("no bfloat16 products here") }
        let (outputs, inputs, pairs) = (w.rows, w.columns, (w.columns + 1) / 2)
        var panels = Tensor(uninitialized: [(outputs + kernels.panel - 1) / kernels.panel * kernels.panel, pairs])
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

    func productBFloat16(_ x: Tensor, _ w: PackedMatrix, into c: inout Tensor, accumulate: Bool) {
        guard let kernels = bfloat16 else { preconditionFailure("weights packed for another processor") }
        let (rows, columns, depth) = (x.rows, w.outputs, w.inputs)
        let pairs = (depth + 1) / 2
        withPointers(x, w.panels) { x, panels in
            forEachTile(
                of: &c, rows: rows, columns: columns, depth: pairs, panel: kernels.panel, group: kernels.group
            ) { c, r, j in
                (panels + j.lowerBound * pairs).withMemoryRebound(to: UInt32.self, capacity: 1) { panels in
                    kernels.tile(
                        r.count, j.count, depth, x + r.lowerBound * depth, depth, panels, c, columns,
                        accumulate ? 1 : 0)
                }
            }
        }
    }
}
