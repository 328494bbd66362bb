/// A low-rank adapter's addition to some rows of a layer's result: `B (A x)` (Hu et al. 2021, arXiv:2106.09685).
public struct LowRankUpdate: Sendable {
    /// A pair of factors, packed in one precision.
    public final class Factors: Sendable {
        /// `[ranks, inputs]`.
        public let a: PackedMatrix
        /// `[outputs, ranks]`, packed as diagonal blocks.
        public let b: PackedMatrix

        /// A pair of matching factors.
        public init(a: PackedMatrix, b: PackedMatrix) {
            precondition(
                a.outputs == b.inputs && a.precision == b.precision && b.bands != nil, "no factors of an update")
            self.a = a
            self.b = b
        }
    }

    /// The rows that it is added to.
    public let rows: Range<Int>
    /// The factors of the update.
    public let factors: Factors

    /// An update of the given rows.
    public init(rows: Range<Int>, factors: Factors) {
        self.rows = rows
        self.factors = factors
    }
}

extension Compute {
    /// Adds `updates` of `x` to the rows of `result`, `[rows, outputs]`.
    public func add(_ updates: [LowRankUpdate], to result: inout Tensor, of x: Tensor) {
        let columns = result.columns
        result.withMutablePointer { apply(updates, to: $0, columns: columns, of: x) }
    }

    /// Adds `updates` of `x` to `out`, with rows of `columns`, after all `pieces` of the product that writes them.
    ///
    /// Everything is one parallel section: the products with A, which need only `x`, run beside those pieces.
    func apply(
        _ updates: [LowRankUpdate], to out: MutableElements, columns: Int, of x: Tensor, beside pieces: Int = 0,
        _ product: (_ piece: Int) -> Void = { _ in }
    ) {
        let groups = updates.flatMap { lowRankGroups(of: $0, inputs: x.columns, outputs: columns) }
        guard !groups.isEmpty else { return pool.run(count: pieces, product) }
        let size = groups.reduce(0) { max($0, $1.innerSize) }
        let shares = groups.count < 4 * threads ? max(1, min(threads, columns / LowRankGroup.minimumColumns)) : 1
        let additions = groups.count + pieces
        var inner = uninitialized([groups.count, size])
        inner.withMutablePointer { inner in
            pool.run(count: additions + groups.count * shares, barrier: additions) { index in
                if index < groups.count {
                    x.withPointer { groups[index].project($0, into: inner + index * size, buffers) }
                } else if index < additions {
                    product(index - groups.count)
                } else {
                    let (group, share) = ((index - additions) / shares, (index - additions) % shares)
                    groups[group].add(inner + group * size, share: share, of: shares, to: out)
                }
            }
        }
    }

    private func lowRankGroups(of update: LowRankUpdate, inputs: Int, outputs: Int) -> [LowRankGroup] {
        let factors = update.factors
        precondition(
            factors.a.inputs == inputs && factors.b.outputs == outputs,
            "update of \(factors.a.inputs) x \(factors.b.outputs) for \(inputs) x \(outputs)")
        let kernel = panelKernel(factors.a.precision)
        let (groups, first) = (RowGroups(rows: update.rows.count, limit: kernel.group), update.rows.lowerBound)
        return (0..<groups.count).map { index in
            let rows = groups[index]
            return LowRankGroup(
                factors: factors, kernel: kernel, rows: first + rows.lowerBound..<first + rows.upperBound)
        }
    }
}

/// Rows that a kernel call processes together, and their update.
private struct LowRankGroup {
    /// The smallest number of a result's columns worth a piece of their own.
    static let minimumColumns = 1_024

    let factors: LowRankUpdate.Factors
    let kernel: PanelKernel
    let rows: Range<Int>

    /// The number of floats of a packed `A x`.
    var innerSize: Int { factors.b.depth * kernel.lanes }

    /// Packs `A x` of the group's rows into `inner`.
    func project(_ x: Elements, into inner: MutableElements, _ pool: BufferPool) {
        let a = factors.a
        Workspace.use(pool) { workspace in
            let left = workspace.take(a.depth * kernel.lanes)
            let result = workspace.take(rows.count * a.outputs)
            kernel.pack(rows.count, a.inputs, x + rows.lowerBound * a.inputs, into: left)
            a.panels.withPointer { panels in
                kernel.multiply(
                    .init(
                        rows: rows.count, columns: a.outputs, depth: a.depth, left: left, panels: panels,
                        result: result, step: a.outputs, adds: false), depth: a.depth)
            }
            kernel.pack(rows.count, a.outputs, result, into: inner)
        }
    }

    /// Adds `B (A x)` in one of `shares` ranges of the columns.
    func add(_ inner: MutableElements, share: Int, of shares: Int, to out: MutableElements) {
        let b = factors.b
        let panels = (b.outputs + kernel.panel - 1) / kernel.panel
        let columns =
            panels * share / shares * kernel.panel..<min(b.outputs, panels * (share + 1) / shares * kernel.panel)
        for band in b.bands ?? [] where band.columns.overlaps(columns) {
            let some = band.columns.clamped(to: columns)
            b.panels.withPointer { panels in
                kernel.multiply(
                    .init(
                        rows: rows.count, columns: some.count, depth: band.depth.count,
                        left: inner + band.depth.lowerBound * kernel.lanes,
                        panels: panels + some.lowerBound * b.depth + band.depth.lowerBound * kernel.panel,
                        result: out + rows.lowerBound * b.outputs + some.lowerBound, step: b.outputs, adds: true),
                    depth: b.depth)
            }
        }
    }
}
