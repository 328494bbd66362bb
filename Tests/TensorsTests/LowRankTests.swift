import Tensors
import Testing

/// Fused low-rank products give the very bits of the plain products with the zeros written out.
@Suite struct LowRankTests {
    private static let scale: Float = 1.25

    /// Parts that begin and end within panels of every width, and one of a single output.
    private func parts(_ noise: inout Noise) -> [Tensor] {
        [[17, 3], [1, 2], [64, 4], [35, 1]].map { noise.tensor($0) }
    }

    @Test(arguments: [Precision.float32, .bfloat16])
    func updatesEqualPlainProducts(precision: Precision) {
        var noise = Noise(21)
        let b = parts(&noise)
        let diagonal = Tensor.blockDiagonal(b)
        for compute in computes {
            for (rows, inputs) in [(1, 5), (29, 70), (15, 1600)] {
                let (x, inner) = (noise.tensor([rows, inputs]), noise.tensor([rows, diagonal.columns]))
                let w = PackedMatrix(noise.tensor([diagonal.rows, inputs]), precision: precision, compute: compute)
                let residual = noise.tensor([rows, diagonal.rows])
                var expected = compute.multiply(x, w)
                compute.multiply(inner, diagonal, transposeB: true, scale: Self.scale, addingTo: &expected)
                let plain = compute.multiply(x, w, plus: inner, timesDiagonal: b, scale: Self.scale)
                #expect(plain.elements == expected.elements)
                compute.add(&expected, residual)
                let whole = compute.multiply(
                    x, w, plus: inner, timesDiagonal: b, scale: Self.scale, residual: residual)
                #expect(whole.elements == expected.elements)

                let a = noise.tensor([diagonal.columns, diagonal.rows])
                var dense = compute.multiply(x, w)
                compute.multiply(inner, a, addingTo: &dense)
                #expect(compute.multiply(x, w, plus: inner, times: a).elements == dense.elements)
            }
        }
    }

    @Test(arguments: [Precision.float32, .bfloat16])
    func packedDiagonalsEqualPlainProducts(precision: Precision) {
        var noise = Noise(23)
        let b = parts(&noise)
        let whole = Tensor.blockDiagonal(b)
        for compute in computes {
            let packed = PackedMatrix(diagonal: b, precision: precision, compute: compute)
            let plain = PackedMatrix(whole, precision: precision, compute: compute)
            for rows in [1, 29, 800] {
                let x = noise.tensor([rows, whole.columns])
                var (found, expected) = (noise.tensor([rows, whole.rows]), Tensor(zeros: [rows, whole.rows]))
                compute.add(&expected, found)
                compute.multiply(x, packed, addingTo: &found)
                compute.multiply(x, plain, addingTo: &expected)
                #expect(found.elements == expected.elements)
            }
        }
    }

    @Test func gradientsEqualPlainProducts() {
        var noise = Noise(22)
        let b = parts(&noise)
        let diagonal = Tensor.blockDiagonal(b)
        for compute in computes {
            for rows in [1, 29, 800] {
                let (dy, inner) = (noise.tensor([rows, diagonal.rows]), noise.tensor([rows, diagonal.columns]))
                let dinner = compute.multiply(dy, diagonal: b, scale: Self.scale)
                #expect(dinner.elements == compute.multiply(dy, diagonal, scale: Self.scale).elements)
                let all = compute.multiply(dy, inner, transposeA: true, scale: Self.scale)
                let db = compute.diagonalProducts(dy, inner: inner, like: b, scale: Self.scale)
                var (output, rank) = (0, 0)
                for (one, part) in zip(db, b) {
                    let block = all.rows(output..<output + part.rows).columns(rank..<rank + part.columns)
                    #expect(one.shape == part.shape && one.elements == block.elements)
                    output += part.rows
                    rank += part.columns
                }
            }
        }
    }
}
