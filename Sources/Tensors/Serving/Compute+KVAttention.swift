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

/// One call of `Compute.attend`, cut into tiles: queries of one sequence that share a key-value head. A tile passes
/// over the keys once, a span at a time, with all of its queries, so that the keys it reads stay in the cache for the
/// next query.
///
/// A tile that is a large share of the work, as in decoding, is also cut along its keys, into the spans that the
/// kernels reduce separately anyway: the bits of the result are the same.
struct AttentionJob {
    private typealias State = apus_attention_state

    /// Queries of one sequence and key-value head, numbered row by row and within a row by head of the group.
    private struct Tile {
        let sequence: Int
        let head: Int
        let queries: Range<Int>
        /// The number of spans that the last query sees, which is the largest of all queries.
        let spans: Int

        /// An estimate of the tile's cost.
        var work: Int { spans * queries.count }
    }

    /// One thread's unit of work: spans of a tile. `states` holds the results until the tile's other spans are done;
    /// nil if the unit has all spans.
    private struct Unit {
        let tile: Tile
        let spans: Range<Int>
        let states: Int?
    }

    /// Consecutive kernel calls over the same span. More calls would save little and leave fewer tiles to distribute.
    private static let callsPerTile = 4

    let kernels: apus_kv_attention_kernels
    let queries: UnsafePointer<Float>
    /// The number of elements from one row of queries to the next.
    let stride: Int
    let out: UnsafeMutablePointer<Float>
    let heads: Int
    let layer: Int
    let sequences: [SequenceSlice]
    let cache: KVCache

    private var group: Int { heads / cache.heads }

    /// Computes all results.
    func run(on pool: ThreadPool) {
        let tiles = self.tiles()
        let share = tiles.reduce(0) { $0 + $1.work } / (8 * pool.threads)
        var units: [Unit] = []
        var split: [(tile: Tile, states: Int)] = []
        var stateCount = 0
        for tile in tiles {
            if tile.spans == 1 || tile.work <= share {
                units.append(Unit(tile: tile, spans: 0..<tile.spans, states: nil))
                continue
            }
            split.append((tile, stateCount))
            for span in 0..<tile.spans {
                units.append(Unit(tile: tile, spans: span..<span + 1, states: stateCount))
                stateCount += tile.queries.count
            }
        }
        withUnsafeStates(stateCount) { states in
            pool.run(count: units.count) { run(units[$0], states) }
            pool.run(count: split.count) { merge(split[$0].tile, states + split[$0].states) }
        }
    }

    private func tiles() -> [Tile] {
        var tiles: [Tile] = []
        for (index, slice) in sequences.enumerated() {
            let count = slice.rows.count * group
            for head in 0..<cache.heads {
                for queries in (0..<count).pieces(of: kernels.queries * Self.callsPerTile) {
                    let spans = spans(seenBy: queries.upperBound - 1, of: slice)
                    tiles.append(Tile(sequence: index, head: head, queries: queries, spans: spans))
                }
            }
        }
        return tiles
    }

    private func run(_ unit: Unit, _ states: UnsafeMutablePointer<State>) {
        if let offset = unit.states {
            attend(unit, states + offset)
            return
        }
        withUnsafeStates(unit.tile.queries.count) { states in
            attend(unit, states)
            finish(unit.tile, states)
        }
    }

    /// The number of spans with keys that a query sees.
    private func spans(seenBy query: Int, of slice: SequenceSlice) -> Int {
        (limit(of: query, in: slice) + Int(APUS_KV_SPAN) - 1) / Int(APUS_KV_SPAN)
    }

    /// The number of positions that a query sees.
    private func limit(of query: Int, in slice: SequenceSlice) -> Int { slice.start + query / group + 1 }

    private func attend(_ unit: Unit, _ states: UnsafeMutablePointer<State>) {
        let tile = unit.tile
        let slice = sequences[tile.sequence]
        let scale = 1 / Float(cache.headSize).squareRoot()
        let calls = tile.queries.pieces(of: kernels.queries).map { queries in
            (
                sources: queries.map { query -> UnsafePointer<Float>? in
                    let (row, head) = coordinates(of: query, in: tile)
                    return self.queries + row * stride + head * cache.headSize
                },
                limits: queries.map { limit(of: $0, in: slice) },
                spans: spans(seenBy: queries.upperBound - 1, of: slice),
                states: states + (queries.lowerBound - tile.queries.lowerBound)
            )
        }
        slice.blockTable.withUnsafeBufferPointer { table in
            var pages = cache.pages(layer: layer, head: tile.head, table: table.baseAddress)
            for span in unit.spans {
                for call in calls where span < call.spans {
                    kernels.attend(
                        call.sources, call.limits, call.limits.count, scale, &pages, span, span + 1, call.states)
                }
            }
        }
    }

    /// Merges the states of all spans of a tile into the first span's.
    private func merge(_ tile: Tile, _ states: UnsafeMutablePointer<State>) {
        let count = tile.queries.count
        for span in 1..<tile.spans {
            for query in 0..<count {
                kernels.merge(states + query, states + span * count + query, cache.headSize)
            }
        }
        finish(tile, states)
    }

    private func finish(_ tile: Tile, _ states: UnsafeMutablePointer<State>) {
        for (index, query) in tile.queries.enumerated() {
            let (row, head) = coordinates(of: query, in: tile)
            kernels.finish(states + index, cache.headSize, out + (row * heads + head) * cache.headSize)
        }
    }

    /// The row and head in the batch of a query and its result.
    private func coordinates(of query: Int, in tile: Tile) -> (row: Int, head: Int) {
        (sequences[tile.sequence].rows.lowerBound + query / group, tile.head * group + query % group)
    }

    /// Calls `body` with `count` empty states, which have seen no position.
    private func withUnsafeStates(_ count: Int, _ body: (UnsafeMutablePointer<State>) -> Void) {
        withUnsafeTemporaryAllocation(of: State.self, capacity: max(1, count)) { states in
            for index in 0..<count { states[index].weight = 0 }
            guard let base = states.baseAddress else { return }
            body(base)
        }
    }
}

extension Range<Int> {
    /// Consecutive ranges of `length` elements; the last one may be shorter.
    fileprivate func pieces(of length: Int) -> [Range<Int>] {
        stride(from: lowerBound, to: upperBound, by: length).map { $0..<Swift.min(upperBound, $0 + length) }
    }
}
