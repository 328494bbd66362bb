import Tensors

/// A block's attention in training: norm, fused projections with rotary positions, attention, output projection.
struct AttentionLayer: Sendable {
    let norm: Tensor
    let queryKeyValue: AdaptedLinear
    let output: AdaptedLinear
    let configuration: DecoderConfiguration

    /// The values that `backward` needs.
    struct Saved: Sendable {
        /// The block's input, `[rows, hidden]`.
        let x: Tensor
        let normed: Tensor
        let projection: AdaptedLinear.Saved
        /// Rotated queries `[rows, queryWidth]`, rotated keys and values `[rows, kvWidth]`.
        let queries: Tensor
        let keys: Tensor
        let values: Tensor
        let attention: AttentionState
        /// The output of attention, `[rows, queryWidth]`.
        let attended: Tensor
        let output: AdaptedLinear.Saved
    }

    /// x + attention(norm(x)), `[rows, hidden]`.
    func forward(_ x: Tensor, angles: RotaryAngles, spans: AttentionSpans, on compute: Compute) -> (Tensor, Saved) {
        let normed = compute.rmsNorm(x, weight: norm, epsilon: configuration.normEpsilon)
        var (fused, projection) = queryKeyValue.forward(normed, on: compute)
        compute.rotate(&fused, heads: configuration.heads + configuration.kvHeads, by: angles)
        let (width, kvWidth) = (configuration.queryWidth, configuration.kvWidth)
        let queries = compute.columns(0..<width, of: fused)
        let keys = compute.columns(width..<width + kvWidth, of: fused)
        let values = compute.columns(width + kvWidth..<width + 2 * kvWidth, of: fused)
        let (attended, attention) = compute.attention(
            queries, keys, values, heads: configuration.heads, kvHeads: configuration.kvHeads, spans: spans)
        let (y, projected) = output.forward(attended, residual: x, on: compute)
        return (
            y,
            Saved(
                x: x, normed: normed, projection: projection, queries: queries, keys: keys, values: values,
                attention: attention, attended: attended, output: projected)
        )
    }

    /// The gradient of the input, and the gradients of the pairs: queries, keys, values, output.
    func backward(
        _ dy: Tensor, _ saved: Saved, angles: RotaryAngles, spans: AttentionSpans, on compute: Compute
    ) -> (dx: Tensor, dpairs: [LowRankAdapter.Pair]) {
        let (dattended, doutput) = output.backward(dy, x: saved.attended, saved: saved.output, on: compute)
        let (dqueries, dkeys, dvalues) = compute.attentionBackward(
            dattended, q: saved.queries, k: saved.keys, v: saved.values, state: saved.attention,
            heads: configuration.heads, kvHeads: configuration.kvHeads, spans: spans)
        var dfused = compute.joinColumns([dqueries, dkeys, dvalues])
        compute.rotate(
            &dfused, heads: configuration.heads + configuration.kvHeads, by: angles, inverse: true)
        let (dnormed, dprojection) = queryKeyValue.backward(
            dfused, x: saved.normed, saved: saved.projection, on: compute)
        var dx = compute.rmsNormInputGradient(
            dnormed, x: saved.x, weight: norm, epsilon: configuration.normEpsilon)
        compute.add(&dx, dy)
        return (dx, dprojection + doutput)
    }
}
