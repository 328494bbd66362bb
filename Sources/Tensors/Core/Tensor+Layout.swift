import Support

extension Tensor {
    /// A tensor of independent numbers with mean 0 and the given deviation, close to normal.
    public init(normal deviation: Float, _ shape: [Int], using generator: inout some RandomNumberGenerator) {
        let count = shape.reduce(1, *)
        self.init((0..<count).map { _ in deviation * generator.normal() }, shape: shape)
    }

    /// The rows of `tensors`, which have equal columns, one tensor after the other: `[sum of rows, columns]`.
    public static func stacking(_ tensors: [Tensor]) -> Tensor {
        var result = Tensor(
            uninitialized: [tensors.reduce(0) { $0 + $1.rows }, tensors.first?.columns ?? 0], pool: tensors.first?.pool)
        var row = 0
        for tensor in tensors {
            result.replaceRows(from: row, with: tensor)
            row += tensor.rows
        }
        return result
    }

    /// `tensors` on the diagonal of a matrix that is zero elsewhere: `[sum of rows, sum of columns]`.
    public static func blockDiagonal(_ tensors: [Tensor]) -> Tensor {
        blockDiagonal(tensors, pool: tensors.first?.pool)
    }

    static func blockDiagonal(_ tensors: [Tensor], pool: BufferPool?) -> Tensor {
        var result = Tensor(
            zeros: [tensors.reduce(0) { $0 + $1.rows }, tensors.reduce(0) { $0 + $1.columns }], pool: pool)
        var (row, column) = (0, 0)
        for tensor in tensors {
            result.replaceBlock(row: row, column: column, with: tensor)
            row += tensor.rows
            column += tensor.columns
        }
        return result
    }

    /// Replaces the elements from `row` and `column` on with a copy of `block`.
    public mutating func replaceBlock(row: Int, column: Int, with block: Tensor) {
        precondition(
            row >= 0 && row + block.rows <= rows && column >= 0 && column + block.columns <= columns,
            "\(block.shape) at row \(row), column \(column) of \(shape)")
        let width = columns
        withUnsafeMutableElements { target in
            block.withUnsafeElements { source in
                guard let source = source.baseAddress, let target = target.baseAddress else { return }
                for line in 0..<block.rows {
                    (target + (row + line) * width + column)
                        .update(from: source + line * block.columns, count: block.columns)
                }
            }
        }
    }

    /// The transposed matrix: `[columns, rows]`.
    public func transposed() -> Tensor {
        var result = Tensor(uninitialized: [columns, rows], pool: pool)
        let (rows, columns, side) = (rows, columns, 64)
        result.withUnsafeMutableElements { target in
            withUnsafeElements { source in
                // Square by square, so that both sides stay in the cache.
                for top in stride(from: 0, to: rows, by: side) {
                    for left in stride(from: 0, to: columns, by: side) {
                        for column in left..<min(left + side, columns) {
                            for row in top..<min(top + side, rows) {
                                target[column * rows + row] = source[row * columns + column]
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}
