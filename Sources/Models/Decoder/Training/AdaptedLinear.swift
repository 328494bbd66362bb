import Tensors

/// A frozen linear layer in the two forms that training multiplies by.
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
/// The `a` factors are stacked; the `b` factors stand on the diagonal of one matrix, so that each layer sees only its
/// own part of A x. For three layers of rank 16 that costs less than three thin products.
struct AdaptedLinear: Sendable {
    private let weight: FrozenMatrix
    /// `[layers * rank, inputs]`.
    private let a: Tensor
    /// `[sum of outputs, layers * rank]`.
    private let b: Tensor
    private let scale: Float
    private let pairs: [LowRankAdapter.Pair]

    /// The layers whose outputs lie one after the other in `weight`.
    init(_ weight: FrozenMatrix, pairs: [LowRankAdapter.Pair], scale: Float) {
        self.weight = weight
        self.scale = scale
        self.pairs = pairs
        self.a = Tensor.stacking(pairs.map(\.a))
        self.b = Tensor.blockDiagonal(pairs.map(\.b))
    }

    /// What `backward` needs beside the input: A x, `[rows, layers * rank]`.
    struct Saved: Sendable {
        let inner: Tensor
    }

    /// `[rows, inputs]` to `[rows, outputs]`.
    func forward(_ x: Tensor, on compute: Compute) -> (y: Tensor, saved: Saved) {
        var y = compute.multiply(x, weight.forward)
        let inner = compute.multiply(x, a, transposeB: true)
        compute.multiply(inner, b, transposeB: true, scale: scale, addingTo: &y)
        return (y, Saved(inner: inner))
    }

    /// The gradient of the input, and those of the layers' factors in their order.
    func backward(
        _ dy: Tensor, x: Tensor, saved: Saved, on compute: Compute
    ) -> (dx: Tensor, dpairs: [LowRankAdapter.Pair]) {
        let dinner = compute.multiply(dy, b, scale: scale)
        var dx = compute.multiply(dy, weight.backward)
        compute.multiply(dinner, a, addingTo: &dx)
        let da = compute.multiply(dinner, x, transposeA: true)
        let db = compute.multiply(dy, saved.inner, transposeA: true, scale: scale)
        return (dx, split(da, db, on: compute))
    }

    /// Cuts the fused factors' gradients into those of the layers: of `db` only the blocks on the diagonal.
    private func split(_ da: Tensor, _ db: Tensor, on compute: Compute) -> [LowRankAdapter.Pair] {
        var ranks = 0
        var outputs = 0
        return pairs.map { pair in
            defer {
                ranks += pair.a.rows
                outputs += pair.b.rows
            }
            return LowRankAdapter.Pair(
                a: da.rows(ranks..<ranks + pair.a.rows),
                b: compute.columns(ranks..<ranks + pair.a.rows, of: db.rows(outputs..<outputs + pair.b.rows)))
        }
    }
}
