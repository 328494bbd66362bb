import CKernels

/// The state that the backward pass of attention needs from the forward pass. Probabilities are recomputed from the
/// normalizers, which costs less than writing and reading them.
public struct AttentionState: Sendable {
    let output: Tensor
    /// `[rows, heads]`: the logarithm of each softmax's denominator.
    let normalizers: Tensor
}

/// The extents of one attention call.
struct AttentionShape {
    let heads: Int
    let keyHeads: Int
    let headSize: Int
    let scale: Float

    var group: Int { heads / keyHeads }
    var queryStep: Int { heads * headSize }
    var keyStep: Int { keyHeads * headSize }
}

extension Compute {
    /// Attention of queries over the keys that `spans` lets them see, for training and for whole images.
    ///
    /// - Parameters:
    ///   - q: `[rows, heads · headSize]`
    ///   - k: `[rows, kvHeads · headSize]`; each key head serves `heads / kvHeads` consecutive query heads.
    ///   - v: like `k`
    ///   - scale: multiplies the scores; `1 / sqrt(headSize)` by default.
    /// - Returns: the output, `[rows, heads · headSize]`, and the state for `attentionBackward`.
    public func attention(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, kvHeads: Int, spans: AttentionSpans, scale: Float? = nil
    ) -> (output: Tensor, state: AttentionState) {
        let shape = attentionShape(q, k, v, heads, kvHeads, spans, scale)
        var output = uninitialized([q.rows, q.columns])
        var normalizers = uninitialized([q.rows, heads])
        withMutablePointers(&output, &normalizers) { output, normalizers in
            withPointers(q, k, v) { q, k, v in
                let forward = AttentionForward(
                    shape: shape, gemm: gemm, elementwise: elementwise, q: q, k: k, v: v, output: output,
                    normalizers: normalizers)
                let groups = spans.groups.flatMap { $0 }
                pool.run(count: groups.count * kvHeads) { index in
                    Workspace.use(buffers) { forward.run(groups[index / kvHeads], keyHead: index % kvHeads, in: $0) }
                }
            }
        }
        return (output, AttentionState(output: output, normalizers: normalizers))
    }

    /// The gradients of `attention` with respect to `q`, `k` and `v`. The other arguments must be the same as in the
    /// forward pass.
    public func attentionBackward(
        _ doutput: Tensor, q: Tensor, k: Tensor, v: Tensor, state: AttentionState, heads: Int, kvHeads: Int,
        spans: AttentionSpans, scale: Float? = nil
    ) -> (dq: Tensor, dk: Tensor, dv: Tensor) {
        let shape = attentionShape(q, k, v, heads, kvHeads, spans, scale)
        precondition(doutput.count == q.count, "\(doutput.shape) for \(q.shape)")
        var dq = uninitialized(q.shape)
        var dk = zeros(k.shape)
        var dv = zeros(v.shape)
        dq.withMutablePointer { dq in
            withMutablePointers(&dk, &dv) { dk, dv in
                withPointers(q, k, v) { q, k, v in
                    withPointers(state.output, state.normalizers, doutput) { output, normalizers, doutput in
                        let backward = AttentionBackward(
                            shape: shape, gemm: gemm, elementwise: elementwise, q: q, k: k, v: v, output: output,
                            normalizers: normalizers, doutput: doutput, dq: dq, dk: dk, dv: dv)
                        pool.run(count: spans.groups.count * kvHeads) { index in
                            for group in spans.groups[index / kvHeads] {
                                Workspace.use(buffers) { backward.run(group, keyHead: index % kvHeads, in: $0) }
                            }
                        }
                    }
                }
            }
        }
        return (dq, dk, dv)
    }

    private func attentionShape(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ heads: Int, _ kvHeads: Int, _ spans: AttentionSpans, _ scale: Float?
    ) -> AttentionShape {
        let headSize = q.columns / heads
        precondition(q.columns == heads * headSize && heads % kvHeads == 0, "\(heads) heads in \(q.shape)")
        precondition(
            k.columns == kvHeads * headSize && v.shape == k.shape, "\(kvHeads) heads in \(k.shape), \(v.shape)")
        precondition(q.rows == spans.rows && k.rows == spans.rows, "\(spans.rows) rows of spans for \(q.shape)")
        return AttentionShape(
            heads: heads, keyHeads: kvHeads, headSize: headSize, scale: scale ?? 1 / Float(headSize).squareRoot())
    }
}

extension AttentionSpans.Group {
    /// The number of keys that at least one row sees.
    var keyCount: Int { Int(visible.max() ?? 0) }

    /// The group cut into pieces of up to `step` rows.
    func pieces(rows step: Int) -> [AttentionSpans.Group] {
        stride(from: 0, to: rows.count, by: step).map { start in
            let end = min(rows.count, start + step)
            return AttentionSpans.Group(
                rows: rows.lowerBound + start..<rows.lowerBound + end, keys: keys, visible: Array(visible[start..<end]))
        }
    }
}

/// One head's keys or values that a group sees, without gaps.
///
/// Rows that no row of the group sees are not even read: they may hold anything, including NaN.
struct VisibleRows {
    let base: UnsafePointer<Float>
    let step: Int

    init(
        _ source: UnsafePointer<Float>, step: Int, headSize: Int, group: AttentionSpans.Group, in workspace: Workspace
    ) {
        let keys = group.keys
        if let only = keys.first, keys.count == 1 {
            self.base = source + only.lowerBound * step
            self.step = step
            return
        }
        let copy = workspace.take(keys.reduce(0) { $0 + $1.count } * headSize)
        for (index, row) in keys.joined().enumerated() {
            (copy + index * headSize).update(from: source + row * step, count: headSize)
        }
        self.base = UnsafePointer(copy)
        self.step = headSize
    }
}

extension apus_gemm_kernels {
    /// `columns` rounded up to whole panels.
    func panelled(_ columns: Int) -> Int {
        (columns + panel - 1) / panel * panel
    }
}

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
