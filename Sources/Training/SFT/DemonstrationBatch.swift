import Datasets
import Models
import Tensors

/// The rows of one step: trees of images with questions and answers, followed by a replay text.
struct DemonstrationBatch: Sendable {
    private(set) var trees = AnswerTrees()
    private var imageTiles: [Tensor] = []
    /// Which metrics each answer counts for.
    private(set) var groups: [String] = []
    /// The rows of the replay text, which are all trained towards the base model.
    private(set) var replay: Range<Int>?
    /// The weight of each replay row.
    private(set) var replayWeights: [Float] = []

    /// Adds an image and its questions.
    mutating func append(_ tree: ImageTree) {
        let prefix = trees.append(image: tree.prefix, visual: tree.visual, embeddings: nil)
        imageTiles.append(tree.tiles)
        for branch in tree.branches {
            trees.append(question: branch.prompt, onlyAnswer: branch.answer, after: prefix)
            groups.append(branch.group)
        }
    }

    /// Adds a text; images must be added before it.
    mutating func append(replay excerpt: ReplayExcerpt) {
        replay = trees.append(text: excerpt.tokens)
        // A row counts as much as the token that it predicts; the token after the last row is not known.
        replayWeights = excerpt.weights.dropFirst() + [1]
    }

    /// The tiles of all images, `[tiles, 3, side, side]`.
    var tiles: Tensor {
        let side = imageTiles[0].shape[2]
        return Tensor.stacking(imageTiles).reshaped([imageTiles.reduce(0) { $0 + $1.shape[0] }, 3, side, side])
    }
}
