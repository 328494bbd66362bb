import CKernels

/// How the weights of a `PackedMatrix` are stored and multiplied.
public enum Precision: Sendable, Equatable {
    /// Single precision throughout.
    case float32
    /// Weights and activations rounded to bfloat16, to nearest even; products summed in single precision.
    case bfloat16
}

/// Constant weights `[outputs, inputs]`, rearranged once for products `x·wᵀ`.
///
/// It can be used only with the instruction set of the `Compute` that packed it.
public struct PackedMatrix: Sendable {
    /// Rows of the weights: columns of a product.
    public let outputs: Int
    /// Columns of the weights: columns of the other factor.
    public let inputs: Int
    /// The precision of the weights: `.float32` also if `.bfloat16` was asked for and the processor lacks it.
    public let precision: Precision
    let panels: Tensor
    /// The bands of non-zero weights, if the matrix has zeros outside of them; each band begins with a panel.
    let bands: [ProductBand]?

    /// Packs `w`, a tensor of `[outputs, inputs]`.
    public init(_ w: Tensor, precision: Precision = .float32, compute: Compute) {
        self.init(w, precision: precision, blocks: nil, compute: compute)
    }

    /// Packs `blocks`, tensors of `[outputs, inputs]` each, as the diagonal blocks of one matrix. Updates skip the
    /// zeros beside the blocks.
    public init(diagonal blocks: [Tensor], precision: Precision = .float32, compute: Compute) {
        self.init(Tensor.blockDiagonal(blocks), precision: precision, blocks: blocks, compute: compute)
    }

    private init(_ w: Tensor, precision: Precision, blocks: [Tensor]?, compute: Compute) {
        self.outputs = w.rows
        self.inputs = w.columns
        switch precision {
        case .bfloat16 where compute.multipliesBFloat16:
            self.precision = .bfloat16
            self.panels = compute.packedBFloat16(w)
            self.bands = blocks.map { compute.bandsBFloat16(of: $0) }
        case .bfloat16, .float32:
            self.precision = .float32
            self.panels = compute.packed(w, outputs: w.rows, transposed: true, scale: 1)
            self.bands = blocks.map { compute.bands(of: $0) }
        }
    }

    /// The inputs, in the kernel's units.
    var depth: Int { precision == .bfloat16 ? (inputs + 1) / 2 : inputs }

    /// The bytes of the packed weights.
    public var byteCount: Int { panels.count * 4 }
}

extension Compute {
    /// `x·wᵀ`: `[rows, inputs]` times `[outputs, inputs]` gives `[rows, outputs]`.
    ///
    /// - Parameter updates: low-rank updates that are added to some of the rows.
    public func multiply(_ x: Tensor, _ w: PackedMatrix, updates: [LowRankUpdate] = []) -> Tensor {
        precondition(w.bands == nil, "a diagonal is only added")
        var result = uninitialized([x.rows, w.outputs])
        sum([term(x, w)], into: &result)
        result.withMutablePointer { apply(updates, to: $0, columns: w.outputs, of: x) }
        return result
    }

    /// `scale · op(a) · op(b)`, where `op` transposes its argument on request.
    public func multiply(
        _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, scale: Float = 1
    ) -> Tensor {
        var result = uninitialized([transposeA ? a.columns : a.rows, transposeB ? b.rows : b.columns])
        sum([term(a, b, transposeA, transposeB, scale)], into: &result)
        return result
    }

    /// Adds `scale · op(a) · op(b)` to `c`.
    public func multiply(
        _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, scale: Float = 1,
        addingTo c: inout Tensor
    ) {
        sum([term(a, b, transposeA, transposeB, scale)], into: &c, accumulate: true)
    }

    func term(
        _ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool, _ scale: Float
    ) -> ProductTerm {
        let depth = transposeA ? a.rows : a.columns
        let columns = transposeB ? b.rows : b.columns
        precondition(depth == (transposeB ? b.columns : b.rows), "inner extents of \(a.shape) and \(b.shape)")
        let panels = packed(b, outputs: columns, transposed: transposeB, scale: scale)
        return term(a, transposed: transposeA, panels: panels, columns: columns)
    }
}

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
