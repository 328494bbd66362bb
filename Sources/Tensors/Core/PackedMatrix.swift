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
