import Engine
import Models
import Tensors

extension TransformerDecoder {
    /// The logits of every token of a given reply, `[reply, vocabulary]`, from one pass over prompt and reply.
    ///
    /// - Parameter images: embeddings with the range of prompt positions that they fill.
    func logits(
        of reply: [Int32], after prompt: [Int32], images: [(range: Range<Int>, embeddings: Tensor)] = [],
        adapter: ServingAdapter?
    ) -> Tensor {
        let ids = prompt + reply.dropLast()
        let cache = makeCache(bytes: 0, minimumPositions: ids.count)
        let rows = ids.indices
        let slice = SequenceSlice(rows: rows, start: 0, blockTable: (0..<Int32(cache.blocks)).map { $0 })
        var batch = DecoderBatch(
            tokens: ids, sequences: [slice], adapters: adapter.map { [.init(rows: rows, adapter: $0)] } ?? [],
            outputRows: Array(rows.suffix(reply.count)))
        batch.injections = images.map { .init(row: $0.range.lowerBound, embeddings: $0.embeddings) }
        return forward(batch, cache: cache)
    }
}
