public import Tensors

/// The serving decoder: a transformer over a ragged batch of sequences and a paged KV cache.
///
/// It follows transformers' `LlamaForCausalLM`: RMS norm (Zhang and Sennrich 2019), rotary positions in halves (Su et
/// al. 2021), grouped-query attention (Ainslie et al. 2023), SwiGLU (Shazeer 2020). The configuration's options add the
/// differences of other families. Every row's logits are bitwise the same for any split of its sequence into batches
/// and any other rows in the batch.
public final class TransformerDecoder: Sendable {
    final class Block: Sendable {
        let attentionNorm: Tensor
        let queryKeyValue: LinearLayer
        let headNorms: HeadNorms?
        let output: LinearLayer
        let feedForwardNorm: Tensor
        let gateUp: LinearLayer
        let down: LinearLayer

        init(
            attentionNorm: Tensor, queryKeyValue: LinearLayer, headNorms: HeadNorms?, output: LinearLayer,
            feedForwardNorm: Tensor, gateUp: LinearLayer, down: LinearLayer
        ) {
            self.attentionNorm = attentionNorm
            self.queryKeyValue = queryKeyValue
            self.headNorms = headNorms
            self.output = output
            self.feedForwardNorm = feedForwardNorm
            self.gateUp = gateUp
            self.down = down
        }
    }

    /// The weights of the norms of query and key heads, `[headSize]` each.
    struct HeadNorms: Sendable {
        let query: Tensor
        let key: Tensor
    }

    /// The decoder's sizes.
    public let configuration: DecoderConfiguration
    /// The form of its weights in memory.
    public let precision: Precision
    /// The kernels and threads for its arithmetic.
    public let compute: Compute
    let embedding: EmbeddingTable
    let output: LinearWeights
    let blocks: [Block]
    let finalNorm: Tensor
    let frequencies: RotaryFrequencies

    init(
        configuration: DecoderConfiguration, embedding: EmbeddingTable, output: LinearWeights, blocks: [Block],
        finalNorm: Tensor, precision: Precision, compute: Compute
    ) {
        self.configuration = configuration
        self.embedding = embedding
        self.output = output
        self.blocks = blocks
        self.finalNorm = finalNorm
        self.precision = precision
        self.compute = compute
        self.frequencies = configuration.rotaryFrequencies
    }

    /// A KV cache for this decoder of about `bytes` bytes, with room for at least `minimumPositions` positions.
    public func makeCache(bytes: Int, minimumPositions: Int, precision: KVCache.Precision = .fp16) -> KVCache {
        let blocks = max(Self.blocks(for: minimumPositions), bytes / blockBytes(precision))
        return KVCache(
            layers: configuration.layers, heads: configuration.kvHeads, headSize: configuration.headSize,
            blocks: blocks, precision: precision)
    }

    /// Bytes of KV cache for `positions` positions of one sequence.
    public func cacheBytes(for positions: Int, precision: KVCache.Precision) -> Int {
        Self.blocks(for: positions) * blockBytes(precision)
    }

    private static func blocks(for positions: Int) -> Int {
        (positions + KVCache.blockSize - 1) / KVCache.blockSize
    }

    private func blockBytes(_ precision: KVCache.Precision) -> Int {
        let pageBytes = KVCache.pageBytes(headSize: configuration.headSize, precision: precision)
        return configuration.layers * configuration.kvHeads * pageBytes
    }

    /// Bytes of weights that every step reads.
    public var weightBytes: Int {
        blocks.reduce(output.byteCount) { bytes, block in
            [block.queryKeyValue, block.output, block.gateUp, block.down].reduce(bytes) { $0 + $1.weights.byteCount }
        }
    }

    /// Computes the batch's rows, stores their keys and values, and returns the logits of its output rows.
    ///
    /// - Returns: `[outputRows, vocabulary]`.
    public func forward(_ batch: DecoderBatch, cache: KVCache) -> Tensor {
        logits(of: hiddenStates(batch, cache: cache))
    }

    /// The logits, `[rows, vocabulary]`, of hidden states after the final norm, `[rows, hidden]`.
    public func logits(of hidden: Tensor) -> Tensor {
        var logits = compute.multiply(hidden, output)
        if configuration.logitsScale != 1 { compute.scale(&logits, by: 1 / configuration.logitsScale) }
        return logits
    }

    /// Like `forward`, but returns the hidden states of the output rows after the final norm, which scalar heads read.
    ///
    /// - Returns: `[outputRows, hidden]`.
    public func hiddenStates(_ batch: DecoderBatch, cache: KVCache) -> Tensor {
        var tiles = DecoderRowTile.tiles(of: batch, embeddings: embed(batch), decoder: self)
        for layer in blocks.indices {
            let fused = compute.joinRows(compute.map(tiles) { $0.queriesKeysValues(layer: layer) })
            let mixed = attend(fused, layer: layer, batch, cache)
            compute.forEach(&tiles) { $0.add(attention: mixed, layer: layer) }
        }
        let hidden = compute.joinRows(tiles.map(\.hidden))
        let outputs = compute.gather(batch.outputRows.map(Int32.init), from: hidden)
        return compute.rmsNorm(outputs, weight: finalNorm, epsilon: configuration.normEpsilon)
    }

    private func embed(_ batch: DecoderBatch) -> Tensor {
        var x = embedding.rows(batch.tokens, compute)
        for injection in batch.injections { x.replaceRows(from: injection.row, with: injection.embeddings) }
        if configuration.embeddingScale != 1 { compute.scale(&x, by: configuration.embeddingScale) }
        return x
    }

    /// Stores the keys and values of a layer's fused rows and computes attention for their queries.
    private func attend(_ fused: Tensor, layer: Int, _ batch: DecoderBatch, _ cache: KVCache) -> Tensor {
        let keyStart = configuration.queryWidth
        let valueStart = keyStart + configuration.kvWidth
        compute.store(
            keys: fused[columns: keyStart..<valueStart],
            values: fused[columns: valueStart..<valueStart + configuration.kvWidth],
            layer: layer, sequences: batch.sequences, in: cache)
        return compute.attend(
            queries: fused[columns: 0..<keyStart], heads: configuration.heads, layer: layer,
            sequences: batch.sequences, cache: cache)
    }
}
