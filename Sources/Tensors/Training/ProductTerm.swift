/// Columns of a product's right factor that are zero outside of a part of their depth.
struct ProductBand {
    let columns: Range<Int>
    let depth: Range<Int>
}

/// A product with both factors packed, and the kernel for them.
struct ProductTerm {
    let kernel: PanelKernel
    let groups: RowGroups
    let columns: Int
    /// In units.
    let depth: Int
    /// `[groups][depth][lanes]`
    let left: Tensor
    /// `[panels][depth][panel]`
    let panels: Tensor
    /// Where the right factor is not zero; each begins with a panel.
    let bands: [ProductBand]

    /// Writes, or adds, the product's `slice` of the depth in some columns of a group; the row begins at `row`.
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

    /// Adds the product in some columns of a group.
    func addBands(group: Int, columns: Range<Int>, to row: MutableElements, step: Int) {
        for band in bands where band.columns.overlaps(columns) {
            add(band.depth, group: group, columns: band.columns.clamped(to: columns), to: row, step: step, true)
        }
    }
}

/// A product's rows in the groups that kernels compute together.
///
/// They are of nearly equal size: a last group of one row would leave the arithmetic units idle.
struct RowGroups: Equatable {
    let rows: Int
    let count: Int

    init(rows: Int, limit: Int) {
        self.rows = rows
        self.count = (rows + limit - 1) / limit
    }

    subscript(group: Int) -> Range<Int> { rows * group / count..<rows * (group + 1) / count }
}

/// How a product is cut into pieces for the threads.
///
/// A piece's panels should stay in the second level cache while all its rows pass over them, and there should be a few
/// pieces a thread, so that none waits long for another.
struct ProductGrid {
    /// Of the depth, what is taken at once.
    private static let depth = 768
    /// Elements of panels that stay in the cache.
    private static let cached = 96 << 10

    /// The depth in parts that are taken at once; one empty part of no depth.
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
        // Pieces below 2^18 multiply-adds cost more to hand out than they save.
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
