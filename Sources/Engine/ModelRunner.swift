import Models
import Tensors

/// Executes what the scheduler planned: encodes pictures, lays the chunks side by side as one batch, and returns what is read: logits where given tokens are scored or one is drawn, and the scores of heads.
struct ModelRunner {
    /// What one step gives, in the order of its chunks.
    struct Outputs {
        /// `[rows, vocabulary]`: of each chunk the positions that score its tokens, then the last one if a token is drawn
        /// there, and those of its guesses.
        let logits: Tensor
        /// Of each chunk that ends an answer for a head to read.
        let scores: [Float]
    }

    let decoder: Decoder
    let cache: KVCache
    var pictures: PictureEncoder

    /// A runner with an empty KV cache.
    init(decoder: Decoder, cache: KVCache, pictures: PictureEncoder) {
        self.decoder = decoder
        self.cache = cache
        self.pictures = pictures
    }

    /// Computes the chunks' positions.
    func run(_ chunks: [StepPlan.Chunk]) -> Outputs {
        var batch = batch(of: chunks)
        let logitRows = batch.outputRows.count
        let read = chunks.filter { $0.isLast && $0.head != nil }
        var end = 0
        batch.outputRows += chunks.compactMap { chunk in
            end += chunk.range.count
            return chunk.isLast && chunk.head != nil ? end - 1 : nil
        }
        let hidden = decoder.hiddenStates(batch, cache: cache)
        let scores = read.enumerated().compactMap { index, chunk in
            chunk.head?.scores(hidden.rows(logitRows + index..<logitRows + index + 1), on: decoder.compute)[0]
        }
        return Outputs(logits: decoder.logits(of: hidden.rows(0..<logitRows)), scores: scores)
    }

    private func batch(of chunks: [StepPlan.Chunk]) -> DecoderBatch {
        var batch = DecoderBatch(tokens: [], sequences: [], outputRows: [])
        for chunk in chunks {
            let tokens = chunk.tokens
            let rows = batch.tokens.count..<batch.tokens.count + tokens.count
            batch.tokens += tokens
            batch.sequences.append(
                SequenceSlice(rows: rows, start: chunk.range.lowerBound, blockTable: chunk.sequence.blockTable))
            batch.injections += injections(of: chunk, firstRow: rows.lowerBound)
            if let adapter = chunk.sequence.request.policy.adapter { batch.append(adapter, for: rows) }
            batch.outputRows += chunk.scoring.map { rows.lowerBound + $0 - chunk.range.lowerBound }
            if chunk.drawsToken {
                batch.outputRows += rows.upperBound - 1 - chunk.draft.count..<rows.upperBound
            }
        }
        return batch
    }

    private func injections(of chunk: StepPlan.Chunk, firstRow: Int) -> [DecoderBatch.Injection] {
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

extension StepPlan.Chunk {
    /// What reads the last token of its answers.
    fileprivate var head: ScalarHead? { sequence.request.measurement?.head }
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
