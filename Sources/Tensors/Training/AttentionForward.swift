import CKernels

/// The forward pass of attention; `run` processes the query heads that share one key head, for the rows of one group.
struct AttentionForward {
    let shape: AttentionShape
    let gemm: apus_gemm_kernels
    let elementwise: apus_elementwise_kernels
    let q: UnsafePointer<Float>
    let k: UnsafePointer<Float>
    let v: UnsafePointer<Float>
    let output: UnsafeMutablePointer<Float>
    let normalizers: UnsafeMutablePointer<Float>

    /// Query rows per piece: few enough to skip most of the keys that causal rows cannot see.
    private static let pieceRows = 28

    /// A group's visible keys and values, packed for the products.
    private struct Keys {
        let count: Int
        let keysDown: UnsafeMutablePointer<Float>
        let valuesAcross: UnsafeMutablePointer<Float>
        let scores: UnsafeMutablePointer<Float>
    }

    func run(_ group: AttentionSpans.Group, keyHead: Int, in workspace: Workspace) {
        let keys = pack(group, keyHead, workspace)
        for piece in group.pieces(rows: Self.pieceRows) {
            for head in keyHead * shape.group..<(keyHead + 1) * shape.group {
                run(piece, head: head, keys)
            }
        }
    }

    private func pack(_ group: AttentionSpans.Group, _ keyHead: Int, _ workspace: Workspace) -> Keys {
        let (size, count) = (shape.headSize, group.keyCount)
        let keyRows = VisibleRows(k + keyHead * size, step: shape.keyStep, headSize: size, group: group, in: workspace)
        let valueRows = VisibleRows(
            v + keyHead * size, step: shape.keyStep, headSize: size, group: group, in: workspace)
        let keys = Keys(
            count: count, keysDown: workspace.take(gemm.panelled(count) * size),
            valuesAcross: workspace.take(gemm.panelled(size) * count),
            scores: workspace.take(min(group.rows.count, Self.pieceRows) * count))
        gemm.pack_rows(count, size, keyRows.base, keyRows.step, shape.scale, keys.keysDown)
        gemm.pack_columns(size, count, valueRows.base, valueRows.step, 1, keys.valuesAcross)
        return keys
    }

    private func run(_ piece: AttentionSpans.Group, head: Int, _ keys: Keys) {
        let (size, step, first) = (shape.headSize, shape.queryStep, piece.rows.lowerBound)
        let (rows, count) = (piece.rows.count, piece.keyCount)
        let at = first * step + head * size
        gemm.tile(rows, count, size, q + at, step, 0, keys.keysDown, size, keys.scores, count, 0)
        elementwise.attention_softmax(
            rows, count, keys.scores, count, piece.visible, normalizers + first * shape.heads + head, shape.heads)
        gemm.tile(rows, size, count, keys.scores, count, 0, keys.valuesAcross, keys.count, output + at, step, 0)
    }
}
