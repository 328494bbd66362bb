import Tensors

/// A block's feed-forward layer in training: norm, fused gate and up projections, SwiGLU, down projection.
struct FeedForwardLayer: Sendable {
    let norm: Tensor
    let gateUp: AdaptedLinear
    let down: AdaptedLinear
    let epsilon: Float

    /// The values that `backward` needs.
    struct Saved: Sendable {
        /// The layer's input, `[rows, hidden]`.
        let x: Tensor
        let normed: Tensor
        let projection: AdaptedLinear.Saved
        /// `[rows, 2 * feedForward]`.
        let gateUp: Tensor
        /// `[rows, feedForward]`.
        let activation: Tensor
        let down: AdaptedLinear.Saved
    }

    /// x + down(silu(gate(norm(x))) · up(norm(x))), `[rows, hidden]`.
    func forward(_ x: Tensor, on compute: Compute) -> (Tensor, Saved) {
        let normed = compute.rmsNorm(x, weight: norm, epsilon: epsilon)
        let (fused, projection) = gateUp.forward(normed, on: compute)
        let activation = compute.swiGLU(fused)
        let (y, projected) = down.forward(activation, residual: x, on: compute)
        return (
            y,
            Saved(
                x: x, normed: normed, projection: projection, gateUp: fused, activation: activation, down: projected)
        )
    }

    /// The gradient of the input, and the gradients of the pairs: gate, up, down.
    func backward(_ dy: Tensor, _ saved: Saved, on compute: Compute) -> (dx: Tensor, dpairs: [LowRankAdapter.Pair]) {
        let (dactivation, ddown) = down.backward(dy, x: saved.activation, saved: saved.down, on: compute)
        let dfused = compute.swiGLUBackward(dactivation, gateUp: saved.gateUp)
        let (dnormed, dprojection) = gateUp.backward(dfused, x: saved.normed, saved: saved.projection, on: compute)
        var dx = compute.rmsNormInputGradient(dnormed, x: saved.x, weight: norm, epsilon: epsilon)
        compute.add(&dx, dy)
        return (dx, dprojection + ddown)
    }
}
