import CKernels

extension Compute {
    /// Attention within tiles, in integers: every row sees all rows of its tile. Queries, keys and values are rounded
    /// to 12 or 13 bits with a scale for each row and head, as in a `KVCache` of `int16`; sums are exact in 32 bits.
    ///
    /// A tile's result is bitwise the same whatever tiles are computed beside it.
    ///
    /// - Parameters:
    ///   - fused: queries, keys and values side by side, `[tiles · rows, 3 · heads · headSize]`; a head has up to 256
    ///     elements.
    ///   - rows: the rows of each tile.
    /// - Returns: `[tiles · rows, heads · headSize]`.
    public func tileAttention(_ fused: Tensor, heads: Int, rows: Int) -> Tensor {
        precondition(
            fused.columns % (3 * heads) == 0 && rows > 0 && fused.rows % rows == 0, "\(rows) of \(fused.shape)")
        let width = fused.columns / 3
        let tiles = fused.rows / rows
        var result = uninitialized([fused.rows, width])
        result.withMutablePointer { out in
            fused.withPointer { fused in
                let job = TileAttention(
                    kernels: kvAttention(.int16), q: fused, k: fused + width, v: fused + 2 * width, out: out,
                    heads: heads, rows: rows, headSize: width / heads)
                pool.run(count: tiles * heads) { index in
                    Workspace.use(buffers) { job.run(tile: index / heads, head: index % heads, in: $0) }
                }
            }
        }
        return result
    }
}

/// One call of `Compute.tileAttention`; `run` computes one head of one tile.
private struct TileAttention {
    let kernels: apus_kv_attention_kernels
    let q: UnsafePointer<Float>
    let k: UnsafePointer<Float>
    let v: UnsafePointer<Float>
    let out: MutableElements
    let heads: Int
    let rows: Int
    let headSize: Int

    /// Elements from one row of queries, keys or values to the next.
    private var stride: Int { 3 * heads * headSize }
    /// The kernels' head size: a multiple of 16. The elements beyond `headSize` are zeros.
    private var paddedSize: Int { (headSize + 15) / 16 * 16 }
    private var pageCount: Int { (rows + KVCache.blockSize - 1) / KVCache.blockSize }

    func run(tile: Int, head: Int, in workspace: Workspace) {
        let start = tile * rows * stride + head * headSize
        let target = out + tile * rows * heads * headSize + head * headSize
        let pageBytes = KVCache.pageBytes(headSize: paddedSize, precision: .int16)
        let memory = workspace.take(pageCount * pageBytes / MemoryLayout<Float>.stride)
        let table = (0..<Int32(pageCount)).map { $0 }
        table.withUnsafeBufferPointer { table in
            var pages = apus_kv_pages(
                base: memory, stride: pageBytes, table: table.baseAddress, head_size: paddedSize)
            let keys = padded(k + start, in: workspace)
            let values = padded(v + start, in: workspace)
            kernels.store(keys.base, values.base, keys.stride, 0, rows, &pages)
            attend(padded(q + start, in: workspace), &pages, to: target)
        }
    }

    /// The rows of a head with the kernels' head size.
    private func padded(
        _ source: UnsafePointer<Float>, in workspace: Workspace
    ) -> (base: UnsafePointer<Float>, stride: Int) {
        guard paddedSize > headSize else { return (source, stride) }
        let copy = workspace.take(rows * paddedSize)
        copy.update(repeating: 0, count: rows * paddedSize)
        for row in 0..<rows { (copy + row * paddedSize).update(from: source + row * stride, count: headSize) }
        return (UnsafePointer(copy), paddedSize)
    }

    private func attend(
        _ queries: (base: UnsafePointer<Float>, stride: Int), _ pages: inout apus_kv_pages, to out: MutableElements
    ) {
        let scale = 1 / Float(headSize).squareRoot()
        let spans = (rows + Int(APUS_KV_SPAN) - 1) / Int(APUS_KV_SPAN)
        let limits = [Int](repeating: rows, count: kernels.queries)
        withUnsafeTemporaryAllocation(of: apus_attention_state.self, capacity: kernels.queries) { states in
            guard let states = states.baseAddress else { return }
            withUnsafeTemporaryAllocation(of: Float.self, capacity: paddedSize) { values in
                guard let values = values.baseAddress else { return }
                for first in Swift.stride(from: 0, to: rows, by: kernels.queries) {
                    let count = min(kernels.queries, rows - first)
                    let sources = (first..<first + count).map { row -> UnsafePointer<Float>? in
                        queries.base + row * queries.stride
                    }
                    for index in 0..<count { states[index].weight = 0 }
                    kernels.attend(sources, limits, count, scale, &pages, 0, spans, states)
                    for index in 0..<count {
                        kernels.finish(states + index, paddedSize, values)
                        (out + (first + index) * heads * headSize).update(from: values, count: headSize)
                    }
                }
            }
        }
    }
}
