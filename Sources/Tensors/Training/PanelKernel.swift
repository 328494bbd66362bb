import CKernels

/// Products of packed groups of rows with packed panels, in one precision.
///
/// Depths are in units, each as large as one float: one factor, or two in bfloat16.
enum PanelKernel {
    case float32(apus_gemm_kernels)
    case bfloat16(apus_bf16_kernels)

    /// One group of rows times panels, over a range of the depth, optionally added to `result`.
    struct Call {
        let rows: Int
        let columns: Int
        let depth: Int
        let left: Elements
        let panels: Elements
        let result: MutableElements
        /// The number of elements from one row of the result to the next.
        let step: Int
        let adds: Bool
    }

    /// Columns of a panel.
    var panel: Int {
        switch self {
        case .float32(let kernels): kernels.panel
        case .bfloat16(let kernels): kernels.panel
        }
    }

    /// Upper bound on the rows of a group.
    var group: Int {
        switch self {
        case .float32(let kernels): kernels.group
        case .bfloat16(let kernels): kernels.group
        }
    }

    /// The number of row slots in a packed group.
    var lanes: Int {
        switch self {
        case .float32(let kernels): kernels.lanes
        case .bfloat16(let kernels): kernels.lanes
        }
    }

    /// Packs `rows` rows of `inputs` elements, one after the other, into a group.
    func pack(_ rows: Int, _ inputs: Int, _ source: Elements, into group: MutableElements) {
        switch self {
        case .float32(let kernels): kernels.pack_group(rows, inputs, source, inputs, 0, group)
        case .bfloat16(let kernels):
            group.withMemoryRebound(to: UInt32.self, capacity: 1) {
                kernels.pack_group(rows, inputs, source, inputs, $0)
            }
        }
    }

    /// Multiplies by panels of the full depth.
    func multiply(_ call: Call, depth: Int) {
        switch self {
        case .float32(let kernels):
            kernels.multiply(
                call.rows, call.columns, call.depth, call.left, call.panels, depth, call.result, call.step,
                call.adds ? 1 : 0)
        case .bfloat16(let kernels):
            call.left.withMemoryRebound(to: UInt32.self, capacity: 1) { left in
                call.panels.withMemoryRebound(to: UInt32.self, capacity: 1) { panels in
                    kernels.multiply(
                        call.rows, call.columns, call.depth, left, panels, depth, call.result, call.step,
                        call.adds ? 1 : 0)
                }
            }
        }
    }
}

extension Compute {
    /// The kernel for a `PackedMatrix` of this precision.
    func panelKernel(_ precision: Precision) -> PanelKernel {
        switch precision {
        case .float32: return .float32(gemm)
        case .bfloat16:
            guard let kernels = bfloat16 else { preconditionFailure("weights packed for another processor") }
            return .bfloat16(kernels)
        }
    }
}
