import Models
import Tensors

/// The rows of one forward pass over trees of an image, questions about it, and their answers. An image is computed
/// once for all of its questions, and a question once for all of its answers.
///
/// The row before a token predicts it: a question's last row predicts the first token of each of its answers.
struct AnswerTrees: Sendable {
    /// The tokens, and the rows that each row sees.
    private(set) var rows = PackedRows()
    /// The rows of the tiles of all images, in order.
    private(set) var tiles: [Range<Int>] = []
    /// The embeddings of each image's tiles, for images that are already encoded.
    private var embeddings: [Tensor] = []
    /// The rows that predict the answers' tokens, in the order of the tokens.
    private(set) var predictors: [Int] = []
    /// The tokens of all answers.
    private(set) var targets: [Int32] = []
    /// The indices of each answer's tokens in `targets`.
    private(set) var answers: [Range<Int>] = []
    /// The last row of each answer that was appended with its end.
    private(set) var ends: [Int] = []

    /// Begins a tree with the prompt up to and with its image.
    ///
    /// - Parameters:
    ///   - tiles: the rows of each of the image's tiles in `prefix`.
    ///   - embeddings: the embeddings of these rows, `[visual tokens, hidden]`; nil if an encoder in training computes
    ///     them.
    mutating func append(image prefix: [Int32], tiles: [Range<Int>], embeddings: Tensor?) -> PackedRows.Node {
        let node = rows.append(prefix)
        let first = node.rows.lowerBound
        self.tiles += tiles.map { first + $0.lowerBound..<first + $0.upperBound }
        if let embeddings { self.embeddings.append(embeddings) }
        return node
    }

    /// Adds the prompt after the image; without an image it begins a tree.
    mutating func append(question: [Int32], after image: PackedRows.Node?) -> PackedRows.Node {
        rows.append(question, after: image)
    }

    /// Adds an answer to a question.
    ///
    /// - Parameter withEnd: whether its last token has a row too, for reading the hidden state. It predicts nothing.
    mutating func append(answer: [Int32], after question: PackedRows.Node, withEnd: Bool) {
        predictors.append(question.rows.upperBound - 1)
        if withEnd {
            let node = rows.append(answer, after: question)
            predictors += node.rows.dropLast()
            ends.append(node.rows.upperBound - 1)
        } else if answer.count > 1 {
            predictors += rows.append(answer.dropLast(), after: question).rows
        }
        addTargets(answer)
    }

    /// Adds a question and its only answer as one node; the answer's last token has no row.
    mutating func append(question: [Int32], onlyAnswer answer: [Int32], after image: PackedRows.Node) {
        let node = rows.append(question + answer.dropLast(), after: image)
        predictors += node.rows.suffix(answer.count)
        addTargets(answer)
    }

    /// Adds a text as a tree of its own, without answers.
    mutating func append(text: [Int32]) -> Range<Int> {
        rows.append(text).rows
    }

    private mutating func addTargets(_ answer: [Int32]) {
        answers.append(targets.count..<targets.count + answer.count)
        targets += answer
    }

    /// The embeddings of all images that were given with them, one after the other.
    var encoded: Tensor { Tensor.stacking(embeddings) }

    /// The decoder's input: embeddings of tokens and, at their rows, of images.
    ///
    /// - Parameter visual: the embeddings of all images, one after the other, if they were not given with the images.
    func embeddings(in base: FrozenDecoder, visual: Tensor? = nil) -> Tensor {
        var result = base.embeddings(of: rows.tokens)
        guard !tiles.isEmpty else { return result }
        let visual = visual ?? encoded
        var first = 0
        for tile in tiles {
            result.replaceRows(from: tile.lowerBound, with: visual.rows(first..<first + tile.count))
            first += tile.count
        }
        return result
    }
}
