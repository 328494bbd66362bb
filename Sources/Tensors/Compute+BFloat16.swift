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

    /// The bands of matrices on a diagonal, in pairs of ranks.
    func bandsBFloat16(of blocks: [Tensor]) -> [ProductTerm.Band] {
        guard let kernels = bfloat16 else { preconditionFailure("no bfloat16 products here") }
        return bands(of: blocks, panel: kernels.panel).map {
            .init(columns: $0.columns, depth: $0.depth.lowerBound / 2..<($0.depth.upperBound + 1) / 2)
        }
    }

    /// `x·wᵀ` with `x` rounded once for all columns.
    func termBFloat16(_ x: Tensor, _ w: PackedMatrix) -> ProductTerm {
        guard let kernels = bfloat16 else { preconditionFailure("weights packed for another processor") }
        let (inputs, pairs, lanes) = (w.inputs, (w.inputs + 1) / 2, kernels.lanes)
        let groups = RowGroups(rows: x.rows, most: kernels.group)
        var left = Tensor(uninitialized: [groups.count, pairs, lanes])
        left.withMutablePointer { left in
            x.withPointer { x in
                forEachRange(of: groups.count, cost: inputs * lanes) {
                    for group in $0 {
                        let rows = groups[group]
                        (left + group * pairs * lanes).withMemoryRebound(to: UInt32.self, capacity: 1) { left in
                            kernels.pack_group(rows.count, inputs, x + rows.lowerBound * inputs, inputs, left)
                        }
                    }
                }
            }
        }
        return ProductTerm(
            kernel: { call in
                call.left.withMemoryRebound(to: UInt32.self, capacity: 1) { left in
                    call.panels.withMemoryRebound(to: UInt32.self, capacity: 1) { panels in
                        kernels.multiply(
                            call.rows, call.columns, call.depth, left, panels, pairs, call.result, call.step,
                            call.adds)
                    }
                }
            },
            panel: kernels.panel, lanes: lanes, groups: groups, columns: w.outputs, depth: pairs, left: left,
            panels: w.panels, bands: w.bands ?? [ProductTerm.Band(columns: 0..<w.outputs, depth: 0..<pairs)])
    }
}
