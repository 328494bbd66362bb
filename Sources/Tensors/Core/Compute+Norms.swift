import CKernels

// Names: `dy` is the gradient of the loss with respect to a function's result, `dx` with respect to its argument.

extension Compute {
    /// `x / sqrt(mean(x²) + epsilon) · weight` over the last extent (Zhang & Sennrich 2019, arXiv:1910.07467).
    public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
        precondition(weight.count == x.columns, "\(weight.shape) weights for \(x.shape)")
        var y = uninitialized(x.shape)
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        y.withMutablePointer { y in
            withPointers(x, weight) { x, weight in
                forEachRange(of: rows, cost: columns) { range in
                    let at = range.lowerBound * columns
                    kernels.rms_norm(range.count, columns, x + at, weight, epsilon, y + at)
                }
            }
        }
        return y
    }

    /// Applies the RMS norm to heads of each row of `x` in place: to the heads in each range, with its weight of
    /// `[headSize]`. Head `h` is the columns from `h · headSize` on.
    public func normalizeHeads(_ x: inout Tensor, _ heads: [(range: Range<Int>, weight: Tensor)], epsilon: Float) {
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        for (range, weight) in heads {
            let size = weight.count
            precondition(range.upperBound * size <= columns, "heads \(range) of \(size) in \(x.shape)")
            x.withMutablePointer { x in
                weight.withPointer { weight in
                    forEachRange(of: rows, cost: range.count * size) {
                        for row in $0 {
                            let at = x + row * columns + range.lowerBound * size
                            kernels.rms_norm(range.count, size, at, weight, epsilon, at)
                        }
                    }
                }
            }
        }
    }

    /// The gradients of `rmsNorm` with respect to `x` and `weight`.
    public func rmsNormBackward(
        _ dy: Tensor, x: Tensor, weight: Tensor, epsilon: Float
    ) -> (dx: Tensor, dweight: Tensor) {
        let (dx, inverse) = rmsNormInput(dy, x, weight, epsilon)
        var dweight = uninitialized([x.columns])
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        dweight.withMutablePointer { dweight in
            withPointers(x, inverse, dy) { x, inverse, dy in
                forEachRange(of: columns, cost: rows, step: 16) {
                    kernels.rms_norm_weight_gradient(
                        rows, columns, $0.lowerBound, $0.upperBound, x, inverse, dy, dweight)
                }
            }
        }
        return (dx, dweight)
    }

    /// The gradient of `rmsNorm` with respect to `x` alone, for weights that are not trained.
    public func rmsNormInputGradient(_ dy: Tensor, x: Tensor, weight: Tensor, epsilon: Float) -> Tensor {
        rmsNormInput(dy, x, weight, epsilon).dx
    }

    private func rmsNormInput(
        _ dy: Tensor, _ x: Tensor, _ weight: Tensor, _ epsilon: Float
    ) -> (dx: Tensor, inverse: Tensor) {
        precondition(weight.count == x.columns && dy.count == x.count, "\(weight.shape), \(dy.shape) for \(x.shape)")
        var dx = uninitialized(x.shape)
        var inverse = uninitialized([x.rows])
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        withMutablePointers(&dx, &inverse) { dx, inverse in
            withPointers(x, weight, dy) { x, weight, dy in
                forEachRange(of: rows, cost: columns) { range in
                    let at = range.lowerBound * columns
                    kernels.rms_norm_backward(
                        range.count, columns, x + at, weight, epsilon, dy + at, dx + at, inverse + range.lowerBound)
                }
            }
        }
        return (dx, inverse)
    }

    /// `(x - mean) / sqrt(variance + epsilon) · weight + bias` over the last extent (Ba et al. 2016, arXiv:1607.06450).
    public func layerNorm(_ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float) -> Tensor {
        precondition(weight.count == x.columns && bias.count == x.columns, "\(weight.shape) weights for \(x.shape)")
        var y = uninitialized(x.shape)
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        y.withMutablePointer { y in
            withPointers(x, weight, bias) { x, weight, bias in
                forEachRange(of: rows, cost: columns) { range in
                    let at = range.lowerBound * columns
                    kernels.layer_norm(range.count, columns, x + at, weight, bias, epsilon, y + at)
                }
            }
        }
        return y
    }

    /// The gradients of `layerNorm` with respect to `x`, `weight` and `bias`.
    public func layerNormBackward(
        _ dy: Tensor, x: Tensor, weight: Tensor, epsilon: Float
    ) -> (dx: Tensor, dweight: Tensor, dbias: Tensor) {
        precondition(weight.count == x.columns && dy.count == x.count, "\(weight.shape), \(dy.shape) for \(x.shape)")
        var dx = uninitialized(x.shape)
        var statistics = uninitialized([2, x.rows])
        var dweight = uninitialized([x.columns])
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        withMutablePointers(&dx, &statistics) { dx, mean in
            let inverse = mean + rows
            withPointers(x, weight, dy) { x, weight, dy in
                forEachRange(of: rows, cost: columns) { range in
                    let (row, at) = (range.lowerBound, range.lowerBound * columns)
                    kernels.layer_norm_backward(
                        range.count, columns, x + at, weight, epsilon, dy + at, dx + at, mean + row, inverse + row)
                }
                dweight.withMutablePointer { dweight in
                    forEachRange(of: columns, cost: rows, step: 16) {
                        kernels.layer_norm_weight_gradient(
                            rows, columns, $0.lowerBound, $0.upperBound, x, mean, inverse, dy, dweight)
                    }
                }
            }
        }
        return (dx, dweight, columnSums(dy))
    }
}
