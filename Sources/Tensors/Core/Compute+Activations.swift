import CKernels

extension Compute {
    /// `silu(gate) · up` for `gateUp` of `[rows, 2·width]`, in whose rows the gate precedes up (Shazeer 2020,
    /// arXiv:2002.05202). The result is `[rows, width]`.
    public func swiGLU(_ gateUp: Tensor) -> Tensor {
        precondition(gateUp.columns % 2 == 0, "gate and up of different widths in \(gateUp.shape)")
        let (kernels, width, rows) = (elementwise, gateUp.columns / 2, gateUp.rows)
        var y = uninitialized([rows, width])
        y.withMutablePointer { y in
            gateUp.withPointer { gateUp in
                forEachRange(of: rows, cost: 4 * width) {
                    kernels.swiglu(
                        $0.count, width, gateUp + $0.lowerBound * 2 * width, y + $0.lowerBound * width)
                }
            }
        }
        return y
    }

    /// The gradient of `swiGLU` with respect to `gateUp`.
    public func swiGLUBackward(_ dy: Tensor, gateUp: Tensor) -> Tensor {
        let (kernels, width, rows) = (elementwise, gateUp.columns / 2, gateUp.rows)
        precondition(dy.count == rows * width, "\(dy.shape) for \(gateUp.shape)")
        var result = uninitialized(gateUp.shape)
        result.withMutablePointer { result in
            withPointers(gateUp, dy) { gateUp, dy in
                forEachRange(of: rows, cost: 6 * width) {
                    let at = $0.lowerBound * width
                    kernels.swiglu_backward($0.count, width, gateUp + 2 * at, dy + at, result + 2 * at)
                }
            }
        }
        return result
    }

    /// The Gaussian error linear unit in its tanh form (Hendrycks & Gimpel 2016, arXiv:1606.08415).
    public func gelu(_ x: Tensor) -> Tensor {
        let (kernels, count) = (elementwise, x.count)
        var y = uninitialized(x.shape)
        y.withMutablePointer { y in
            x.withPointer { x in
                forEachRange(of: count, cost: 4, step: 16) {
                    kernels.gelu($0.count, x + $0.lowerBound, y + $0.lowerBound)
                }
            }
        }
        return y
    }

    /// The gradient of `gelu` with respect to `x`.
    public func geluBackward(_ dy: Tensor, x: Tensor) -> Tensor {
        precondition(dy.count == x.count, "\(dy.shape) for \(x.shape)")
        let (kernels, count) = (elementwise, x.count)
        var dx = uninitialized(x.shape)
        dx.withMutablePointer { dx in
            withPointers(x, dy) { x, dy in
                forEachRange(of: count, cost: 6, step: 16) {
                    kernels.gelu_backward($0.count, x + $0.lowerBound, dy + $0.lowerBound, dx + $0.lowerBound)
                }
            }
        }
        return dx
    }

    /// The softmax of each row.
    public func softmax(_ x: Tensor) -> Tensor {
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        var y = x
        y.withMutablePointer { y in
            forEachRange(of: rows, cost: 4 * columns) {
                kernels.softmax($0.count, columns, y + $0.lowerBound * columns)
            }
        }
        return y
    }

    /// The gradient of `softmax` with respect to its argument, given its result `y`.
    public func softmaxBackward(_ dy: Tensor, y: Tensor) -> Tensor {
        precondition(dy.count == y.count, "\(dy.shape) for \(y.shape)")
        let (kernels, columns, rows) = (elementwise, y.columns, y.rows)
        var dx = uninitialized(y.shape)
        dx.withMutablePointer { dx in
            withPointers(y, dy) { y, dy in
                forEachRange(of: rows, cost: 2 * columns) {
                    let at = $0.lowerBound * columns
                    kernels.softmax_backward($0.count, columns, y + at, dy + at, dx + at)
                }
            }
        }
        return dx
    }
}
