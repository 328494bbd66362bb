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
            panelKernel(w.precision), rows: x.rows, depth: w.depth, panels: w.panels, columns: w.outputs, bands: w.bands
        ) { kernel, rows, left in
            x.withPointer { kernel.pack(rows.count, x.columns, $0 + rows.lowerBound * x.columns, into: left) }
        }
    }

    /// The term with the left factor `a` (of which it may use only some columns) or its transpose, and panels of
    /// `columns` columns.
    func term(
        _ a: Tensor, taking taken: Range<Int>? = nil, transposed: Bool, panels: Tensor, columns: Int,
        bands: [ProductBand]? = nil
    ) -> ProductTerm {
        let (gemm, step) = (gemm, a.columns)
        let taken = taken ?? 0..<a.columns
        let (rows, depth) = transposed ? (taken.count, a.rows) : (a.rows, taken.count)
        return term(.float32(gemm), rows: rows, depth: depth, panels: panels, columns: columns, bands: bands) {
            _, rows, left in
            a.withPointer { a in
                gemm.pack_group(
                    rows.count, depth, a + taken.lowerBound + rows.lowerBound * (transposed ? 1 : step), step,
                    transposed ? 1 : 0, left)
            }
        }
    }

    private func term(
        _ kernel: PanelKernel, rows: Int, depth: Int, panels: Tensor, columns: Int, bands: [ProductBand]?,
        pack: (_ kernel: PanelKernel, _ rows: Range<Int>, _ group: MutableElements) -> Void
    ) -> ProductTerm {
        let groups = RowGroups(rows: rows, limit: kernel.group)
        let size = depth * kernel.lanes
        var left = uninitialized([groups.count, depth, kernel.lanes])
        left.withMutablePointer { left in
            forEachRange(of: groups.count, cost: size) {
                for group in $0 { pack(kernel, groups[group], left + group * size) }
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
