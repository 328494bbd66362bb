extension Compute {
    /// The results of `body` for all `elements`, on all threads.
    package func map<Element, Result>(_ elements: [Element], _ body: (Element) -> Result) -> [Result] {
        var results = [Result?](repeating: nil, count: elements.count)
        results.withUnsafeMutableBufferPointer { results in
            // Threads may write different elements through a pointer at the same time, but not through an array.
            guard let base = results.baseAddress else { return }
            pool.run(count: elements.count) { base[$0] = body(elements[$0]) }
        }
        return results.compactMap { $0 }
    }

    /// Calls `body` with each of `elements`, to change it, on all threads.
    package func forEach<Element>(_ elements: inout [Element], _ body: (inout Element) -> Void) {
        elements.withUnsafeMutableBufferPointer { elements in
            guard let base = elements.baseAddress else { return }
            pool.run(count: elements.count) { body(&base[$0]) }
        }
    }

    /// The smallest number of elements worth handing to another thread.
    private static let grain = 1 << 14

    /// Calls `body` with consecutive ranges that cover `0..<rows`, on all threads if the work is large enough.
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
