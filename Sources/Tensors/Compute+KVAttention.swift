import CKernels

extension Compute {
    /// Writes the keys and values of a ragged batch, each [rows, heads × headSize] of the cache, to one layer of `cache`.
    public func store(keys: Tensor, values: Tensor, layer: Int, sequences: [SequenceSlice], in cache: KVCache) {
        let columns = cache.heads * cache.headSize
        precondition(keys.columns == columns && values.shape == keys.shape, "\(keys.shape) for \(columns)")
        for slice in sequences { slice.check(rows: keys.rows, cache: cache) }
        let kernels = kvAttention(cache.precision)
        keys.withUnsafeElements { keys in
            values.withUnsafeElements { values in
                guard let keys = keys.baseAddress, let values = values.baseAddress else { return }
                pool.run(count: sequences.count * cache.heads) { piece in
                    let slice = sequences[piece / cache.heads]
                    let head = piece % cache.heads
                    slice.blockTable.withUnsafeBufferPointer { table in
                        var pages = cache.pages(layer: layer, head: head, table: table.baseAddress)
                        let offset = slice.rows.lowerBound * columns + head * cache.headSize
                        kernels.store(keys + offset, values + offset, columns, slice.start, slice.rows.count, &pages)
                    }
                }
            }
        }
    }

    /// Causal attention: each row of `queries`, [rows, heads × headSize], sees the positions of its own sequence up to
    /// its own, which are all in `cache`. Consecutive query heads share a key-value head. Scores are scaled by
    /// 1 / √headSize. The result has the shape of `queries`.
    public func attend(
        queries: Tensor, heads: Int, layer: Int, sequences: [SequenceSlice], cache: KVCache
    ) -> Tensor {
        precondition(queries.columns == heads * cache.headSize, "\(queries.shape) for \(heads) heads")
        precondition(heads % cache.heads == 0, "\(heads) heads for \(cache.heads) of the cache")
        for slice in sequences { slice.check(rows: queries.rows, cache: cache) }
        var result = Tensor(uninitialized: queries.shape)
        queries.withUnsafeElements { queries in
            result.withUnsafeMutableElements { out in
                guard let source = queries.baseAddress, let target = out.baseAddress else { return }
                AttentionJob(
                    kernels: kvAttention(cache.precision), queries: source, out: target, heads: heads, layer: layer,
                    sequences: sequences, cache: cache
                ).run(on: pool)
            }
        }
        return result
    }
}
