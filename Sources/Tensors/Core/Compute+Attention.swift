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

    /// The gradients of `attention` with respect to `q`, `k` and `v`; the other arguments are those of the forward
    /// pass.
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
