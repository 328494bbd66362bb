import Tensors

/// Some rows of a batch on their way through the layers.
///
/// Only attention looks at other rows. All else that a layer does is done part by part: in a large batch each thread
/// takes parts by itself, and what it has just computed is still in its core's cache.
package struct DecoderRowTile: Sendable {
    /// Rows for which it pays that each thread reads all weights.
    private static let minimumRowsAlone = 16
    /// Rows whose activations take half of a second-level cache of 1 MB.
    private static let maximumRowsAlone = 64

    /// Which rows of the batch.
    let rows: Range<Int>
    /// Their hidden states, `[rows, hidden]`.
    private(set) var hidden: Tensor
    private let angles: RotaryAngles
    private let adapters: [DecoderBatch.AdapterRows]
    private let decoder: TransformerDecoder
    private let compute: Compute

    /// The parts of a batch whose rows begin as `embeddings`.
    static func tiles(of batch: DecoderBatch, embeddings: Tensor, decoder: TransformerDecoder) -> [DecoderRowTile] {
        let (compute, positions) = (decoder.compute, batch.positions)
        let bounds = bounds(of: embeddings.rows, threads: compute.threads)
        guard bounds.count > 1 else {
            return [DecoderRowTile(0..<embeddings.rows, of: batch, positions, embeddings, decoder, compute)]
        }
        return compute.map(bounds) {
            DecoderRowTile($0, of: batch, positions, embeddings.rows($0), decoder, compute.alone)
        }
    }

    /// The rows of each part: all, for all threads together, or as many parts for each thread.
    package static func bounds(of rows: Int, threads: Int) -> [Range<Int>] {
        guard rows >= minimumRowsAlone * threads else { return [0..<rows] }
        let together = maximumRowsAlone * threads
        let count = (rows + together - 1) / together * threads
        // Kernels take rows by eight or by four.
        let starts = (0...count).map { min(rows, (rows + 3) / 4 * $0 / count * 4) }
        return zip(starts, starts.dropFirst()).map { $0..<$1 }
    }

    private init(
        _ rows: Range<Int>, of batch: DecoderBatch, _ positions: [Int32], _ hidden: Tensor,
        _ decoder: TransformerDecoder,
        _ compute: Compute
    ) {
        self.rows = rows
        self.hidden = hidden
        self.angles = RotaryAngles(positions: Array(positions[rows]), frequencies: decoder.frequencies)
        self.adapters = batch.adapters(of: rows)
        self.decoder = decoder
        self.compute = compute
    }

    /// What attention reads: turned queries, turned keys and values, `[rows, query width + 2 · key width]`.
    func queriesKeysValues(layer: Int) -> Tensor {
        let (block, configuration) = (decoder.blocks[layer], decoder.configuration)
        let normed = compute.rmsNorm(hidden, weight: block.attentionNorm, epsilon: configuration.normEpsilon)
        var fused = project(normed, block.queryKeyValue, .queryKeyValue, layer: layer)
        // Queries and keys lie side by side, and are turned alike.
        compute.rotate(&fused, heads: configuration.heads + configuration.kvHeads, by: angles)
        return fused
    }

    /// Adds what attention mixed for the whole batch, `[rows of the batch, query width]`, and the feed-forward layer.
    mutating func add(attention mixed: Tensor, layer: Int) {
        let (block, epsilon) = (decoder.blocks[layer], decoder.configuration.normEpsilon)
        compute.add(&hidden, project(mixed.rows(rows), block.output, .output, layer: layer))
        let normed = compute.rmsNorm(hidden, weight: block.feedForwardNorm, epsilon: epsilon)
        let gateUp = project(normed, block.gateUp, .gateUp, layer: layer)
        compute.add(&hidden, project(compute.swiGLU(gateUp), block.down, .down, layer: layer))
    }

    /// A linear layer, and on the rows of each policy the low-rank update of its adapter.
    private func project(_ x: Tensor, _ weights: LinearWeights, _ module: FusedModule, layer: Int) -> Tensor {
        let updates = adapters.compactMap { run in
            run.adapter.factors(layer: layer, module).map { LowRankUpdate(rows: run.rows, factors: $0) }
        }
        return compute.multiply(x, weights, updates: updates)
    }
}
