extension Compute {
    /// Elements that are worth handing to another thread.
    private static let grain = 1 << 14

    /// Calls `body` with consecutive ranges that cover `0..<rows`, on all threads when the work is large enough.
    ///
    /// `cost` is the work of one row in elements. Ranges start at multiples of `step`.
    func forEachRange(of rows: Int, cost: Int, step: Int = 1, _ body: (Range<Int>) -> Void) {
        let units = (rows + step - 1) / step
        let pieces = max(1, min(units, threads * 4, rows * cost / Self.grain))
        pool.run(count: pieces) { piece in
            body(units * piece / pieces * step..<min(rows, units * (piece + 1) / pieces * step))
        }
    }
}
