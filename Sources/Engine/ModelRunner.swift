import Models
import Tensors

/// Executes what the scheduler planned: encodes the pictures that are needed, lays the chunks side by side as one batch,
/// and returns the logits that are read: where a prompt is scored, and where a token is drawn.
struct ModelRunner {
    let decoder: Decoder
    let cache: KVCache

    /// Logits `[rows, vocabulary]`, in the order of `chunks`: of each the positions that score its prompt, then the last
    /// one if a token is drawn there.
    func run(_ chunks: [Scheduler.Chunk]) -> Tensor {
        decoder.forward(batch(of: chunks), cache: cache)
    }

    /// Encodes the pictures that overlap the chunk's positions.
    func encodeImages(of chunk: Scheduler.Chunk, clock: ContinuousClock) {
        let sequence = chunk.sequence
        guard let vision = sequence.request.policy.vision else { return }
        while let missing = sequence.missingImage(in: chunk.range) {
            sequence.imageTime += clock.measure {
                sequence.imageEmbeddings[missing] = vision.encoder.encode(sequence.request.images[missing].pixels)
            }
        }
    }

    private func batch(of chunks: [Scheduler.Chunk]) -> DecoderBatch {
        var batch = DecoderBatch(tokens: [], sequences: [], outputRows: [])
        // Rows of one policy lie together, so that its adapter is applied once.
        for chunk in chunks {
            let rows = batch.tokens.count..<batch.tokens.count + chunk.range.count
            batch.tokens += chunk.sequence.tokens[chunk.range]
            batch.sequences.append(
                SequenceSlice(rows: rows, start: chunk.range.lowerBound, blockTable: chunk.sequence.blockTable))
            batch.injections += injections(of: chunk, firstRow: rows.lowerBound)
            if let adapter = chunk.sequence.request.policy.adapter { batch.append(adapter, for: rows) }
            batch.outputRows += chunk.scoring.map { rows.lowerBound + $0 - chunk.range.lowerBound }
            if chunk.isLast { batch.outputRows.append(rows.upperBound - 1) }
        }
        return batch
    }

    private func injections(of chunk: Scheduler.Chunk, firstRow: Int) -> [DecoderBatch.Injection] {
        zip(chunk.sequence.request.images, chunk.sequence.imageEmbeddings).compactMap { image, embeddings in
            let shared = image.range.clamped(to: chunk.range)
            guard let embeddings, !shared.isEmpty else { return nil }
            let start = shared.lowerBound - image.range.lowerBound
            return DecoderBatch.Injection(
                row: firstRow + shared.lowerBound - chunk.range.lowerBound,
                embeddings: embeddings.rows(start..<start + shared.count))
        }
    }
}

extension DecoderBatch {
    /// Puts `rows` under `adapter`, joining them to the run before if that uses the same one.
    fileprivate mutating func append(_ adapter: ServingAdapter, for rows: Range<Int>) {
        if let last = adapters.last, last.adapter === adapter, last.rows.upperBound == rows.lowerBound {
            adapters[adapters.count - 1].rows = last.rows.lowerBound..<rows.upperBound
        } else {
            adapters.append(AdapterRows(rows: rows, adapter: adapter))
        }
    }
}
