import Tensors

/// What one step computes: layers of images on their way through the encoder, then one ragged batch of positions.
package struct StepPlan {
    /// A piece of a sequence's positions.
    package struct Chunk {
        package let sequence: EngineSequence
        /// Positions `[computed, computed + n)` of the sequence.
        package let range: Range<Int>
        /// Guesses at the positions behind its last token.
        package var draft: ArraySlice<Int32> = []

        /// Positions to be computed.
        package var count: Int { range.count + draft.count }

        /// Their tokens.
        package var tokens: [Int32] { Array(sequence.tokens[range] + draft) }

        /// Whether it ends the tokens so far: a token is drawn behind it, or it completes an answer to be scored.
        package var isLast: Bool { range.upperBound == sequence.tokens.count }
    }

    /// Layers of one image of a sequence; none if its embeddings are known, and only have to be fetched.
    package struct ImageSlice {
        package let sequence: EngineSequence
        /// The image's place in the request.
        package let image: Int
        package let key: EmbeddingCache.Key
        package let layers: Int
    }

    package private(set) var slices: [ImageSlice] = []
    package var chunks: [Chunk] = []
    /// What may still be added, in the time that a position at the beginning of a sequence takes.
    package private(set) var budget: Int
    private var plannedLayers: [EmbeddingCache.Key: Int] = [:]

    /// A plan of what takes about as long as `budget` first positions.
    package init(budget: Int) {
        self.budget = budget
    }

    package var isEmpty: Bool { slices.isEmpty && chunks.isEmpty }

    package mutating func append(_ chunk: Chunk, cost: Int) {
        chunks.append(chunk)
        budget -= cost
    }

    package mutating func add(_ draft: ArraySlice<Int32>, to index: Int) {
        chunks[index].draft = draft
        budget -= draft.count
    }

    /// Plans layers of an image for about `room` positions' time, one at least, unless this step plans them already.
    ///
    /// - Returns: the positions that would have taken as long, and whether the image is whole then.
    package mutating func append(
        _ image: Int, of sequence: EngineSequence, _ work: ImageWork, room: Int
    ) -> (cost: Int, isWhole: Bool) {
        let left = work.layers - plannedLayers[work.key, default: 0]
        let layers = budget > 0 ? min(left, max(1, room / work.layerCost)) : 0
        plannedLayers[work.key, default: 0] += layers
        if layers > 0 || left == 0 {
            slices.append(ImageSlice(sequence: sequence, image: image, key: work.key, layers: layers))
        }
        budget -= layers * work.layerCost
        return (layers * work.layerCost, layers == left)
    }
}

/// What is left to do until an image's embeddings are there.
package struct ImageWork {
    package let key: EmbeddingCache.Key
    /// Layers; 0 if the embeddings are known.
    package let layers: Int
    /// The positions of text that take about as long as a layer.
    package let layerCost: Int

    package init(key: EmbeddingCache.Key, layers: Int, layerCost: Int) {
        self.key = key
        self.layers = layers
        self.layerCost = layerCost
    }
}
