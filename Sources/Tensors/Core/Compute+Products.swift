import CKernels

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
