import Models
import Policies
import Tensors

/// One chunk of a step with its logits and its head's score.
struct ChunkOutput {
    let chunk: StepPlan.Chunk
    /// The positions whose logits give the log-probability of the given token after each of them.
    let scoredPositions: Range<Int>
    /// The logits of `scoredPositions`, `[positions, vocabulary]`.
    let scoringLogits: Tensor
    /// The logits to draw tokens from, `[1 + guesses, vocabulary]`: the row of the last position, and the rows of the
    /// guesses after it. No rows if no token is drawn.
    let drawingLogits: Tensor
    /// The scalar of the head that scores the answer; nil if no head reads this chunk.
    let headScore: Float?
    /// The last hidden states of the positions that an embedding needs, `[positions, hidden]`.
    let hiddenStates: Tensor

    /// The sequence that the chunk belongs to.
    var sequence: EngineSequence { chunk.sequence }
}

/// Computes the scheduler's chunks side by side in one batch. It also holds the image encoder.
struct ModelRunner {
    let decoder: TransformerDecoder
    let cache: KVCache
    var images: ImageEncoder

    /// A runner with an empty KV cache.
    init(decoder: TransformerDecoder, cache: KVCache, images: ImageEncoder) {
        self.decoder = decoder
        self.cache = cache
        self.images = images
    }

    /// Computes the positions of a step. The outputs are in the order of the chunks.
    func run(_ chunks: [StepPlan.Chunk]) -> [ChunkOutput] {
        var placed: [PlacedChunk] = []
        for chunk in chunks { placed.append(PlacedChunk(chunk, at: placed.last?.rows.upperBound ?? 0)) }
        let logitRows = placed.flatMap { $0.scoringRows + $0.drawingRows }
        let headRows = placed.compactMap { $0.headRow }
        let embeddedRows = placed.flatMap { $0.embeddedRows }
        let hidden = decoder.hiddenStates(
            DecoderBatch(placed, outputRows: logitRows + headRows + embeddedRows), cache: cache)
        // The rows of an output are in the order of `outputRows`, so each chunk takes its rows from the front.
        var logits = RowQueue(decoder.logits(of: hidden.rows(0..<logitRows.count)))
        let headEnd = logitRows.count + headRows.count
        var headStates = RowQueue(hidden.rows(logitRows.count..<headEnd))
        var embeddedStates = RowQueue(hidden.rows(headEnd..<headEnd + embeddedRows.count))
        return placed.map { placed in
            ChunkOutput(
                chunk: placed.chunk, scoredPositions: placed.scoredPositions,
                scoringLogits: logits.next(placed.scoringRows.count),
                drawingLogits: logits.next(placed.drawingRows.count),
                headScore: placed.head.map { $0.scores(headStates.next(1), on: decoder.compute)[0] },
                hiddenStates: embeddedStates.next(placed.embeddedRows.count))
        }
    }

    /// The tokens of each output: given tokens with their log-probabilities, and the first drawn token. The drawn token
    /// is nil if none is drawn, or if its logit is not finite.
    ///
    /// Reading a row of logits takes as long as several layers do for one position, so all threads share the rows. The
    /// rows after guesses are left out: they are needed only if the guess is right.
    func readTokens(of outputs: [ChunkOutput]) -> [(scored: [GeneratedToken], drawn: GeneratedToken?)] {
        let readings = outputs.enumerated().flatMap { index, output in
            output.readings(on: decoder.compute).map { (index, $0) }
        }
        let tokens = decoder.compute.map(readings) { $0.1() }
        var read = outputs.map { _ in (scored: [GeneratedToken](), drawn: GeneratedToken?.none) }
        for ((index, _), token) in zip(readings, tokens) {
            if read[index].scored.count < outputs[index].scoredPositions.count, let token {
                read[index].scored.append(token)
            } else {
                read[index].drawn = token
            }
        }
        return read
    }
}

/// Hands out the rows of a tensor from the front.
private struct RowQueue {
    private let rows: Tensor
    private var first = 0

    init(_ rows: Tensor) {
        self.rows = rows
    }

    mutating func next(_ count: Int) -> Tensor {
        defer { first += count }
        return rows.rows(first..<first + count)
    }
}

/// A chunk with its rows in a batch.
private struct PlacedChunk {
    let chunk: StepPlan.Chunk
    /// The rows of its positions, guesses included.
    let rows: Range<Int>
    let scoredPositions: Range<Int>

    init(_ chunk: StepPlan.Chunk, at first: Int) {
        self.chunk = chunk
        rows = first..<first + chunk.count
        scoredPositions = chunk.sequence.scoredPositions(in: chunk.range)
    }

    /// The row of its last position before the guesses.
    private var lastRow: Int { rows.lowerBound + chunk.range.count - 1 }

    var scoringRows: [Int] { scoredPositions.map { rows.lowerBound + $0 - chunk.range.lowerBound } }

    var drawingRows: [Int] { chunk.isLast && chunk.sequence.drawsTokens ? Array(lastRow..<rows.upperBound) : [] }

    /// The rows whose hidden states an embedding needs.
    var embeddedRows: [Int] {
        chunk.sequence.embeddedPositions(in: chunk.range).map { rows.lowerBound + $0 - chunk.range.lowerBound }
    }

    /// The head that reads the hidden state of its last position.
    var head: ScalarHead? { chunk.isLast ? chunk.sequence.head : nil }

    var headRow: Int? { head == nil ? nil : lastRow }

    /// The embeddings of the chunk's images.
    var injections: [DecoderBatch.Injection] {
        zip(chunk.sequence.request.images, chunk.sequence.imageEmbeddings).compactMap { image, embeddings in
            let shared = image.range.clamped(to: chunk.range)
            guard let embeddings, !shared.isEmpty else { return nil }
            let start = shared.lowerBound - image.range.lowerBound
            return DecoderBatch.Injection(
                row: rows.lowerBound + shared.lowerBound - chunk.range.lowerBound,
                embeddings: embeddings.rows(start..<start + shared.count))
        }
    }
}

extension DecoderBatch {
    fileprivate init(_ chunks: [PlacedChunk], outputRows: [Int]) {
        self.init(tokens: [], sequences: [], outputRows: outputRows)
        for placed in chunks {
            let sequence = placed.chunk.sequence
            tokens += placed.chunk.tokens
            sequences.append(
                SequenceSlice(
                    rows: placed.rows, start: placed.chunk.range.lowerBound, blockTable: sequence.blockTable))
            injections += placed.injections
            if let adapter = sequence.request.policy.adapter { append(adapter, for: placed.rows) }
        }
    }

    /// Assigns `rows` to `adapter`, and extends the run of rows before if it uses the same adapter.
    private mutating func append(_ adapter: ServingAdapter, for rows: Range<Int>) {
        if let last = adapters.last, last.adapter === adapter, last.rows.upperBound == rows.lowerBound {
            adapters[adapters.count - 1].rows = last.rows.lowerBound..<rows.upperBound
        } else {
            adapters.append(AdapterRows(rows: rows, adapter: adapter))
        }
    }
}

extension ChunkOutput {
    /// The tokens to read from the logits: each given token, then the first drawn token.
    fileprivate func readings(on compute: Compute) -> [() -> GeneratedToken?] {
        var readings: [() -> GeneratedToken?] = scoredPositions.enumerated().map { row, position in
            { sequence.logprob(ofTokenAt: position + 1, by: scoringLogits.elements(ofRow: row)) }
        }
        if drawingLogits.rows > 0 {
            readings.append { sequence.draw(from: drawingLogits.elements(ofRow: 0), on: compute) }
        }
        return readings
    }
}

extension EngineSequence {
    /// The given token at a position, with its log-probability under the logits of the position before.
    fileprivate func logprob(ofTokenAt position: Int, by logits: [Float]) -> GeneratedToken {
        Sampler.logprobs(logits, token: tokens[position], top: request.topLogprobs ?? 0)
    }

    /// The next token of the answer; nil if its logit is not finite.
    func draw(from logits: [Float], on compute: Compute) -> GeneratedToken? {
        let id = drawToken(from: logits, on: compute)
        guard logits[Int(id)].isFinite else { return nil }
        return request.topLogprobs.map { Sampler.logprobs(logits, token: id, top: $0) } ?? GeneratedToken(id: id)
    }
}
