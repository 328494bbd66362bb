import Tensors

/// A block's attention in training: norm, fused projections with rotary positions, attention, output projection.
struct AttentionLayer: Sendable {
    let norm: Tensor
    let queryKeyValue: AdaptedLinear
    let queryNorm: Tensor?
    let keyNorm: Tensor?
    let output: AdaptedLinear
    let isRotated: Bool
    let configuration: DecoderConfiguration

    /// The values that `backward` needs.
    struct Saved: Sendable {
        /// The block's input, `[rows, hidden]`.
        let x: Tensor
        let normed: Tensor
        let projection: AdaptedLinear.Saved
        /// The fused projection before the norms of heads; nil without them.
        let unnormalized: Tensor?
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
        let unnormalized = queryNorm == nil ? nil : fused
        if let queryNorm, let keyNorm {
            compute.normalizeHeads(
                &fused,
                [
                    (0..<configuration.heads, queryNorm),
                    (configuration.heads..<configuration.heads + configuration.kvHeads, keyNorm),
                ], epsilon: configuration.normEpsilon)
        }
        if isRotated { compute.rotate(&fused, heads: configuration.heads + configuration.kvHeads, by: angles) }
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
                x: x, normed: normed, projection: projection, unnormalized: unnormalized, queries: queries,
                keys: keys, values: values, attention: attention, attended: attended, output: projected)
        )
    }

    /// The gradient of the input, and the gradients of the pairs: queries, keys, values, output.
    func backward(
        _ dy: Tensor, _ saved: Saved, angles: RotaryAngles, spans: AttentionSpans, on compute: Compute
    ) -> (dx: Tensor, dpairs: [LowRankAdapter.Pair]) {
        let (dattended, doutput) = output.backward(
            dy, x: saved.attended, saved: saved.output, isResidual: true, on: compute)
        let (dqueries, dkeys, dvalues) = compute.attentionBackward(
            dattended, q: saved.queries, k: saved.keys, v: saved.values, state: saved.attention,
            heads: configuration.heads, kvHeads: configuration.kvHeads, spans: spans)
        var dfused = compute.joinColumns([dqueries, dkeys, dvalues])
        if isRotated {
            compute.rotate(
                &dfused, heads: configuration.heads + configuration.kvHeads, by: angles, inverse: true)
        }
        if let unnormalized = saved.unnormalized { dfused = normsBackward(dfused, unnormalized, on: compute) }
        let (dnormed, dprojection) = queryKeyValue.backward(
            dfused, x: saved.normed, saved: saved.projection, on: compute)
        var dx = compute.rmsNormInputGradient(
            dnormed, x: saved.x, weight: norm, epsilon: configuration.normEpsilon)
        compute.add(&dx, dy)
        return (dx, dprojection + doutput)
    }

    /// The gradient of the fused projection before the norms of heads.
    private func normsBackward(_ dfused: Tensor, _ fused: Tensor, on compute: Compute) -> Tensor {
        let (width, kvWidth) = (configuration.queryWidth, configuration.kvWidth)
        func norm(_ columns: Range<Int>, _ weight: Tensor?) -> Tensor {
            let dy = compute.columns(columns, of: dfused)
            guard let weight else { return dy }
            let x = compute.columns(columns, of: fused)
            let heads = [x.count / weight.count, weight.count]
            return compute.rmsNormInputGradient(
                dy.reshaped(heads), x: x.reshaped(heads), weight: weight, epsilon: configuration.normEpsilon
            ).reshaped(x.shape)
        }
        return compute.joinColumns([
            norm(0..<width, queryNorm), norm(width..<width + kvWidth, keyNorm),
            norm(width + kvWidth..<width + 2 * kvWidth, nil),
        ])
    }
}

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
        let (dactivation, ddown) = down.backward(
            dy, x: saved.activation, saved: saved.down, isResidual: true, on: compute)
        let dfused = compute.swiGLUBackward(dactivation, gateUp: saved.gateUp)
        let (dnormed, dprojection) = gateUp.backward(dfused, x: saved.normed, saved: saved.projection, on: compute)
        var dx = compute.rmsNormInputGradient(dnormed, x: saved.x, weight: norm, epsilon: epsilon)
        compute.add(&dx, dy)
        return (dx, dprojection + ddown)
    }
}

/// A frozen linear layer, packed for the two products of training.
struct FrozenMatrix: Sendable {
    /// `[outputs, inputs]`, for x Wᵀ.
    let forward: PackedMatrix
    /// `[inputs, outputs]`, for dy W.
    let backward: PackedMatrix

    /// Packs `weight`, `[outputs, inputs]`.
    init(_ weight: Tensor, precision: Precision, compute: Compute) {
        forward = PackedMatrix(weight, precision: precision, compute: compute)
        backward = PackedMatrix(weight.transposed(), precision: precision, compute: compute)
    }
}

/// Frozen linear layers of one input, fused to one product, with their low-rank updates: y = W x + s B (A x) + b.
///
/// The `a` factors are stacked. The `b` factors are blocks on the diagonal of one matrix, so that each layer reads only
/// its own rows of A x.
struct AdaptedLinear: Sendable {
    private let weight: FrozenMatrix
    /// `[layers * rank, inputs]`.
    private let a: Tensor
    /// `[outputs, rank]` of each layer.
    private let b: [Tensor]
    private let scale: Float
    /// `[outputs]`; nil without one.
    private let bias: Tensor?
    /// The factor of y where it is added to the residual stream.
    private let residualScale: Float

    /// The layers whose outputs are adjacent in `linear`.
    init(_ linear: FrozenLinear, pairs: [LowRankAdapter.Pair], scale: Float, residualScale: Float) {
        self.weight = linear.matrix
        self.bias = linear.bias
        self.scale = scale
        self.residualScale = residualScale
        self.a = Tensor.stacking(pairs.map(\.a))
        self.b = pairs.map(\.b)
    }

    /// The values that `backward` needs besides the input: A x, `[rows, layers * rank]`.
    struct Saved: Sendable {
        let inner: Tensor
    }

    /// `[rows, inputs]` to `[rows, outputs]`; with `residual` of that shape, `residual + residualScale · y`.
    func forward(_ x: Tensor, residual: Tensor? = nil, on compute: Compute) -> (y: Tensor, saved: Saved) {
        let inner = compute.multiply(x, a, transposeB: true)
        let isScaled = residual != nil && residualScale != 1
        var y = compute.multiply(
            x, weight.forward, plus: inner, timesDiagonal: b, scale: scale, residual: isScaled ? nil : residual)
        if let bias { compute.addBias(&y, bias) }
        if isScaled, var sum = residual {
            compute.add(&sum, y, scale: residualScale)
            y = sum
        }
        return (y, Saved(inner: inner))
    }

    /// The gradient of the input, and the gradients of the layers' factors in order.
    ///
    /// - Parameter isResidual: whether `dy` is the gradient of `residual + residualScale · y`.
    func backward(
        _ dy: Tensor, x: Tensor, saved: Saved, isResidual: Bool = false, on compute: Compute
    ) -> (dx: Tensor, dpairs: [LowRankAdapter.Pair]) {
        var dy = dy
        if isResidual, residualScale != 1 { compute.scale(&dy, by: residualScale) }
        let dinner = compute.multiply(dy, diagonal: b, scale: scale)
        let dx = compute.multiply(dy, weight.backward, plus: dinner, times: a)
        let da = compute.multiply(dinner, x, transposeA: true)
        let db = compute.diagonalProducts(dy, inner: saved.inner, like: b, scale: scale)
        var rank = 0
        let dpairs = db.map { db in
            defer { rank += db.columns }
            return LowRankAdapter.Pair(a: da.rows(rank..<rank + db.columns), b: db)
        }
        return (dx, dpairs)
    }
}
