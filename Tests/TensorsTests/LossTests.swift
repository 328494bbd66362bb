import Foundation
import Tensors
import Testing

@Suite struct LossTests {
    private func losses(_ logits: [Double], _ targets: [Int32], _ temperature: Double) -> [Double] {
        let columns = logits.count / targets.count
        return targets.enumerated().map { row, target in
            let z = logits[row * columns..<(row + 1) * columns].map { $0 / temperature }
            return target < 0 ? 0 : log(z.reduce(0) { $0 + exp($1) }) - z[Int(target)]
        }
    }

    @Test(arguments: [1, 3, 17, 131])
    func crossEntropyAndItsGradient(columns: Int) {
        var noise = Noise(20)
        let targets: [Int32] = [0, -1, Int32(columns - 1), Int32(columns / 2)]
        let logits = noise.tensor([4, columns], scale: 5)
        let coefficients = noise.tensor([4])
        let gradient = numericalGradient(of: { losses($0, targets, 0.7) }, at: logits, weights: coefficients)
        let wanted = losses(logits.elements.map(Double.init), targets, 0.7)
        for compute in computes {
            let loss = compute.crossEntropy(logits, targets: targets, temperature: 0.7)
            #expect(zip(loss.losses, wanted).map { abs(Double($0) - $1) }.reduce(0, max) < 1e-5)
            var dlogits = logits
            compute.crossEntropyBackward(
                &dlogits, targets: targets, loss: loss, coefficients: coefficients.elements)
            if columns > 1 { #expect(difference(dlogits, gradient) < 1e-5) }
            let p = compute.softmax(logits)
            let entropy = compute.crossEntropy(logits, targets: targets).entropies[1]
            let plain = p.rows(1..<2).elements.reduce(0.0) { $0 - Double($1) * log(max(Double($1), 1e-30)) }
            #expect(abs(Double(entropy) - plain) < 1e-5)
        }
    }

    private func divergences(_ logits: [Double], _ teacher: [Double], columns: Int) -> [Double] {
        stride(from: 0, to: logits.count, by: columns).map { start in
            let row = start..<start + columns
            let normalizer = log(logits[row].reduce(0) { $0 + exp($1) })
            let reference = log(teacher[row].reduce(0) { $0 + exp($1) })
            return row.reduce(0) { sum, index in
                let p = teacher[index] - reference
                return sum + exp(p) * (p - (logits[index] - normalizer))
            }
        }
    }

    @Test(arguments: [2, 17, 131])
    func distillationAndItsGradient(columns: Int) {
        var noise = Noise(22)
        let logits = noise.tensor([3, columns], scale: 4)
        let teacher = noise.tensor([3, columns], scale: 4)
        let reference = teacher.elements.map(Double.init)
        let wanted = divergences(logits.elements.map(Double.init), reference, columns: columns)
        let gradient = numericalGradient(
            of: { divergences($0, reference, columns: columns) }, at: logits,
            weights: Tensor([0.3, 0.1, 2], shape: [3]))
        for compute in computes {
            var dlogits = logits
            let losses = compute.distillation(&dlogits, teacher: teacher, scales: [0.3, 0.1, 2])
            #expect(zip(losses, wanted).map { abs(Double($0) - $1) }.reduce(0, max) < 1e-5)
            #expect(difference(dlogits, gradient) < 1e-5)
            var same = teacher
            let none = compute.distillation(&same, teacher: teacher, scales: [1, 1, 1])
            #expect(none.allSatisfy { abs($0) < 1e-5 } && same.elements.allSatisfy { $0 == 0 })
        }
    }

    @Test func hugeLogitsStayFinite() {
        let logits = Tensor([3e4, -3e4, 0, -200, -300, -250], shape: [2, 3])
        for compute in computes {
            let (losses, dlogits) = compute.crossEntropy(logits: logits, targets: [0, 1])
            #expect(losses[0] == 0 && abs(losses[1] - 100) < 1e-3)
            #expect(!dlogits.elements.contains { !$0.isFinite })
        }
        let binary = computes[0].binaryCrossEntropy(
            logits: Tensor([-1000, 1000, 0], shape: [3]), labels: [1, 1, 0.5], scale: 2)
        #expect(binary.losses == [1000, 0, Float(log(2.0))])
        #expect(binary.dlogits.elements == [-2, 0, 0])
    }

    @Test func adamWFollowsItsFormula() {
        var noise = Noise(21)
        for count in 0...67 {
            let start = noise.tensor([count])
            let gradients = (0..<3).map { _ in noise.tensor([count]) }
            var (wanted, m, v) = (
                start.elements.map(Double.init), [Double](repeating: 0, count: count),
                [Double](repeating: 0, count: count)
            )
            for (index, gradient) in gradients.enumerated() {
                for i in 0..<count {
                    let g = 0.5 * Double(gradient.elements[i])
                    m[i] = 0.8 * m[i] + 0.2 * g
                    v[i] = 0.95 * v[i] + 0.05 * g * g
                    let (first, second) = (
                        m[i] / (1 - pow(0.8, Double(index + 1))), v[i] / (1 - pow(0.95, Double(index + 1)))
                    )
                    wanted[i] -= 0.01 * 0.1 * wanted[i]
                    wanted[i] -= 0.01 * first / (second.squareRoot() + 1e-8)
                }
            }
            let settings = AdamW(learningRate: 0.01, beta1: 0.8, beta2: 0.95, weightDecay: 0.1)
            for compute in computes {
                var (x, m, v) = (start, Tensor(zeros: [count]), Tensor(zeros: [count]))
                for (index, gradient) in gradients.enumerated() {
                    compute.adamW(
                        &x, gradient: gradient, moment1: &m, moment2: &v, settings: settings, step: index + 1,
                        gradientScale: 0.5)
                }
                if count > 0 { #expect(difference(x, wanted) < 1e-6) }
            }
        }
    }
}
