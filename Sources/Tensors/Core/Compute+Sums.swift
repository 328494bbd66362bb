import CKernels

extension Compute {
    /// `x += scale · y`
    public func add(_ x: inout Tensor, _ y: Tensor, scale: Float = 1) {
        precondition(x.count == y.count, "\(y.shape) added to \(x.shape)")
        let (kernels, count) = (elementwise, x.count)
        x.withMutablePointer { x in
            y.withPointer { y in
                forEachRange(of: count, cost: 1, step: 16) {
                    kernels.add($0.count, x + $0.lowerBound, y + $0.lowerBound, scale)
                }
            }
        }
    }

    /// `x *= factor`
    public func scale(_ x: inout Tensor, by factor: Float) {
        let (kernels, count) = (elementwise, x.count)
        x.withMutablePointer { x in
            forEachRange(of: count, cost: 1, step: 16) { kernels.scale($0.count, x + $0.lowerBound, factor) }
        }
    }

    /// `x *= y`, element by element.
    public func multiplyElements(_ x: inout Tensor, by y: Tensor) {
        precondition(x.count == y.count, "\(y.shape) times \(x.shape)")
        let (kernels, count) = (elementwise, x.count)
        x.withMutablePointer { x in
            y.withPointer { y in
                forEachRange(of: count, cost: 1, step: 16) {
                    kernels.multiply($0.count, x + $0.lowerBound, y + $0.lowerBound)
                }
            }
        }
    }

    /// Adds `bias`, of `[columns]`, to each row of `x`.
    public func addBias(_ x: inout Tensor, _ bias: Tensor) {
        precondition(bias.count == x.columns, "a bias of \(bias.shape) for \(x.shape)")
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        x.withMutablePointer { x in
            bias.withPointer { bias in
                forEachRange(of: rows, cost: columns) {
                    kernels.add_bias($0.count, columns, x + $0.lowerBound * columns, bias)
                }
            }
        }
    }

    /// The sum of all rows, of `[columns]`: the gradient of a bias.
    public func columnSums(_ x: Tensor) -> Tensor {
        let (kernels, columns, rows) = (elementwise, x.columns, x.rows)
        var sums = uninitialized([columns])
        sums.withMutablePointer { sums in
            x.withPointer { x in
                forEachRange(of: columns, cost: rows, step: 16) {
                    kernels.column_sums(rows, columns, $0.lowerBound, $0.upperBound, x, sums)
                }
            }
        }
        return sums
    }

    /// The sum of the squares of all elements.
    public func squaredNorm(_ x: Tensor) -> Double {
        // Chunks of fixed size, added in order: the sum does not depend on the threads.
        let chunk = 1 << 13
        let (kernels, count) = (elementwise, x.count)
        let chunks = (count + chunk - 1) / chunk
        var sums = uninitialized([chunks])
        sums.withMutablePointer { sums in
            x.withPointer { x in
                forEachRange(of: chunks, cost: chunk) { range in
                    for index in range {
                        sums[index] = kernels.squared_norm(min(chunk, count - index * chunk), x + index * chunk)
                    }
                }
            }
        }
        return sums.elements.reduce(0) { $0 + Double($1) }
    }
}
