import CKernels
import Foundation

/// The cross entropy of each row of logits.
public struct CrossEntropy: Sendable {
    /// `-log softmax(logits / temperature)[target]` in nats: the negated log-probability; 0 for a row without a target.
    public let losses: [Float]
    /// The entropy of the softmax in nats.
    public let entropies: [Float]
    let normalizers: Tensor
    let inverseTemperature: Float
}

extension Compute {
    /// The cross entropy of each row of `logits`, `[rows, vocabulary]`, with its target.
    ///
    /// - Parameters:
    ///   - targets: a column for each row; a negative one marks a row without a target.
    ///   - temperature: divides the logits; above 0.
    public func crossEntropy(_ logits: Tensor, targets: [Int32], temperature: Float = 1) -> CrossEntropy {
        precondition(targets.count == logits.rows, "\(targets.count) targets for \(logits.shape)")
        let (kernels, columns, rows) = (elementwise, logits.columns, logits.rows)
        let factor = 1 / temperature
        var normalizers = uninitialized([rows])
        var entropies = uninitialized([rows])
        withMutablePointers(&normalizers, &entropies) { normalizers, entropies in
            logits.withPointer { logits in
                forEachRange(of: rows, cost: 4 * columns) {
                    let first = $0.lowerBound
                    kernels.log_sum_exp(
                        $0.count, columns, logits + first * columns, factor, normalizers + first, entropies + first)
                }
            }
        }
        let losses = targets.enumerated().map { row, target in
            target < 0 ? 0 : normalizers[0, row] - factor * logits[row, Int(target)]
        }
        return CrossEntropy(
            losses: losses, entropies: entropies.elements, normalizers: normalizers, inverseTemperature: factor)
    }

    /// Replaces `logits` by the gradient of `sum(coefficients · losses)` with respect to them.
    ///
    /// - Parameters:
    ///   - logits: the logits that `loss` was computed from, with the same targets.
    ///   - coefficients: the gradient with respect to each row's loss.
    public func crossEntropyBackward(
        _ logits: inout Tensor, targets: [Int32], loss: CrossEntropy, coefficients: [Float]
    ) {
        let (kernels, columns, rows) = (elementwise, logits.columns, logits.rows)
        precondition(targets.count == rows && coefficients.count == rows, "\(targets.count) targets for \(rows) rows")
        let factor = loss.inverseTemperature
        let scales = zip(targets, coefficients).map { $0 < 0 ? 0 : factor * $1 }
        let factors = Tensor(scales, shape: [rows])
        logits.withMutablePointer { logits in
            withPointers(loss.normalizers, factors) { normalizers, factors in
                forEachRange(of: rows, cost: 4 * columns) {
                    let first = $0.lowerBound
                    kernels.scaled_softmax(
                        $0.count, columns, logits + first * columns, factor, normalizers + first, factors + first)
                }
            }
            for (row, target) in targets.enumerated() where target >= 0 {
                logits[row * columns + Int(target)] -= scales[row]
            }
        }
    }

    /// Losses of all rows and the gradient of `scale · sum(losses)` with respect to `logits`.
    public func crossEntropy(
        logits: Tensor, targets: [Int32], scale: Float = 1
    ) -> (losses: [Float], dlogits: Tensor) {
        let loss = crossEntropy(logits, targets: targets)
        var gradient = logits
        crossEntropyBackward(
            &gradient, targets: targets, loss: loss, coefficients: Array(repeating: scale, count: logits.rows))
        return (loss.losses, gradient)
    }

    /// The distance of each row of `logits` from `teacher`, both `[rows, vocabulary]`: KL(teacher || softmax(logits))
    /// in nats (Hinton et al., "Distilling the knowledge in a neural network", 2015, at temperature 1).
    ///
    /// Replaces `logits` by the gradient of the weighted sum, in which row i has the weight `scales[i]`.
    public func distillation(_ logits: inout Tensor, teacher: consuming Tensor, scales: [Float]) -> [Float] {
        precondition(scales.count == logits.rows, "\(scales.count) scales for \(logits.shape)")
        precondition(teacher.shape == logits.shape, "a teacher of \(teacher.shape) for \(logits.shape)")
        let nothing = [Int32](repeating: -1, count: logits.rows)
        let reference = crossEntropy(teacher, targets: nothing)
        let loss = crossEntropy(logits, targets: nothing)
        softmax(&teacher, normalizers: reference.normalizers)
        let means = rowDots(teacher, logits)
        softmax(&logits, normalizers: loss.normalizers)
        add(&logits, teacher, scale: -1)
        scaleRows(&logits, by: scales)
        return means.indices.map { loss.normalizers[0, $0] - reference.entropies[$0] - means[$0] }
    }

    /// Replaces each row by its softmax.
    private func softmax(_ logits: inout Tensor, normalizers: Tensor) {
        let (kernels, columns, rows) = (elementwise, logits.columns, logits.rows)
        let factors = Tensor(repeating: 1, [rows])
        logits.withMutablePointer { logits in
            withPointers(normalizers, factors) { normalizers, factors in
                forEachRange(of: rows, cost: 4 * columns) {
                    let first = $0.lowerBound
                    kernels.scaled_softmax(
                        $0.count, columns, logits + first * columns, 1, normalizers + first, factors + first)
                }
            }
        }
    }

    /// Multiplies row i by `factors[i]`.
    private func scaleRows(_ x: inout Tensor, by factors: [Float]) {
        let (columns, rows) = (x.columns, x.rows)
        x.withMutablePointer { x in
            forEachRange(of: rows, cost: columns) {
                for row in $0 {
                    for index in row * columns..<(row + 1) * columns { x[index] *= factors[row] }
                }
            }
        }
    }

    /// The dot product of each row of `x` with the same row of `y`.
    private func rowDots(_ x: Tensor, _ y: Tensor) -> [Float] {
        let (columns, rows) = (x.columns, x.rows)
        var dots = uninitialized([rows])
        dots.withMutablePointer { dots in
            withPointers(x, y) { x, y in
                forEachRange(of: rows, cost: columns) {
                    for row in $0 {
                        let start = row * columns
                        dots[row] = Float((start..<start + columns).reduce(0.0) { $0 + Double(x[$1]) * Double(y[$1]) })
                    }
                }
            }
        }
        return dots.elements
    }

    /// `-(y log σ(x) + (1 - y) log(1 - σ(x)))` for each element of `logits` with labels `y` in 0...1, and the
    /// gradient of `scale` times their sum.
    public func binaryCrossEntropy(
        logits: Tensor, labels: [Float], scale: Float = 1
    ) -> (losses: [Float], dlogits: Tensor) {
        precondition(labels.count == logits.count, "\(labels.count) labels for \(logits.shape)")
        let pairs = zip(logits.elements, labels)
        let losses = pairs.map { x, y in max(x, 0) - x * y + log1p(exp(-abs(x))) }
        let gradients = pairs.map { x, y in
            let e = exp(-abs(x))
            return scale * ((x >= 0 ? 1 : e) / (1 + e) - y)
        }
        return (losses, Tensor(gradients, shape: logits.shape))
    }
}
