import Tensors
import Testing

@Suite struct ProductTests {
    private func expected(
        _ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool, _ scale: Double, plus c: Tensor? = nil
    ) -> [Double] {
        let rows = transposeA ? a.columns : a.rows
        let depth = transposeA ? a.rows : a.columns
        let columns = transposeB ? b.rows : b.columns
        return (0..<rows * columns).map { index in
            let (r, j) = (index / columns, index % columns)
            let sum = (0..<depth).reduce(0.0) { sum, k in
                sum + Double(transposeA ? a[k, r] : a[r, k]) * Double(transposeB ? b[j, k] : b[k, j])
            }
            return scale * sum + (c.map { Double($0[r, j]) } ?? 0)
        }
    }

    @Test func productsMatchPlainLoops() {
        var noise = Noise(1)
        let shapes = [
            (1, 1, 1), (1, 33, 3), (3, 17, 1), (13, 16, 17), (14, 32, 31), (15, 48, 64), (29, 65, 70), (17, 5, 1100),
            (64, 100, 16), (127, 31, 515),
        ]
        for compute in computes {
            for (rows, columns, depth) in shapes {
                for (transposeA, transposeB) in [(false, false), (true, false), (false, true), (true, true)] {
                    let a = noise.tensor(transposeA ? [depth, rows] : [rows, depth])
                    let b = noise.tensor(transposeB ? [columns, depth] : [depth, columns])
                    var c = noise.tensor([rows, columns])
                    let product = compute.multiply(
                        a, b, transposeA: transposeA, transposeB: transposeB, scale: 0.5)
                    let wanted = expected(a, b, transposeA, transposeB, 0.5)
                    #expect(difference(product, wanted) < 2e-6 * Double(depth).squareRoot() + 1e-6)
                    let sum = expected(a, b, transposeA, transposeB, -2, plus: c)
                    compute.multiply(
                        a, b, transposeA: transposeA, transposeB: transposeB, scale: -2, addingTo: &c)
                    #expect(difference(c, sum) < 2e-6 * Double(depth).squareRoot() + 1e-6)
                }
            }
        }
    }

    @Test func rowsDoNotDependOnTheirNumberOrOnThreads() {
        var noise = Noise(2)
        let (x, w) = (noise.tensor([400, 613]), noise.tensor([75, 613]))
        for set in InstructionSet.supported {
            let one = Compute(threads: 1, instructionSet: set)
            let three = Compute(threads: 3, instructionSet: set)
            let packed = PackedMatrix(w, compute: one)
            let all = three.multiply(x, packed)
            #expect(all.elements == one.multiply(x, w, transposeB: true).elements)
            for rows in 1...40 {
                #expect(one.multiply(x.rows(7..<7 + rows), packed).elements == all.rows(7..<7 + rows).elements)
            }
        }
    }
}
