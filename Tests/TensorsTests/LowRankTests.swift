import Support
import Tensors
import Testing

/// Fused low-rank products give exactly the bits of plain products with the zeros written out.
@Suite struct LowRankTests {
    private static let scale: Float = 1.25

    /// Blocks that begin and end within panels of every width, and one with a single output.
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

    /// Two adapters' updates of some rows: in single precision exactly the bits of plain products with all zeros
    /// written out.
    @Test(arguments: [Precision.float32, .bfloat16])
    func servedUpdatesEqualPlainProducts(precision: Precision) {
        var noise = Noise(23)
        let b = parts(&noise)
        let diagonal = Tensor.blockDiagonal(b)
        for compute in computes {
            let w = noise.tensor([diagonal.rows, 96])
            let weights = PackedMatrix(w, precision: precision, compute: compute)
            for rows in [1, 29, 400] {
                let x = noise.tensor([rows, 96])
                let a = (0..<2).map { _ in noise.tensor([diagonal.columns, 96]) }
                let ranges = [0..<rows / 3, (rows + 1) / 2..<rows]
                let updates = zip(ranges, a).map { update(of: $0, a: $1, b: b, precision, compute) }
                var expected = compute.multiply(x, weights)
                for (range, a) in zip(ranges, a) where !range.isEmpty {
                    var part = expected.rows(range)
                    let inner = compute.multiply(x.rows(range), a, transposeB: true)
                    compute.multiply(inner, diagonal, transposeB: true, addingTo: &part)
                    expected.replaceRows(from: range.lowerBound, with: part)
                }
                let found = compute.multiply(x, weights, updates: updates)
                if updates[0].factors.a.precision == .float32 {
                    #expect(found.elements == expected.elements)
                } else {
                    #expect(difference(found, expected.elements.map(Double.init)) < 0.01)
                }
            }
        }
    }

    /// A row has the same bits alone and beside others, on one thread and several, after a quantised product.
    @Test(arguments: [Precision.float32, .bfloat16])
    func updatedRowsDoNotDependOnTheOthers(precision: Precision) {
        var noise = Noise(24)
        var random = SplitMix64(seed: 24)
        let b = [noise.tensor([1_500, 16]), noise.tensor([700, 16])]
        let (a, x) = (noise.tensor([32, 96]), noise.tensor([31, 96]))
        let blocks = RandomBlocks(.q4_1, 2_200, 96, using: &random)
        for set in InstructionSet.supported {
            let (single, several) = (Compute(threads: 1, instructionSet: set), Compute(threads: 3, instructionSet: set))
            let whole = several.multiply(
                x, blocks.matrix(several), updates: [update(of: 2..<31, a: a, b: b, precision, several)])
            let alone = blocks.matrix(single)
            for row in 0..<31 {
                let updates = row < 2 ? [] : [update(of: 0..<1, a: a, b: b, precision, single)]
                let expected = single.multiply(x.rows(row..<row + 1), alone, updates: updates)
                #expect(whole.rows(row..<row + 1).elements == expected.elements)
            }
        }
    }

    private func update(
        of rows: Range<Int>, a: Tensor, b: [Tensor], _ precision: Precision, _ compute: Compute
    ) -> LowRankUpdate {
        LowRankUpdate(
            rows: rows,
            factors: .init(
                a: PackedMatrix(a, precision: precision, compute: compute),
                b: PackedMatrix(diagonal: b, precision: precision, compute: compute)))
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
