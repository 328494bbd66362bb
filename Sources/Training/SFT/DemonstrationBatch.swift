import Datasets
import Models
import Tensors

/// The rows of one step: trees of images with questions and answers, followed by a replay text.
struct DemonstrationBatch: Sendable {
    /// The range of an answer among the predictions.
    struct Answer: Sendable {
        let predictions: Range<Int>
        let group: String
    }

    private(set) var rows = PackedRows()
    /// The rows of each image's visual tokens.
    private(set) var images: [Range<Int>] = []
    private var imageTiles: [Tensor] = []
    /// The rows whose next token is trained, and these tokens.
    private(set) var outputs: [Int] = []
    private(set) var targets: [Int32] = []
    private(set) var answers: [Answer] = []
    /// The rows of the replay text, which are all trained towards the base model.
    private(set) var replay: Range<Int>?
    /// The weight of each replay row.
    private(set) var replayWeights: [Float] = []

    /// Adds an image and its questions.
    mutating func append(_ tree: ImageTree) {
        let prefix = rows.append(tree.prefix)
        let first = prefix.rows.lowerBound
        images.append(first + tree.visual.lowerBound..<first + tree.visual.upperBound)
        imageTiles.append(tree.tiles)
        for branch in tree.branches {
            let predictions = append(prompt: branch.prompt, reply: branch.answer, after: prefix)
            answers.append(Answer(predictions: predictions, group: branch.group))
        }
    }

    /// Adds a text; images must be added before it.
    mutating func append(replay excerpt: ReplayExcerpt) {
        replay = rows.append(excerpt.tokens).rows
        // A row has the weight of the token that it predicts; the token after the last one is unknown.
        replayWeights = excerpt.weights.dropFirst() + [1]
    }

    /// Adds the rows that predict `reply`. Its last token is only predicted, so it has no row.
    private mutating func append(prompt: [Int32], reply: [Int32], after parent: PackedRows.Node) -> Range<Int> {
        let node = rows.append(prompt + reply.dropLast(), after: parent)
        let first = node.rows.lowerBound + prompt.count - 1
        let start = outputs.count
        outputs += first..<first + reply.count
        targets += reply
        return start..<outputs.count
    }

    /// The tiles of all images, `[tiles, 3, side, side]`.
    var tiles: Tensor {
        let side = imageTiles[0].shape[2]
        return Tensor.stacking(imageTiles).reshaped([imageTiles.reduce(0) { $0 + $1.shape[0] }, 3, side, side])
    }
}
