import CKernels

extension Compute {
    /// The right factor of a product in panels: `b` is `[outputs, depth]` when `transposed`, else `[depth, outputs]`.
    func packed(_ b: Tensor, outputs: Int, transposed: Bool, scale: Float) -> Tensor {
        let gemm = gemm
        let depth = transposed ? b.columns : b.rows
        let step = b.columns
        var panels = uninitialized([gemm.panelled(outputs), depth])
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

    /// `x·wᵀ`.
    func term(_ x: Tensor, _ w: PackedMatrix) -> ProductTerm {
        precondition(x.columns == w.inputs, "\(x.shape) times \(w.outputs) x \(w.inputs) weights")
        return term(
            x, taking: 0..<x.columns, transposed: false, panelKernel(w.precision), panels: w.panels,
            columns: w.outputs, bands: w.bands)
    }

    /// The term with the left factor `a` (of which it may use only some columns) or its transpose, and panels of
    /// `columns` columns.
    func term(
        _ a: Tensor, taking taken: Range<Int>? = nil, transposed: Bool, _ kernel: PanelKernel? = nil, panels: Tensor,
        columns: Int, bands: [ProductBand]? = nil
    ) -> ProductTerm {
        let (kernel, taken) = (kernel ?? .float32(gemm), taken ?? 0..<a.columns)
        let step = a.columns
        let (rows, elements) = transposed ? (taken.count, a.rows) : (a.rows, taken.count)
        let depth = kernel.units(elements)
        let groups = RowGroups(rows: rows, limit: kernel.group)
        let size = depth * kernel.lanes
        var left = uninitialized([groups.count, depth, kernel.lanes])
        left.withMutablePointer { left in
            a.withPointer { a in
                forEachRange(of: groups.count, cost: size) {
                    for group in $0 {
                        let rows = groups[group]
                        let source = a + taken.lowerBound + rows.lowerBound * (transposed ? 1 : step)
                        kernel.pack(
                            rows.count, elements, source, step: step, transposed: transposed,
                            into: left + group * size)
                    }
                }
            }
        }
        return ProductTerm(
            kernel: kernel, groups: groups, columns: columns, depth: depth, left: left, panels: panels,
            bands: bands ?? [ProductBand(columns: 0..<columns, depth: 0..<depth)])
    }

    /// Computes the sum of `terms`, whose first has no bands, and `residual`. The sum replaces the columns of `c` from
    /// `first` on, or is added to them if `accumulate`.
    func sum(
        _ terms: [ProductTerm], residual: Tensor? = nil, into c: inout Tensor, at first: Int = 0,
        accumulate: Bool = false
    ) {
        let (main, step) = (terms[0], c.columns)
        precondition(
            terms.allSatisfy { $0.groups == main.groups && $0.columns == main.columns }
                && c.rows == main.groups.rows && first + main.columns <= step
                && (residual.map { $0.rows == c.rows && $0.columns == main.columns } ?? true),
            "product of \(main.groups.rows) x \(main.columns) into \(c.shape)")
        guard main.groups.rows > 0, main.columns > 0 else { return }
        let grid = ProductGrid(
            groups: main.groups, columns: main.columns, depth: main.depth, panel: main.kernel.panel, threads: threads)
        c.withMutablePointer { c in
            pool.run(count: grid.count) { index in
                let (groups, columns) = grid[index]
                for slice in ProductGrid.slices(of: main.depth) {
                    for group in groups {
                        let target = c + main.groups[group].lowerBound * step + first
                        main.add(
                            slice, group: group, columns: columns, to: target, step: step,
                            accumulate || slice.lowerBound > 0)
                        guard slice.upperBound == main.depth else { continue }
                        // The other terms are added while these rows are in the cache.
                        for term in terms.dropFirst() {
                            term.addBands(group: group, columns: columns, to: target, step: step)
                        }
                        guard let residual else { continue }
                        add(residual, rows: main.groups[group], columns: columns, to: target, step: step)
                    }
                }
            }
        }
    }

    private func add(_ x: Tensor, rows: Range<Int>, columns: Range<Int>, to c: MutableElements, step: Int) {
        let kernels = elementwise
        x.withPointer { source in
            for (line, row) in rows.enumerated() {
                kernels.add(
                    columns.count, c + line * step + columns.lowerBound,
                    source + row * x.columns + columns.lowerBound, 1)
            }
        }
    }
}

/// Columns of a product's right factor that are zero outside of a range of their depth.
struct ProductBand {
    let columns: Range<Int>
    let depth: Range<Int>
}

/// A product of two packed factors, and its kernel.
struct ProductTerm {
    let kernel: PanelKernel
    let groups: RowGroups
    let columns: Int
    /// The depth, in units.
    let depth: Int
    /// `[groups][depth][lanes]`
    let left: Tensor
    /// `[panels][depth][panel]`
    let panels: Tensor
    /// The non-zero bands of the right factor; each begins with a panel.
    let bands: [ProductBand]

    /// Writes, or adds, the product over the range `slice` of the depth to some columns of a group; the row begins at
    /// `row`.
    func add(_ slice: Range<Int>, group: Int, columns: Range<Int>, to row: MutableElements, step: Int, _ adds: Bool) {
        withPointers(left, panels) { left, panels in
            kernel.multiply(
                .init(
                    rows: groups[group].count, columns: columns.count, depth: slice.count,
                    left: left + (group * depth + slice.lowerBound) * kernel.lanes,
                    panels: panels + columns.lowerBound * depth + slice.lowerBound * kernel.panel,
                    result: row + columns.lowerBound, step: step, adds: adds), depth: depth)
        }
    }

    /// Adds the product to some columns of a group.
    func addBands(group: Int, columns: Range<Int>, to row: MutableElements, step: Int) {
        for band in bands where band.columns.overlaps(columns) {
            add(band.depth, group: group, columns: band.columns.clamped(to: columns), to: row, step: step, true)
        }
    }
}

/// The rows of a product, in the groups that kernels compute together.
///
/// The groups are of nearly equal size: a last group of one row would leave the arithmetic units idle.
struct RowGroups: Equatable {
    let rows: Int
    let count: Int

    init(rows: Int, limit: Int) {
        self.rows = rows
        self.count = (rows + limit - 1) / limit
    }

    subscript(group: Int) -> Range<Int> { rows * group / count..<rows * (group + 1) / count }
}

/// The division of a product into pieces for the threads.
///
/// A piece's panels should stay in the second-level cache while all its rows pass over them, and there should be a few
/// pieces per thread, so that no thread waits long for another.
struct ProductGrid {
    /// The depth that is processed at once.
    private static let depth = 768
    /// The number of panel elements that stay in the cache.
    private static let cached = 96 << 10

    /// The ranges of the depth that are processed at once; a depth of 0 has one empty range.
    static func slices(of depth: Int) -> [Range<Int>] {
        stride(from: 0, to: max(1, depth), by: Self.depth).map { $0..<min(depth, $0 + Self.depth) }
    }

    private let groups: Int
    private let columns: Int
    private let groupStep: Int
    private let columnStep: Int
    private let across: Int
    let count: Int

    init(groups: RowGroups, columns: Int, depth: Int, panel: Int, threads: Int) {
        // Handing out pieces below 2^18 multiply-adds costs more than it saves.
        let wanted = max(1, min(threads == 1 ? 1 : threads * 4, (groups.rows * columns * depth) >> 18))
        let panels = (columns + panel - 1) / panel
        let widest = max(1, Self.cached / (max(1, min(depth, Self.depth)) * panel))
        let pieces = max((panels + widest - 1) / widest, min(wanted, panels))
        self.columnStep = (panels + pieces - 1) / pieces * panel
        self.across = (columns + columnStep - 1) / columnStep
        self.groupStep = (groups.count * across + max(wanted, across) - 1) / max(wanted, across)
        self.groups = groups.count
        self.columns = columns
        self.count = across * ((groups.count + groupStep - 1) / groupStep)
    }

    subscript(index: Int) -> (groups: Range<Int>, columns: Range<Int>) {
        let top = index / across * groupStep
        let left = index % across * columnStep
        return (top..<min(groups, top + groupStep), left..<min(columns, left + columnStep))
    }
}

/// Products of packed groups of rows with packed panels, in one precision.
///
/// Depths are in units, each as large as one float: one factor, or two in bfloat16.
enum PanelKernel {
    case float32(apus_gemm_kernels)
    case bfloat16(apus_bf16_kernels)

    /// One group of rows times panels, over a range of the depth, optionally added to `result`.
    struct Call {
        let rows: Int
        let columns: Int
        let depth: Int
        let left: Elements
        let panels: Elements
        let result: MutableElements
        /// The number of elements from one row of the result to the next.
        let step: Int
        let adds: Bool
    }

    /// Columns of a panel.
    var panel: Int {
        switch self {
        case .float32(let kernels): kernels.panel
        case .bfloat16(let kernels): kernels.panel
        }
    }

    /// Upper bound on the rows of a group.
    var group: Int {
        switch self {
        case .float32(let kernels): kernels.group
        case .bfloat16(let kernels): kernels.group
        }
    }

    /// The number of row slots in a packed group.
    var lanes: Int {
        switch self {
        case .float32(let kernels): kernels.lanes
        case .bfloat16(let kernels): kernels.lanes
        }
    }

    /// The depth, in units, of rows of `elements`.
    func units(_ elements: Int) -> Int {
        switch self {
        case .float32: elements
        case .bfloat16: (elements + 1) / 2
        }
    }

    /// Packs `rows` rows of `elements`, or columns if `transposed`, into a group.
    ///
    /// - Parameter step: elements from one row of `source` to the next; nil if rows follow each other.
    func pack(
        _ rows: Int, _ elements: Int, _ source: Elements, step: Int? = nil, transposed: Bool = false,
        into group: MutableElements
    ) {
        let step = step ?? elements
        switch self {
        case .float32(let kernels):
            kernels.pack_group(rows, elements, source, step, transposed ? 1 : 0, group)
        case .bfloat16(let kernels):
            group.withMemoryRebound(to: UInt32.self, capacity: 1) {
                kernels.pack_group(rows, elements, source, step, transposed ? 1 : 0, $0)
            }
        }
    }

    /// Multiplies by panels of the full depth.
    func multiply(_ call: Call, depth: Int) {
        switch self {
        case .float32(let kernels):
            kernels.multiply(
                call.rows, call.columns, call.depth, call.left, call.panels, depth, call.result, call.step,
                call.adds ? 1 : 0)
        case .bfloat16(let kernels):
            call.left.withMemoryRebound(to: UInt32.self, capacity: 1) { left in
                call.panels.withMemoryRebound(to: UInt32.self, capacity: 1) { panels in
                    kernels.multiply(
                        call.rows, call.columns, call.depth, left, panels, depth, call.result, call.step,
                        call.adds ? 1 : 0)
                }
            }
        }
    }
}

extension Compute {
    /// The kernel for a `PackedMatrix` of this precision.
    func panelKernel(_ precision: Precision) -> PanelKernel {
        switch precision {
        case .float32: return .float32(gemm)
        case .bfloat16:
            guard let kernels = bfloat16 else { preconditionFailure("weights packed for another processor") }
            return .bfloat16(kernels)
        }
    }
}
