import CKernels

/// The backward pass of attention; `run` processes the query heads that share one key head, for the rows of one group.
struct AttentionBackward {
    let shape: AttentionShape
    let gemm: apus_gemm_kernels
    let elementwise: apus_elementwise_kernels
    let q: UnsafePointer<Float>
    let k: UnsafePointer<Float>
    let v: UnsafePointer<Float>
    let output: UnsafePointer<Float>
    let normalizers: UnsafePointer<Float>
    let doutput: UnsafePointer<Float>
    let dq: UnsafeMutablePointer<Float>
    let dk: UnsafeMutablePointer<Float>
    let dv: UnsafeMutablePointer<Float>

    /// Query rows per piece, as in the forward pass.
    private static let pieceRows = 28

    /// The data that all pieces of a group share: its visible keys and values in the three layouts that the products
    /// need, and the sums of their gradients.
    private struct Keys {
        let count: Int
        let keysDown: UnsafeMutablePointer<Float>
        let keysAcross: UnsafeMutablePointer<Float>
        let valuesDown: UnsafeMutablePointer<Float>
        let dkeys: UnsafeMutablePointer<Float>
        let dvalues: UnsafeMutablePointer<Float>
    }

    func run(_ group: AttentionSpans.Group, keyHead: Int, in workspace: Workspace) {
        let keys = pack(group, keyHead, workspace)
        for piece in group.pieces(rows: Self.pieceRows) {
            for head in keyHead * shape.group..<(keyHead + 1) * shape.group {
                Workspace.use(workspace.pool) { run(piece, head: head, keys, $0) }
            }
        }
        addGradients(keys.dkeys, to: dk, group, keyHead)
        addGradients(keys.dvalues, to: dv, group, keyHead)
    }

    private func pack(_ group: AttentionSpans.Group, _ keyHead: Int, _ workspace: Workspace) -> Keys {
        let (size, count) = (shape.headSize, group.keyCount)
        let keyRows = VisibleRows(k + keyHead * size, step: shape.keyStep, headSize: size, group: group, in: workspace)
        let valueRows = VisibleRows(
            v + keyHead * size, step: shape.keyStep, headSize: size, group: group, in: workspace)
        let keys = Keys(
            count: count, keysDown: workspace.take(gemm.panelled(count) * size),
            keysAcross: workspace.take(gemm.panelled(size) * count),
            valuesDown: workspace.take(gemm.panelled(count) * size), dkeys: workspace.take(count * size),
            dvalues: workspace.take(count * size))
        gemm.pack_rows(count, size, keyRows.base, keyRows.step, shape.scale, keys.keysDown)
        gemm.pack_columns(size, count, keyRows.base, keyRows.step, 1, keys.keysAcross)
        gemm.pack_rows(count, size, valueRows.base, valueRows.step, 1, keys.valuesDown)
        keys.dkeys.update(repeating: 0, count: count * size)
        keys.dvalues.update(repeating: 0, count: count * size)
        return keys
    }

    private func run(_ piece: AttentionSpans.Group, head: Int, _ keys: Keys, _ workspace: Workspace) {
        let (size, step, first) = (shape.headSize, shape.queryStep, piece.rows.lowerBound)
        let (rows, count) = (piece.rows.count, piece.keyCount)
        let at = first * step + head * size
        let (p, dp, delta) = (workspace.take(rows * count), workspace.take(rows * count), workspace.take(rows))
        let panels = workspace.take(gemm.panelled(size) * rows)

        gemm.tile(rows, count, size, q + at, step, 0, keys.keysDown, size, p, count, 0)
        elementwise.attention_probabilities(
            rows, count, p, count, piece.visible, normalizers + first * shape.heads + head, shape.heads)
        gemm.pack_columns(size, rows, doutput + at, step, 1, panels)
        gemm.tile(count, size, rows, p, count, 1, panels, rows, keys.dvalues, size, 1)

        gemm.tile(rows, count, size, doutput + at, step, 0, keys.valuesDown, size, dp, count, 0)
        elementwise.row_dots(rows, size, doutput + at, step, output + at, step, delta)
        elementwise.attention_score_gradient(rows, count, p, dp, count, delta, shape.scale)
        gemm.tile(rows, size, count, dp, count, 0, keys.keysAcross, keys.count, dq + at, step, 0)
        gemm.pack_columns(size, rows, q + at, step, 1, panels)
        gemm.tile(count, size, rows, dp, count, 1, panels, rows, keys.dkeys, size, 1)
    }

    private func addGradients(
        _ gradients: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, _ group: AttentionSpans.Group,
        _ keyHead: Int
    ) {
        let size = shape.headSize
        for (index, row) in group.keys.joined().enumerated() {
            elementwise.add(
                size, target + row * shape.keyStep + keyHead * size, gradients + index * size, 1)
        }
    }
}
