import Tensors

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

/// Frozen linear layers of one input, fused to one product, with their low-rank updates: y = W x + s B (A x).
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

    /// The layers whose outputs are adjacent in `weight`.
    init(_ weight: FrozenMatrix, pairs: [LowRankAdapter.Pair], scale: Float) {
        self.weight = weight
        self.scale = scale
        self.a = Tensor.stacking(pairs.map(\.a))
        self.b = pairs.map(\.b)
    }

    /// The values that `backward` needs besides the input: A x, `[rows, layers * rank]`.
    struct Saved: Sendable {
        let inner: Tensor
    }

    /// `[rows, inputs]` to `[rows, outputs]`, plus `residual` of that shape.
    func forward(_ x: Tensor, residual: Tensor? = nil, on compute: Compute) -> (y: Tensor, saved: Saved) {
        let inner = compute.multiply(x, a, transposeB: true)
        let y = compute.multiply(
            x, weight.forward, plus: inner, timesDiagonal: b, scale: scale, residual: residual)
        return (y, Saved(inner: inner))
    }

    /// The gradient of the input, and the gradients of the layers' factors in order.
    func backward(
        _ dy: Tensor, x: Tensor, saved: Saved, on compute: Compute
    ) -> (dx: Tensor, dpairs: [LowRankAdapter.Pair]) {
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
