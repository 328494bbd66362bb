import CKernels

extension Compute {
    /// `x·wᵀ`: `[rows, inputs]` times `[outputs, inputs]` gives `[rows, outputs]`.
    public func multiply(_ x: Tensor, _ w: PackedMatrix) -> Tensor {
        var result = Tensor(uninitialized: [x.rows, w.outputs])
        product(x, w, into: &result, accumulate: false)
        return result
    }

    /// Adds `x·wᵀ` to `c`.
    public func multiply(_ x: Tensor, _ w: PackedMatrix, addingTo c: inout Tensor) {
        product(x, w, into: &c, accumulate: true)
    }

    private func product(_ x: Tensor, _ w: PackedMatrix, into c: inout Tensor, accumulate: Bool) {
        precondition(x.columns == w.inputs, "\(x.shape) times \(w.outputs) x \(w.inputs) weights")
        switch w.precision {
        case .float32:
            product(x, transposed: false, panels: w.panels, columns: w.outputs, into: &c, accumulate: accumulate)
        case .bfloat16:
            productBFloat16(x, w, into: &c, accumulate: accumulate)
        }
    }

    /// `scale · op(a) · op(b)`, where `op` transposes if asked to.
    public func multiply(
        _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, scale: Float = 1
    ) -> Tensor {
        var result = Tensor(
            uninitialized: [transposeA ? a.columns : a.rows, transposeB ? b.rows : b.columns])
        multiply(a, b, transposeA, transposeB, scale, &result, accumulate: false)
        return result
    }

    /// Adds `scale · op(a) · op(b)` to `c`.
    public func multiply(
        _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, scale: Float = 1,
        addingTo c: inout Tensor
    ) {
        multiply(a, b, transposeA, transposeB, scale, &c, accumulate: true)
    }

    private func multiply(
        _ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool, _ scale: Float, _ c: inout Tensor,
        accumulate: Bool
    ) {
        let depth = transposeA ? a.rows : a.columns
        let columns = transposeB ? b.rows : b.columns
        precondition(depth == (transposeB ? b.columns : b.rows), "inner extents of \(a.shape) and \(b.shape)")
        precondition(c.rows == (transposeA ? a.columns : a.rows) && c.columns == columns, "product into \(c.shape)")
        let panels = packed(b, outputs: columns, transposed: transposeB, scale: scale)
        product(a, transposed: transposeA, panels: panels, columns: columns, into: &c, accumulate: accumulate)
    }

    /// The right factor of a product in panels: `b` is `[outputs, depth]` when `transposed`, else `[depth, outputs]`.
    func packed(_ b: Tensor, outputs: Int, transposed: Bool, scale: Float) -> Tensor {
        let gemm = gemm
        let depth = transposed ? b.columns : b.rows
        let step = b.columns
        var panels = Tensor(uninitialized: [(outputs + gemm.panel - 1) / gemm.panel * gemm.panel, depth])
        b.withPointer { b in
            panels.withMutablePointer { panels in
                forEachRange(of: outputs, cost: depth, step: gemm.panel) { range in
                    let source = b + range.lowerBound * (transposed ? step : 1)
                    guard let pack = transposed ? gemm.pack_rows : gemm.pack_columns else { return }
                    pack(range.count, depth, source, step, scale, panels + range.lowerBound * depth)
                }
            }
        }
        return panels
    }

    private func product(
        _ a: Tensor, transposed: Bool, panels: Tensor, columns: Int, into c: inout Tensor, accumulate: Bool
    ) {
        let gemm = gemm
        let rows = transposed ? a.columns : a.rows
        let depth = transposed ? a.rows : a.columns
        let step = a.columns
        withPointers(a, panels) { a, panels in
            forEachTile(of: &c, rows: rows, columns: columns, depth: depth, panel: gemm.panel, group: gemm.group) {
                c, r, j in
                gemm.tile(
                    r.count, j.count, depth, a + r.lowerBound * (transposed ? 1 : step), step, transposed ? 1 : 0,
                    panels + j.lowerBound * depth, depth, c, columns, accumulate ? 1 : 0)
            }
        }
    }

    /// Calls `body`, on all threads, with each tile of `c`: its first element, its rows and its columns.
    func forEachTile(
        of c: inout Tensor, rows: Int, columns: Int, depth: Int, panel: Int, group: Int,
        _ body: (MutableElements, Range<Int>, Range<Int>) -> Void
    ) {
        precondition(c.rows == rows && c.columns == columns, "product of \(rows) x \(columns) into \(c.shape)")
        guard rows > 0, columns > 0 else { return }
        let tiles = TileGrid(
            rows: rows, columns: columns, depth: depth, panel: panel, group: group, threads: threads)
        c.withMutablePointer { c in
            pool.run(count: tiles.count) { index in
                let (r, j) = tiles[index]
                body(c + r.lowerBound * columns + j.lowerBound, r, j)
            }
        }
    }
}

/// How a product is cut into pieces for the threads.
///
/// A piece's panels should stay in the second level cache while all its rows pass over them, and there should be a few
/// pieces a thread, so that none waits long for another.
private struct TileGrid {
    private let rows: Int
    private let columns: Int
    private let rowStep: Int
    private let columnStep: Int
    private let across: Int
    let count: Int

    init(rows: Int, columns: Int, depth: Int, panel: Int, group: Int, threads: Int) {
        // Pieces below 2^18 multiply-adds cost more to hand out than they save.
        let wanted = max(1, min(threads == 1 ? 1 : threads * 4, (rows * columns * depth) >> 18))
        let panels = (columns + panel - 1) / panel
        let across = min(panels, max(wanted, (columns + 255) / 256))
        let columnStep = (panels + across - 1) / across * panel
        let down = min((rows + group - 1) / group, max((rows + 447) / 448, (wanted + across - 1) / across))
        let rowStep = (rows + down - 1) / down
        self.rows = rows
        self.columns = columns
        self.columnStep = columnStep
        self.rowStep = rowStep
        self.across = (columns + columnStep - 1) / columnStep
        self.count = self.across * ((rows + rowStep - 1) / rowStep)
    }

    subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        let top = index / across * rowStep
        let left = index % across * columnStep
        return (top..<min(rows, top + rowStep), left..<min(columns, left + columnStep))
    }
}
