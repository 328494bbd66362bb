import CKernels

/// The forward pass of the query heads that share one key head, for a few query rows.
struct AttentionForward {
    let shape: AttentionShape
    let piece: AttentionSpans.Group
    let keyHead: Int
    let gemm: apus_gemm_kernels
    let elementwise: apus_elementwise_kernels

    func run(
        q: UnsafePointer<Float>, k: UnsafePointer<Float>, v: UnsafePointer<Float>,
        output: UnsafeMutablePointer<Float>, normalizers: UnsafeMutablePointer<Float>,
        in workspace: Workspace
    ) {
        let size = shape.headSize
        let (rows, keys) = (piece.rows.count, piece.keyCount)
        let scores = workspace.take(rows * keys)
        let (keyPanels, valuePanels) = packed(k: k, v: v, keys: keys, in: workspace)
        for head in keyHead * shape.group..<(keyHead + 1) * shape.group {
            let at = piece.rows.lowerBound * shape.queryStep + head * size
            gemm.tile(
                rows, keys, size, q + at, shape.queryStep, 0, keyPanels, size, scores, keys, 0)
            elementwise.attention_softmax(
                rows, keys, scores, keys, piece.visible,
                normalizers + piece.rows.lowerBound * shape.heads + head, shape.heads)
            gemm.tile(
                rows, size, keys, scores, keys, 0, valuePanels, keys, output + at, shape.queryStep, 0)
        }
    }

    private func packed(
        k: UnsafePointer<Float>, v: UnsafePointer<Float>, keys: Int, in workspace: Workspace
    ) -> (keys: UnsafePointer<Float>, values: UnsafePointer<Float>) {
        let size = shape.headSize
        let keyRows = VisibleRows(k + keyHead * size, step: shape.keyStep, headSize: size, group: piece, in: workspace)
        let valueRows = VisibleRows(
            v + keyHead * size, step: shape.keyStep, headSize: size, group: piece, in: workspace)
        let keyPanels = workspace.take(gemm.panelled(keys) * size)
        let valuePanels = workspace.take(gemm.panelled(size) * keys)
        gemm.pack_rows(keys, size, keyRows.base, keyRows.step, shape.scale, keyPanels)
        gemm.pack_columns(size, keys, valueRows.base, valueRows.step, 1, valuePanels)
        return (UnsafePointer(keyPanels), UnsafePointer(valuePanels))
    }
}
