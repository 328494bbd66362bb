import Models
import Tensors

/// Executes what the scheduler planned: encodes images, computes a laid-out batch, and returns what is read: logits
/// where given tokens are scored or one is drawn, and the hidden states that heads read.
struct ModelRunner {
    /// What one step gives; `StepLayout.Chunk` says which rows are whose.
    struct Outputs {
        /// `[logit rows, vocabulary]`.
        let logits: Tensor
        /// `[head rows, hidden]`.
        let headStates: Tensor

        /// What the chunk's head reads; nil if it has none.
        func score(of chunk: StepLayout.Chunk, on compute: Compute) -> Float? {
            guard let head = chunk.head, let row = chunk.headRow else { return nil }
            return head.scores(headStates.rows(row..<row + 1), on: compute)[0]
        }
    }

    let decoder: TransformerDecoder
    let cache: KVCache
    var images: ImageEncoder

    /// A runner with an empty KV cache.
    init(decoder: TransformerDecoder, cache: KVCache, images: ImageEncoder) {
        self.decoder = decoder
        self.cache = cache
        self.images = images
    }

    /// Computes the positions of a step.
    func run(_ step: StepLayout) -> Outputs {
        let hidden = decoder.hiddenStates(step.batch(), cache: cache)
        let logits = step.logitRows.count
        return Outputs(
            logits: decoder.logits(of: hidden.rows(0..<logits)),
            headStates: hidden.rows(logits..<logits + step.headRows.count))
    }
}
