import Foundation
import Tensors
import Testing

/// Forward and backward of all row operations, against plain loops in double precision.
@Suite struct GradientTests {
    private static let shapes = [(1, 1), (3, 17), (17, 3), (5, 48), (2, 67)]

    private func byRows(_ x: [Double], _ columns: Int, _ f: ([Double]) -> [Double]) -> [Double] {
        stride(from: 0, to: x.count, by: columns).flatMap { f(Array(x[$0..<$0 + columns])) }
    }

    private func rmsNorm(_ x: [Double], _ weight: [Double]) -> [Double] {
        byRows(x, weight.count) { row in
            let mean = row.reduce(0) { $0 + $1 * $1 } / Double(row.count)
            return zip(row, weight).map { $0 / (mean + 0.1).squareRoot() * $1 }
        }
    }

    private func layerNorm(_ x: [Double], _ weight: [Double], _ bias: [Double]) -> [Double] {
        byRows(x, weight.count) { row in
            let mean = row.reduce(0, +) / Double(row.count)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
            return row.indices.map { (row[$0] - mean) / (variance + 0.1).squareRoot() * weight[$0] + bias[$0] }
        }
    }

    private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    private func swiGLU(_ x: [Double], _ width: Int) -> [Double] {
        byRows(x, 2 * width) { row in (0..<width).map { row[$0] * sigmoid(row[$0]) * row[width + $0] } }
    }

    private func gelu(_ x: [Double]) -> [Double] {
        x.map { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    }

    private func softmax(_ x: [Double], _ columns: Int) -> [Double] {
        byRows(x, columns) { row in
            let sum = row.reduce(0) { $0 + exp($1) }
            return row.map { exp($0) / sum }
        }
    }

    private func doubles(_ x: Tensor) -> [Double] { x.elements.map(Double.init) }

    @Test(arguments: shapes)
    func rmsNormAndItsGradients(rows: Int, columns: Int) {
        var noise = Noise(10)
        let (x, weight) = (noise.tensor([rows, columns]), noise.tensor([columns]))
        let dy = noise.tensor([rows, columns])
        let dx = numericalGradient(of: { rmsNorm($0, doubles(weight)) }, at: x, weights: dy)
        let dweight = numericalGradient(of: { rmsNorm(doubles(x), $0) }, at: weight, weights: dy)
        for compute in computes {
            let y = compute.rmsNorm(x, weight: weight, epsilon: 0.1)
            #expect(difference(y, rmsNorm(doubles(x), doubles(weight))) < 1e-6)
            let gradients = compute.rmsNormBackward(dy, x: x, weight: weight, epsilon: 0.1)
            #expect(difference(gradients.dx, dx) < 1e-4)
            #expect(difference(gradients.dweight, dweight) < 1e-5)
            let alone = compute.rmsNormInputGradient(dy, x: x, weight: weight, epsilon: 0.1)
            #expect(alone.elements == gradients.dx.elements)
        }
    }

    @Test(arguments: shapes)
    func layerNormAndItsGradients(rows: Int, columns: Int) {
        var noise = Noise(11)
        let x = noise.tensor([rows, columns])
        let (weight, bias) = (noise.tensor([columns]), noise.tensor([columns]))
        let dy = noise.tensor([rows, columns])
        let (w, b) = (doubles(weight), doubles(bias))
        let dx = numericalGradient(of: { layerNorm($0, w, b) }, at: x, weights: dy)
        let dweight = numericalGradient(of: { layerNorm(doubles(x), $0, b) }, at: weight, weights: dy)
        let dbias = numericalGradient(of: { layerNorm(doubles(x), w, $0) }, at: bias, weights: dy)
        for compute in computes {
            let y = compute.layerNorm(x, weight: weight, bias: bias, epsilon: 0.1)
            #expect(difference(y, layerNorm(doubles(x), w, b)) < 1e-6)
            let gradients = compute.layerNormBackward(dy, x: x, weight: weight, epsilon: 0.1)
            // A single column equals its own mean: its gradient is exactly 0, and so is the weight's.
            if columns > 1 { #expect(difference(gradients.dx, dx) < 1e-4) }
            if columns > 1 { #expect(difference(gradients.dweight, dweight) < 1e-5) }
            if columns == 1 { #expect(Set(gradients.dx.elements + gradients.dweight.elements) == [0]) }
            #expect(difference(gradients.dbias, dbias) < 1e-5)
        }
    }

    @Test(arguments: shapes)
    func activationsAndTheirGradients(rows: Int, columns: Int) {
        var noise = Noise(12)
        let gateUp = noise.tensor([rows, 2 * columns], scale: 6)
        let x = noise.tensor([rows, columns], scale: 4)
        let dy = noise.tensor([rows, columns])
        let dgateUp = numericalGradient(of: { swiGLU($0, columns) }, at: gateUp, weights: dy)
        let dgelu = numericalGradient(of: gelu, at: x, weights: dy)
        let dsoftmax = numericalGradient(of: { softmax($0, columns) }, at: x, weights: dy)
        for compute in computes {
            #expect(difference(compute.swiGLU(gateUp), swiGLU(doubles(gateUp), columns)) < 1e-6)
            #expect(difference(compute.swiGLUBackward(dy, gateUp: gateUp), dgateUp) < 1e-5)
            #expect(difference(compute.gelu(x), gelu(doubles(x))) < 1e-6)
            #expect(difference(compute.geluBackward(dy, x: x), dgelu) < 1e-5)
            let y = compute.softmax(x)
            #expect(difference(y, softmax(doubles(x), columns)) < 1e-6)
            if columns > 1 { #expect(difference(compute.softmaxBackward(dy, y: y), dsoftmax) < 1e-5) }
        }
    }

    @Test func rotationTurnsPairsOfHalvesAndBack() {
        var noise = Noise(13)
        let x = noise.tensor([3, 3 * 10])
        let frequencies = RotaryFrequencies(headSize: 10, theta: 100)
        let positions: [Int32] = [0, 7, 2]
        let angles = RotaryAngles(positions: positions, frequencies: frequencies)
        for compute in computes {
            var y = x
            compute.rotate(&y, heads: 2, by: angles)
            for row in 0..<3 {
                for column in 0..<30 {
                    guard column < 20 else {
                        #expect(y[row, column] == x[row, column])
                        continue
                    }
                    let pair = column % 5
                    let low = column / 10 * 10 + pair
                    let angle = Double(positions[row]) / pow(100, Double(pair) / 5)
                    let (a, b) = (Double(x[row, low]), Double(x[row, low + 5]))
                    let wanted =
                        column % 10 < 5 ? a * cos(angle) - b * sin(angle) : b * cos(angle) + a * sin(angle)
                    #expect(abs(Double(y[row, column]) - wanted) < 1e-6)
                }
            }
            compute.rotate(&y, heads: 2, by: angles, inverse: true)
            #expect(difference(y, doubles(x)) < 1e-6)
        }
    }
}
