import CKernels

/// How the weights of a `PackedMatrix` are stored and multiplied.
public enum Precision: String, Codable, Sendable, Equatable {
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
            self.panels = compute.packedBFloat16(w, outputs: w.rows, transposed: true)
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
    ///
    /// - Parameter precision: `.bfloat16` rounds both factors, where the processor multiplies so.
    public func multiply(
        _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, scale: Float = 1,
        precision: Precision = .float32
    ) -> Tensor {
        var result = uninitialized([transposeA ? a.columns : a.rows, transposeB ? b.rows : b.columns])
        sum([term(a, b, transposeA, transposeB, scale, precision)], into: &result)
        return result
    }

    /// Adds `scale · op(a) · op(b)` to `c`.
    public func multiply(
        _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, scale: Float = 1,
        precision: Precision = .float32, addingTo c: inout Tensor
    ) {
        sum([term(a, b, transposeA, transposeB, scale, precision)], into: &c, accumulate: true)
    }

    func term(
        _ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool, _ scale: Float,
        _ precision: Precision = .float32
    ) -> ProductTerm {
        let depth = transposeA ? a.rows : a.columns
        let columns = transposeB ? b.rows : b.columns
        precondition(depth == (transposeB ? b.columns : b.rows), "inner extents of \(a.shape) and \(b.shape)")
        guard precision == .bfloat16, multipliesBFloat16 else {
            let panels = packed(b, outputs: columns, transposed: transposeB, scale: scale)
            return term(a, transposed: transposeA, panels: panels, columns: columns)
        }
        precondition(scale == 1, "products in bfloat16 have no scale")
        let panels = packedBFloat16(b, outputs: columns, transposed: transposeB)
        return term(a, transposed: transposeA, panelKernel(.bfloat16), panels: panels, columns: columns)
    }
}

extension Compute {
    /// A right factor in panels of bfloat16 pairs: two elements take the memory of one float. `b` is
    /// `[outputs, depth]` when `transposed`, else `[depth, outputs]`.
    func packedBFloat16(_ b: Tensor, outputs: Int, transposed: Bool) -> Tensor {
        guard let kernels = bfloat16 else { preconditionFailure("no bfloat16 products here") }
        let (depth, step) = (transposed ? b.columns : b.rows, b.columns)
        let pairs = (depth + 1) / 2
        var panels = uninitialized([(outputs + kernels.panel - 1) / kernels.panel * kernels.panel, pairs])
        panels.withMutablePointer { panels in
            b.withPointer { b in
                forEachRange(of: outputs, cost: depth, step: kernels.panel) { range in
                    let source = b + range.lowerBound * (transposed ? step : 1)
                    guard let pack = transposed ? kernels.pack_rows : kernels.pack_columns else { return }
                    (panels + range.lowerBound * pairs).withMemoryRebound(to: UInt32.self, capacity: 1) {
                        pack(range.count, depth, source, step, $0)
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
