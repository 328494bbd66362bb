import Tensors
import Testing

/// Sums, rows and columns; and all instruction sets against the portable kernels at every length.
@Suite struct RowsTests {
    private let portable = Compute(threads: 1, instructionSet: .portable)

    @Test func additionsAndSumsMatchPlainLoops() {
        var noise = Noise(30)
        for (rows, columns) in [(1, 1), (3, 17), (17, 3), (40, 70)] {
            let (x, y, bias) = (noise.tensor([rows, columns]), noise.tensor([rows, columns]), noise.tensor([columns]))
            for compute in computes {
                var sum = x
                compute.add(&sum, y, scale: -2)
                compute.multiplyElements(&sum, by: x)
                compute.scale(&sum, by: 3)
                compute.addBias(&sum, bias)
                let wanted = (0..<rows * columns).map { index in
                    let (a, b) = (Double(x.elements[index]), Double(y.elements[index]))
                    return 3 * (a - 2 * b) * a + Double(bias.elements[index % columns])
                }
                #expect(difference(sum, wanted) < 1e-6)
                let sums = (0..<columns).map { j in (0..<rows).reduce(0.0) { $0 + Double(x[$1, j]) } }
                #expect(difference(compute.columnSums(x), sums) < 1e-6)
            }
        }
    }

    @Test func theSquaredNormIsTheSameOnAnyNumberOfThreads() {
        var noise = Noise(31)
        for count in [0, 1, 17, 8192, 8193, 50_000] {
            let x = noise.tensor([count])
            let wanted = x.elements.reduce(0.0) { $0 + Double($1) * Double($1) }
            for compute in computes {
                let norm = compute.squaredNorm(x)
                #expect(abs(norm - wanted) <= 1e-6 * wanted)
                #expect(norm == Compute(threads: 3, instructionSet: compute.instructionSet).squaredNorm(x))
            }
        }
    }

    @Test func scatteredRowsAddUpAndGatheredOnesAreCopies() {
        let table = Tensor((0..<15).map(Float.init), shape: [5, 3])
        for compute in computes {
            #expect(compute.gather([4, 0, 4], from: table).elements == [12, 13, 14, 0, 1, 2, 12, 13, 14])
            #expect(compute.gather([], from: table).count == 0)
            var sums = table
            compute.scatterAdd(Tensor([1, 2, 3, 10, 20, 30, 5, 5, 5], shape: [3, 3]), to: [1, 1, 4], in: &sums)
            #expect(sums.elements == [0, 1, 2, 14, 26, 38, 6, 7, 8, 9, 10, 11, 17, 18, 19])
        }
    }

    @Test func columnsComeApartAndTogether() {
        let x = Tensor((0..<12).map(Float.init), shape: [3, 4])
        for compute in computes {
            let (left, right) = (compute.columns(0..<1, of: x), compute.columns(1..<4, of: x))
            #expect(left.elements == [0, 4, 8])
            #expect(right.elements == [1, 2, 3, 5, 6, 7, 9, 10, 11])
            #expect(compute.joinColumns([left, right]).elements == x.elements)
        }
    }

    @Test(arguments: 1...67)
    func instructionSetsAgreeAtEveryLength(columns: Int) {
        var noise = Noise(UInt64(100 + columns))
        let (x, dy) = (noise.tensor([3, columns], scale: 3), noise.tensor([3, columns]))
        let (weight, bias) = (noise.tensor([columns]), noise.tensor([columns]))
        let gateUp = noise.tensor([3, 2 * columns], scale: 3)
        func results(_ compute: Compute) -> [Tensor] {
            let y = compute.softmax(x)
            let (dx, dweight) = compute.rmsNormBackward(dy, x: x, weight: weight, epsilon: 0.1)
            let layer = compute.layerNormBackward(dy, x: x, weight: weight, epsilon: 0.1)
            let loss = compute.crossEntropy(logits: x, targets: [0, -1, Int32(columns - 1)], scale: 0.5)
            return [
                y, compute.softmaxBackward(dy, y: y), dx, dweight, layer.dx, layer.dweight, layer.dbias,
                compute.rmsNorm(x, weight: weight, epsilon: 0.1),
                compute.layerNorm(x, weight: weight, bias: bias, epsilon: 0.1), compute.swiGLU(gateUp),
                compute.swiGLUBackward(dy, gateUp: gateUp), compute.gelu(x), compute.geluBackward(dy, x: x),
                Tensor(loss.losses, shape: [3]), loss.dlogits,
            ]
        }
        let wanted = results(portable)
        for compute in computes {
            for (result, expected) in zip(results(compute), wanted) {
                let error = zip(result.elements, expected.elements).map { abs($0 - $1) }.reduce(0, max)
                #expect(error < 2e-5)
            }
        }
    }
}
