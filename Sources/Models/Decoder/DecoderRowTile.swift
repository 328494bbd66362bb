import Tensors

/// A range of a batch's rows in the layers.
///
/// Only attention reads other rows. All other work of a layer is done tile by tile: in a large batch each thread
/// computes its own tiles, so its recent results are still in its core's cache.
package struct DecoderRowTile: Sendable {
    /// The number of rows from which it pays that each thread reads all weights itself.
    private static let minimumRowsAlone = 16
    /// The number of rows whose activations fill half of a second-level cache of 1 MB.
    private static let maximumRowsAlone = 64

    /// The rows' indices in the batch.
    let rows: Range<Int>
    /// Their hidden states, `[rows, hidden]`.
    private(set) var hidden: Tensor
    private let angles: RotaryAngles
    private let adapters: [DecoderBatch.AdapterRows]
    private let decoder: TransformerDecoder
    private let compute: Compute

    /// The tiles of a batch whose rows begin as `embeddings`.
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

    /// The rows of each tile: one tile for all threads together, or the same number of tiles for each thread.
    package static func bounds(of rows: Int, threads: Int) -> [Range<Int>] {
        guard rows >= minimumRowsAlone * threads else { return [0..<rows] }
        let together = maximumRowsAlone * threads
        let count = (rows + together - 1) / together * threads
        // Kernels process rows in groups of eight or four.
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

    /// The input of attention: rotated queries and keys, and values, `[rows, query width + 2 · key width]`.
    func queriesKeysValues(layer: Int) -> Tensor {
        let (block, configuration) = (decoder.blocks[layer], decoder.configuration)
        let normed = compute.rmsNorm(hidden, weight: block.attentionNorm, epsilon: configuration.normEpsilon)
        var fused = project(normed, block.queryKeyValue, .queryKeyValue, layer: layer)
        if let norms = block.headNorms {
            let (heads, kvHeads) = (configuration.heads, configuration.kvHeads)
            compute.normalizeHeads(
                &fused, [(0..<heads, norms.query), (heads..<heads + kvHeads, norms.key)],
                epsilon: configuration.normEpsilon)
        }
        // Queries and keys are adjacent and rotated in the same way.
        if !configuration.unrotatedLayers.contains(layer) {
            compute.rotate(&fused, heads: configuration.heads + configuration.kvHeads, by: angles)
        }
        return fused
    }

    /// Adds attention's output for the whole batch, `[rows of the batch, query width]`, and the feed-forward layer.
    mutating func add(attention mixed: Tensor, layer: Int) {
        let (block, configuration) = (decoder.blocks[layer], decoder.configuration)
        let scale = configuration.residualScale
        compute.add(&hidden, project(mixed.rows(rows), block.output, .output, layer: layer), scale: scale)
        let normed = compute.rmsNorm(hidden, weight: block.feedForwardNorm, epsilon: configuration.normEpsilon)
        let gateUp = project(normed, block.gateUp, .gateUp, layer: layer)
        compute.add(&hidden, project(compute.swiGLU(gateUp), block.down, .down, layer: layer), scale: scale)
    }

    /// A linear layer, plus the low-rank update of its adapter on the rows of each policy.
    private func project(_ x: Tensor, _ linear: LinearLayer, _ module: FusedModule, layer: Int) -> Tensor {
        let updates = adapters.compactMap { run in
            run.adapter.factors(layer: layer, module).map { LowRankUpdate(rows: run.rows, factors: $0) }
        }
        var y = compute.multiply(x, linear.weights, updates: updates)
        if let bias = linear.bias { compute.addBias(&y, bias) }
        return y
    }
}
