import CKernels
import Foundation

/// The settings of AdamW (Loshchilov & Hutter 2017, arXiv:1711.05101), with PyTorch's defaults.
public struct AdamW: Sendable {
    /// The step size.
    public var learningRate: Float
    /// The decay of the gradients' moving mean.
    public var beta1: Float
    /// The decay of the squared gradients' moving mean.
    public var beta2: Float
    /// Keeps the division finite.
    public var epsilon: Float
    /// The share of a parameter, times the learning rate, that each step subtracts.
    public var weightDecay: Float

    /// The given settings.
    public init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }
}

extension Compute {
    /// One step of AdamW: decoupled weight decay, bias-corrected moments, PyTorch's formula.
    ///
    /// - Parameters:
    ///   - step: counts from 1.
    ///   - gradientScale: multiplies the gradient first, for clipping by a global norm.
    public func adamW(
        _ parameters: inout Tensor, gradient: Tensor, moment1: inout Tensor, moment2: inout Tensor, settings: AdamW,
        step: Int, gradientScale: Float = 1
    ) {
        let (kernels, count) = (elementwise, parameters.count)
        precondition(gradient.count == count && moment1.count == count && moment2.count == count && step > 0)
        let arguments = apus_adamw_step(
            learning_rate: settings.learningRate, beta1: settings.beta1, beta2: settings.beta2,
            epsilon: settings.epsilon, weight_decay: settings.weightDecay,
            correction1: Float(1 - pow(Double(settings.beta1), Double(step))),
            correction2: Float(1 - pow(Double(settings.beta2), Double(step))), gradient_scale: gradientScale)
        parameters.withMutablePointer { parameters in
            withMutablePointers(&moment1, &moment2) { moment1, moment2 in
                gradient.withPointer { gradient in
                    forEachRange(of: count, cost: 4, step: 16) {
                        let at = $0.lowerBound
                        kernels.adamw(
                            $0.count, parameters + at, gradient + at, moment1 + at, moment2 + at, arguments)
                    }
                }
            }
        }
    }
}

extension Compute {
    /// A matrix with the singular vectors of `x` and singular values near 1, by five Newton-Schulz iterations with the
    /// coefficients of K. Jordan et al. 2024; 0 for 0. Its products are in bfloat16 where the processor has it.
    package func orthogonal(_ x: Tensor) -> Tensor {
        // The smaller of the two products of the matrix with its transpose.
        let isTall = x.rows > x.columns
        var x = x
        scale(&x, by: Float(1 / (squaredNorm(x).squareRoot() + 1e-7)))
        for _ in 0..<5 {
            let gram = multiply(x, x, transposeA: isTall, transposeB: !isTall, precision: .bfloat16)
            // b·A + c·A²
            var factor = multiply(gram, gram, precision: .bfloat16)
            scale(&factor, by: 2.0315)
            add(&factor, gram, scale: -4.7750)
            var next =
                isTall
                ? multiply(x, factor, precision: .bfloat16) : multiply(factor, x, precision: .bfloat16)
            add(&next, x, scale: 3.4445)
            x = next
        }
        return x
    }
}
