import CKernels

// Low-rank updates of layers with one common input: y = W x + s B (A x). The layers' A are stacked and their B are the
// diagonal blocks of one matrix, so that each layer uses only its own rows of A x (Hu et al. 2021, arXiv:2106.09685).
// The zeros beside the diagonal are never multiplied.

extension Compute {
    /// `x·wᵀ + scale · inner·diagonal(b)ᵀ`, plus `residual` if there is one: `[rows, outputs]`.
    ///
    /// - Parameters:
    ///   - inner: `[rows, sum of ranks]`.
    ///   - b: `[outputs, rank]` each; outputs and ranks are numbered consecutively over all of them.
    ///   - residual: of the result's shape.
    public func multiply(
        _ x: Tensor, _ w: PackedMatrix, plus inner: Tensor, timesDiagonal b: [Tensor], scale: Float,
        residual: Tensor? = nil
    ) -> Tensor {
        let diagonal = Tensor.blockDiagonal(b, pool: buffers)
        precondition(
            diagonal.rows == w.outputs && diagonal.columns == inner.columns, "\(diagonal.shape) times \(inner.shape)")
        let panels = packed(diagonal, outputs: diagonal.rows, transposed: true, scale: scale)
        let update = term(
            inner, transposed: false, panels: panels, columns: diagonal.rows, bands: bands(of: b))
        var y = uninitialized([x.rows, w.outputs])
        sum([term(x, w), update], residual: residual, into: &y)
        return y
    }

    /// `x·wᵀ + inner·a`: `[rows, outputs]` for `inner` of `[rows, rank]` and `a` of `[rank, outputs]`.
    public func multiply(_ x: Tensor, _ w: PackedMatrix, plus inner: Tensor, times a: Tensor) -> Tensor {
        var y = uninitialized([x.rows, w.outputs])
        sum([term(x, w), term(inner, a, false, false, 1)], into: &y)
        return y
    }

    /// `scale · x·diagonal(b)`: `[rows, sum of ranks]` for `x` of `[rows, sum of outputs]`.
    public func multiply(_ x: Tensor, diagonal b: [Tensor], scale: Float) -> Tensor {
        var y = uninitialized([x.rows, b.reduce(0) { $0 + $1.columns }])
        var (output, rank) = (0, 0)
        for one in b {
            let panels = packed(one, outputs: one.columns, transposed: false, scale: scale)
            let product = term(
                x, taking: output..<output + one.rows, transposed: false, panels: panels, columns: one.columns)
            sum([product], into: &y, at: rank)
            output += one.rows
            rank += one.columns
        }
        return y
    }

    /// `scale · xᵀ·inner`, computed only for diagonal blocks of the shapes of `b`: the gradients of `b`.
    public func diagonalProducts(_ x: Tensor, inner: Tensor, like b: [Tensor], scale: Float) -> [Tensor] {
        var (output, rank) = (0, 0)
        return b.map { one in
            let part = columns(rank..<rank + one.columns, of: inner)
            let panels = packed(part, outputs: one.columns, transposed: false, scale: scale)
            let product = term(
                x, taking: output..<output + one.rows, transposed: true, panels: panels, columns: one.columns)
            var y = uninitialized(one.shape)
            sum([product], into: &y)
            output += one.rows
            rank += one.columns
            return y
        }
    }

    /// For each run of panels, of `panel` columns or of single precision's width, the ranks that are not zero in it.
    func bands(of b: [Tensor], panel: Int? = nil) -> [ProductBand] {
        let panel = panel ?? gemm.panel
        var parts: [(outputs: Range<Int>, ranks: Range<Int>)] = []
        for one in b {
            let (output, rank) = (parts.last?.outputs.upperBound ?? 0, parts.last?.ranks.upperBound ?? 0)
            parts.append((output..<output + one.rows, rank..<rank + one.columns))
        }
        let outputs = parts.last?.outputs.upperBound ?? 0
        var bands: [ProductBand] = []
        for first in stride(from: 0, to: outputs, by: panel) {
            let columns = first..<min(outputs, first + panel)
            let ranks = parts.filter { $0.outputs.overlaps(columns) }.map(\.ranks)
            guard let low = ranks.first?.lowerBound, let high = ranks.last?.upperBound else { continue }
            if let last = bands.last, last.depth == low..<high, last.columns.upperBound == first {
                bands[bands.count - 1] = .init(columns: last.columns.lowerBound..<columns.upperBound, depth: low..<high)
            } else {
                bands.append(.init(columns: columns, depth: low..<high))
            }
        }
        return bands
    }
}
