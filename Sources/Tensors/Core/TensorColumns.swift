/// A range of columns of every row of a tensor, read without copying.
public struct TensorColumns: Sendable {
    let tensor: Tensor
    let range: Range<Int>

    /// Columns of each row.
    var count: Int { range.count }

    /// The number of elements from one row to the next.
    var stride: Int { tensor.columns }

    /// Calls `body` with the address of the first row's first element.
    func withPointer<R>(_ body: (Elements) -> R) -> R {
        tensor.withPointer { body($0 + range.lowerBound) }
    }
}

extension Tensor {
    /// The columns in `range`, not copied.
    public subscript(columns range: Range<Int>) -> TensorColumns {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(shape)")
        return TensorColumns(tensor: self, range: range)
    }

    /// All columns.
    public var allColumns: TensorColumns { self[columns: 0..<columns] }
}
