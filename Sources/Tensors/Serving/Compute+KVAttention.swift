import CKernels

extension Compute {
    /// Writes the keys and values of a ragged batch to one layer of `cache`. Each is [rows, heads × headSize] of the
    /// cache, as columns of tensors with equal widths.
    public func store(
        keys: TensorColumns, values: TensorColumns, layer: Int, sequences: [SequenceSlice], in cache: KVCache
    ) {
        let (columns, stride) = (cache.heads * cache.headSize, keys.stride)
        precondition(
            keys.count == columns && values.count == columns && values.tensor.shape == keys.tensor.shape,
            "keys \(keys.range) and values \(values.range) for \(columns) columns")
        for slice in sequences { slice.check(rows: keys.tensor.rows, cache: cache) }
        let kernels = kvAttention(cache.precision)
        keys.withPointer { keys in
            values.withPointer { values in
                pool.run(count: sequences.count * cache.heads) { piece in
                    let slice = sequences[piece / cache.heads]
                    let head = piece % cache.heads
                    slice.blockTable.withUnsafeBufferPointer { table in
                        var pages = cache.pages(layer: layer, head: head, table: table.baseAddress)
                        let offset = slice.rows.lowerBound * stride + head * cache.headSize
                        kernels.store(keys + offset, values + offset, stride, slice.start, slice.rows.count, &pages)
                    }
                }
            }
        }
    }

    /// Causal attention: each row of `queries`, [rows, heads × headSize], sees the positions of its sequence up to its
    /// own, all of which must be in `cache`. Consecutive query heads share a key-value head. Scores are scaled by 1 /
    /// √headSize. The result has the shape of `queries`.
    public func attend(
        queries: TensorColumns, heads: Int, layer: Int, sequences: [SequenceSlice], cache: KVCache
    ) -> Tensor {
        precondition(queries.count == heads * cache.headSize, "\(queries.range) for \(heads) heads")
        precondition(heads % cache.heads == 0, "\(heads) heads for \(cache.heads) of the cache")
        let rows = queries.tensor.rows
        for slice in sequences { slice.check(rows: rows, cache: cache) }
        var result = uninitialized([rows, queries.count])
        queries.withPointer { source in
            result.withMutablePointer { target in
                AttentionJob(
                    kernels: kvAttention(cache.precision), queries: source, stride: queries.stride, out: target,
                    heads: heads, layer: layer, sequences: sequences, cache: cache
                ).run(on: pool)
            }
        }
        return result
    }
}
