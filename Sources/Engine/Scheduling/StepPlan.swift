import Tensors

/// The work of one step: layers of images in the encoder, then one ragged batch of positions.
package struct StepPlan {
    /// A range of a sequence's positions.
    package struct Chunk {
        package let sequence: EngineSequence
        /// Positions `[computed, computed + n)` of the sequence.
        package let range: Range<Int>
        /// Guesses at the tokens after the last one.
        package var draft: ArraySlice<Int32> = []

        /// The number of positions to compute.
        package var count: Int { range.count + draft.count }

        /// The tokens of these positions.
        package var tokens: [Int32] { Array(sequence.tokens[range] + draft) }

        /// Whether it reaches the end of the tokens so far: then a token is drawn, or an answer to be scored is
        /// complete.
        package var isLast: Bool { range.upperBound == sequence.tokens.count }
    }

    /// The image layers to compute.
    package private(set) var images: [ImageWork] = []
    package var chunks: [Chunk] = []
    /// The remaining budget. Its unit is the time of a position at the beginning of a sequence.
    package private(set) var budget: Int
    private var plannedLayers: [EmbeddingCache.Key: Int] = [:]

    /// An empty plan with the time of about `budget` positions at the beginning of a sequence.
    package init(budget: Int) {
        self.budget = budget
    }

    package var isEmpty: Bool { images.isEmpty && chunks.isEmpty }

    package mutating func append(_ chunk: Chunk, cost: Int) {
        chunks.append(chunk)
        budget -= cost
    }

    package mutating func add(_ draft: ArraySlice<Int32>, to index: Int) {
        chunks[index].draft = draft
        budget -= draft.count
    }

    /// Plans layers of an image for about the time of `room` positions (at least one layer), unless this step plans
    /// them already.
    ///
    /// - Returns: the number of positions that would take as long, and whether the image is completely encoded then.
    package mutating func append(_ work: ImageWork, room: Int) -> (cost: Int, isWhole: Bool) {
        let left = work.layers - plannedLayers[work.key, default: 0]
        var planned = work
        planned.layers = budget > 0 ? min(left, max(1, room / work.layerCost)) : 0
        plannedLayers[work.key, default: 0] += planned.layers
        if planned.layers > 0 || left == 0 { images.append(planned) }
        let cost = planned.layers * work.layerCost
        budget -= cost
        return (cost, planned.layers == left)
    }
}

/// Layers of one image of a sequence: all layers that it still needs, or the layers of one step.
package struct ImageWork {
    package let sequence: EngineSequence
    /// The image's index in the request.
    package let image: Int
    package let key: EmbeddingCache.Key
    /// 0 if the embeddings are cached and only need to be fetched.
    package fileprivate(set) var layers: Int
    /// The number of text positions that take about as long as a layer.
    package let layerCost: Int

    package init(sequence: EngineSequence, image: Int, key: EmbeddingCache.Key, layers: Int, layerCost: Int) {
        self.sequence = sequence
        self.image = image
        self.key = key
        self.layers = layers
        self.layerCost = layerCost
    }
}
