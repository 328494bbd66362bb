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
