import CKernels

extension Compute {
    /// The rows of `table` with the given indices, in their order: `[ids.count, columns]`.
    public func gather(_ ids: [Int32], from table: Tensor) -> Tensor {
        let (columns, rows) = (table.columns, table.rows)
        var result = uninitialized([ids.count, columns])
        result.withMutablePointer { result in
            table.withPointer { table in
                forEachRange(of: ids.count, cost: columns) { range in
                    for index in range {
                        let row = Int(ids[index])
                        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
                        (result + index * columns).update(from: table + row * columns, count: columns)
                    }
                }
            }
        }
        return result
    }

    /// Adds row `i` of `x` to row `ids[i]` of `table`, in ascending `i`: the gradient of `gather`.
    public func scatterAdd(_ x: Tensor, to ids: [Int32], in table: inout Tensor) {
        let (columns, rows) = (table.columns, table.rows)
        precondition(x.columns == columns && x.rows == ids.count, "\(x.shape) into \(ids.count) rows of \(table.shape)")
        let kernels = elementwise
        table.withMutablePointer { table in
            x.withPointer { x in
                // Threads split the columns, because several rows may be added to one row of the table.
                forEachRange(of: columns, cost: ids.count, step: 16) { range in
                    for (index, id) in ids.enumerated() {
                        let row = Int(id)
                        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
                        kernels.add(
                            range.count, table + row * columns + range.lowerBound,
                            x + index * columns + range.lowerBound, 1)
                    }
                }
            }
        }
    }

    /// A copy of the columns in `range`: `[rows, range.count]`.
    public func columns(_ range: Range<Int>, of x: Tensor) -> Tensor {
        let (columns, rows) = (x.columns, x.rows)
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(x.shape)")
        var result = uninitialized([rows, range.count])
        result.withMutablePointer { result in
            x.withPointer { x in
                forEachRange(of: rows, cost: range.count) {
                    for row in $0 {
                        (result + row * range.count).update(
                            from: x + row * columns + range.lowerBound, count: range.count)
                    }
                }
            }
        }
        return result
    }

    /// The rows of all tensors, which must have equal columns, one after the other: `[sum of rows, columns]`.
    package func joinRows(_ tensors: [Tensor]) -> Tensor {
        guard tensors.count != 1 else { return tensors[0] }
        let (rows, columns) = (tensors.reduce(0) { $0 + $1.rows }, tensors.first?.columns ?? 0)
        precondition(tensors.allSatisfy { $0.columns == columns }, "tensors of different numbers of columns")
        let starts = tensors.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
        var result = uninitialized([rows, columns])
        result.withMutablePointer { result in
            pool.run(count: tensors.count) { index in
                tensors[index].withPointer { (result + starts[index]).update(from: $0, count: tensors[index].count) }
            }
        }
        return result
    }

    /// The tensors' rows side by side: `[rows, sum of columns]`.
    public func joinColumns(_ tensors: [Tensor]) -> Tensor {
        let (rows, columns) = (tensors.first?.rows ?? 0, tensors.reduce(0) { $0 + $1.columns })
        precondition(tensors.allSatisfy { $0.rows == rows }, "tensors of different numbers of rows side by side")
        var result = uninitialized([rows, columns])
        result.withMutablePointer { result in
            var left = 0
            for tensor in tensors {
                let width = tensor.columns
                tensor.withPointer { tensor in
                    forEachRange(of: rows, cost: width) {
                        for row in $0 {
                            (result + row * columns + left).update(from: tensor + row * width, count: width)
                        }
                    }
                }
                left += width
            }
        }
        return result
    }
}
