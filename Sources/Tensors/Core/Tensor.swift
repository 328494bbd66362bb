import Support

/// A dense row-major array of 32-bit floats with value semantics.
///
/// Copies share storage until one of them is written, and so do their rows. The caller must pass matching shapes: a
/// mismatch is an error of the program, never of its input, and stops it.
public struct Tensor: Sendable {
    /// Extents, outermost first.
    public private(set) var shape: [Int]
    /// The number of elements.
    public private(set) var count: Int
    private var storage: Storage
    /// The index of the first element in the storage.
    private var start = 0
    private var base: UnsafeMutablePointer<Float> { storage.base + start }
    /// The pool of the elements, which is also used by tensors that are made from this one.
    var pool: BufferPool? { storage.pool }

    /// A tensor of uninitialised elements from `pool`, or from the system's memory if there is no pool.
    init(uninitialized shape: [Int], pool: BufferPool?) {
        self.shape = shape
        self.count = shape.reduce(1, *)
        self.storage = Storage(uninitialized: count, pool: pool)
    }

    /// A tensor of uninitialised elements from the system's memory.
    package init(uninitialized shape: [Int]) {
        self.init(uninitialized: shape, pool: nil)
    }

    /// A tensor of zeros.
    public init(zeros shape: [Int]) {
        self.init(repeating: 0, shape)
    }

    /// A tensor of zeros from `pool`.
    init(zeros shape: [Int], pool: BufferPool?) {
        self.init(uninitialized: shape, pool: pool)
        base.update(repeating: 0, count: count)
    }

    /// A tensor with every element set to `value`.
    public init(repeating value: Float, _ shape: [Int]) {
        self.init(uninitialized: shape)
        base.update(repeating: value, count: count)
    }

    /// A tensor of `shape` with the given elements in row-major order.
    public init(_ elements: some Collection<Float>, shape: [Int]) {
        self.init(uninitialized: shape)
        precondition(elements.count == count, "\(elements.count) elements do not fill the shape \(shape)")
        _ = UnsafeMutableBufferPointer(start: base, count: count).update(fromContentsOf: elements)
    }

    /// The product of all extents but the last.
    public var rows: Int { columns == 0 ? 0 : count / columns }

    /// The last extent.
    public var columns: Int { shape.last ?? 1 }

    /// The elements in row-major order.
    public var elements: [Float] { withUnsafeElements(Array.init) }

    /// The elements of one row, counting all extents but the last as rows.
    public func elements(ofRow row: Int) -> [Float] {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        return withUnsafeElements { Array($0[row * columns..<(row + 1) * columns]) }
    }

    /// The same elements under another shape.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) cannot become \(shape)")
        var result = self
        result.shape = shape
        return result
    }

    /// The rows in `range`, counting all extents but the last as rows.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        var result = self
        result.shape = [range.count, columns]
        result.count = range.count * columns
        result.start += range.lowerBound * columns
        return result
    }

    /// A copy of the columns in `range` of every row.
    public func columns(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        let result = Tensor(uninitialized: [rows, range.count], pool: pool)
        withUnsafeElements { source in
            guard let source = source.baseAddress else { return }
            for row in 0..<rows {
                (result.base + row * range.count)
                    .update(from: source + row * columns + range.lowerBound, count: range.count)
            }
        }
        return result
    }

    /// Replaces the rows from `row` on with a copy of the rows of `block`.
    public mutating func replaceRows(from row: Int, with block: Tensor) {
        precondition(block.columns == columns && row >= 0 && row + block.rows <= rows, "\(block.shape) at row \(row)")
        makeUnique()
        block.withUnsafeElements { source in
            guard let source = source.baseAddress else { return }
            (base + row * columns).update(from: source, count: block.count)
        }
    }

    /// One element of the tensor, seen as a matrix of `rows` × `columns`.
    public subscript(row: Int, column: Int) -> Float {
        get {
            precondition(row >= 0 && row < rows && column >= 0 && column < columns)
            return base[row * columns + column]
        }
        set {
            precondition(row >= 0 && row < rows && column >= 0 && column < columns)
            makeUnique()
            base[row * columns + column] = newValue
        }
    }

    /// Calls `body` with the elements, for reading.
    package func withUnsafeElements<R>(_ body: (UnsafeBufferPointer<Float>) throws -> R) rethrows -> R {
        try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(start: base, count: count)) }
    }

    /// Calls `body` with the elements, for writing, on storage that no other tensor shares.
    package mutating func withUnsafeMutableElements<R>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> R
    ) rethrows -> R {
        makeUnique()
        return try withExtendedLifetime(storage) {
            try body(UnsafeMutableBufferPointer(start: base, count: count))
        }
    }

    private mutating func makeUnique() {
        if isKnownUniquelyReferenced(&storage) { return }
        let copy = Storage(uninitialized: count, pool: storage.pool)
        copy.base.update(from: base, count: count)
        storage = copy
        start = 0
    }
}

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

/// The addresses of tensors' elements, for calls of the C kernels. They are valid inside the closures only.
typealias Elements = UnsafePointer<Float>
typealias MutableElements = UnsafeMutablePointer<Float>

extension Tensor {
    func withPointer<R>(_ body: (Elements) -> R) -> R {
        // Storage has an address even without elements.
        withUnsafeElements { body($0.baseAddress.unsafelyUnwrapped) }
    }

    mutating func withMutablePointer<R>(_ body: (MutableElements) -> R) -> R {
        withUnsafeMutableElements { body($0.baseAddress.unsafelyUnwrapped) }
    }
}

func withPointers<R>(_ a: Tensor, _ b: Tensor, _ body: (Elements, Elements) -> R) -> R {
    a.withPointer { a in b.withPointer { b in body(a, b) } }
}

func withPointers<R>(_ a: Tensor, _ b: Tensor, _ c: Tensor, _ body: (Elements, Elements, Elements) -> R) -> R {
    withPointers(a, b) { a, b in c.withPointer { c in body(a, b, c) } }
}

func withPointers<R>(
    _ a: Tensor, _ b: Tensor, _ c: Tensor, _ d: Tensor, _ body: (Elements, Elements, Elements, Elements) -> R
) -> R {
    withPointers(a, b) { a, b in withPointers(c, d) { c, d in body(a, b, c, d) } }
}

func withMutablePointers<R>(
    _ a: inout Tensor, _ b: inout Tensor, _ body: (MutableElements, MutableElements) -> R
) -> R {
    a.withMutablePointer { a in b.withMutablePointer { b in body(a, b) } }
}

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
