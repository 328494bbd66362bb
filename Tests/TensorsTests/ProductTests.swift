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

    /// Rounded to nearest, ties to even, by the bits of the number.
    private func rounded(_ x: Float) -> Float {
        let bits = x.bitPattern
        return Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000)
    }

    private func rounded(_ x: Tensor) -> Tensor { Tensor(x.elements.map { rounded($0) }, shape: x.shape) }

    @Test func bfloat16ProductsAreThoseOfTheRoundedFactors() {
        var noise = Noise(3)
        for compute in computes {
            for (rows, columns, depth) in [(1, 1, 1), (3, 17, 33), (15, 48, 64), (29, 65, 71), (6, 40, 2051)] {
                let (x, w) = (noise.tensor([rows, depth]), noise.tensor([columns, depth]))
                let packed = PackedMatrix(w, precision: .bfloat16, compute: compute)
                #expect(packed.precision == (compute.multipliesBFloat16 ? .bfloat16 : .float32))
                let exact = packed.precision == .float32
                let wanted = expected(exact ? x : rounded(x), exact ? w : rounded(w), false, true, 1)
                #expect(difference(compute.multiply(x, packed), wanted) < 2e-6 * Double(depth).squareRoot() + 1e-6)
            }
        }
    }

    @Test(arguments: [false, true], [false, true])
    func bfloat16ProductsRoundTransposedFactorsToo(transposeA: Bool, transposeB: Bool) {
        var noise = Noise(5)
        for compute in computes {
            for (rows, columns, depth) in [(1, 1, 1), (3, 17, 33), (15, 48, 64), (29, 65, 71), (6, 40, 2051)] {
                let a = noise.tensor(transposeA ? [depth, rows] : [rows, depth])
                let b = noise.tensor(transposeB ? [columns, depth] : [depth, columns])
                let exact = !compute.multipliesBFloat16
                let wanted = expected(exact ? a : rounded(a), exact ? b : rounded(b), transposeA, transposeB, 1)
                let product = compute.multiply(
                    a, b, transposeA: transposeA, transposeB: transposeB, precision: .bfloat16)
                #expect(difference(product, wanted) < 2e-6 * Double(depth).squareRoot() + 1e-6)
            }
        }
    }

    /// Halfway cases, which noise hardly ever produces, for the rounding of whole vectors and of the tail.
    @Test(arguments: [1, 33, 64])
    func bfloat16TiesGoToEven(depth: Int) {
        let halfway: [Float] = [1 + 1 / 256, 1 + 3 / 256]
        let even: [Float] = [1, 1 + 4 / 256]
        for compute in computes where compute.multipliesBFloat16 {
            for place in Set([0, depth - 1]) {
                var (x, unit) = (Tensor(zeros: [2, depth]), Tensor(zeros: [1, depth]))
                for row in 0..<2 { x[row, place] = halfway[row] }
                unit[0, place] = 1
                let fromActivations = PackedMatrix(unit, precision: .bfloat16, compute: compute)
                #expect(compute.multiply(x, fromActivations).elements == even)
                let fromWeights = PackedMatrix(x, precision: .bfloat16, compute: compute)
                #expect(compute.multiply(unit, fromWeights).elements == even)
            }
        }
    }

    @Test func bfloat16RowsDoNotDependOnTheirNumber() {
        var noise = Noise(4)
        let (x, w) = (noise.tensor([100, 2051]), noise.tensor([75, 2051]))
        for compute in computes {
            let packed = PackedMatrix(w, precision: .bfloat16, compute: compute)
            let all = compute.multiply(x, packed)
            for rows in 1...40 {
                #expect(compute.multiply(x.rows(7..<7 + rows), packed).elements == all.rows(7..<7 + rows).elements)
            }
        }
    }
}
