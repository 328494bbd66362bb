import Models
import Tensors

/// The chunks of one step side by side in a batch, and which of its rows are whose.
///
/// Where a chunk's results lie depends on the chunks before it: on what they score, draw and guess. It is counted once,
/// here: runner, reader and loop take the rows from it.
struct StepLayout {
    /// One chunk with its rows.
    struct Chunk {
        let planned: StepPlan.Chunk
        /// Its positions among the batch's rows.
        let batchRows: Range<Int>
        /// The positions whose logits score tokens that are given.
        let scoredPositions: Range<Int>
        /// The logits of `scoredPositions`, among the step's rows of logits.
        let scoringRows: Range<Int>
        /// The logits that tokens are drawn from: those of the last position, and of its guesses.
        let drawnRows: Range<Int>
        /// What a head reads, among the rows of hidden states behind those of the logits; nil if none reads this chunk.
        let headRow: Int?
        /// Whether it ends the tokens so far: one is drawn after it, or the answer that is measured is whole.
        let isLast: Bool

        /// The sequence that it belongs to.
        var sequence: EngineSequence { planned.sequence }
        /// What reads the last token of the sequence's answers.
        var head: ScalarHead? { sequence.request.measurement?.head }
    }

    private(set) var chunks: [Chunk] = []
    /// The rows of a step's batch whose logits are read, in the order of the chunks.
    private(set) var logitRows: [Int] = []
    /// The rows that heads read, in the order of the chunks.
    private(set) var headRows: [Int] = []

    init(_ chunks: [StepPlan.Chunk]) {
        for chunk in chunks { append(chunk) }
    }

    private mutating func append(_ chunk: StepPlan.Chunk) {
        let first = chunks.last?.batchRows.upperBound ?? 0
        let batchRows = first..<first + chunk.count
        let scored = chunk.sequence.scoring(in: chunk.range)
        let scoringRows = appendLogits(scored.map { first + $0 - chunk.range.lowerBound })
        let last = first + chunk.range.count - 1
        let drawnRows = appendLogits(chunk.drawsToken ? Array(last..<batchRows.upperBound) : [])
        let isRead = chunk.isLast && chunk.sequence.request.measurement?.head != nil
        if isRead { headRows.append(last) }
        chunks.append(
            Chunk(
                planned: chunk, batchRows: batchRows, scoredPositions: scored, scoringRows: scoringRows,
                drawnRows: drawnRows, headRow: isRead ? headRows.count - 1 : nil, isLast: chunk.isLast))
    }

    private mutating func appendLogits(_ rows: [Int]) -> Range<Int> {
        logitRows += rows
        return logitRows.count - rows.count..<logitRows.count
    }

    /// What the decoder computes. Its output rows are those whose logits are read, then those that heads read.
    func batch() -> DecoderBatch {
        var batch = DecoderBatch(tokens: [], sequences: [], outputRows: logitRows + headRows)
        for chunk in chunks {
            batch.tokens += chunk.planned.tokens
            batch.sequences.append(
                SequenceSlice(
                    rows: chunk.batchRows, start: chunk.planned.range.lowerBound,
                    blockTable: chunk.sequence.blockTable))
            batch.injections += chunk.injections
            if let adapter = chunk.sequence.request.policy.adapter { batch.append(adapter, for: chunk.batchRows) }
        }
        return batch
    }
}

extension StepLayout.Chunk {
    /// The embeddings of the images in it.
    fileprivate var injections: [DecoderBatch.Injection] {
        zip(sequence.request.images, sequence.imageEmbeddings).compactMap { image, embeddings in
            let shared = image.range.clamped(to: planned.range)
            guard let embeddings, !shared.isEmpty else { return nil }
            let start = shared.lowerBound - image.range.lowerBound
            return DecoderBatch.Injection(
                row: batchRows.lowerBound + shared.lowerBound - planned.range.lowerBound,
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
