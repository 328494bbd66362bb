import Models
import Tensors

/// The rows of one pass over answered images: trees of image, questions and answers. Each row of an answer predicts the
/// next token; a question's last row predicts the first token of all its answers.
struct AnswerRows: Sendable {
    private(set) var rows = PackedRows()
    /// The predicting rows, in the order of the answers' tokens, and the tokens that they predict.
    private(set) var outputs: [Int] = []
    private(set) var targets: [Int32] = []
    private var images: [(row: Int, embeddings: Tensor)] = []

    init(_ images: some Sequence<AnsweredImage>) {
        for image in images { append(image) }
    }

    /// The number of rows of `image`.
    static func count(of image: AnsweredImage) -> Int {
        image.prefix.count
            + image.questions.reduce(0) { sum, question in
                sum + question.prompt.count + question.answers.reduce(0) { $0 + $1.tokens.count - 1 }
            }
    }

    private mutating func append(_ image: AnsweredImage) {
        let prefix = rows.append(image.prefix)
        images.append((prefix.rows.lowerBound + image.visual.lowerBound, image.embeddings))
        for question in image.questions {
            let prompt = rows.append(question.prompt, after: prefix)
            for answer in question.answers {
                outputs.append(prompt.rows.upperBound - 1)
                // The last token is only predicted, so it has no row.
                if answer.tokens.count > 1 {
                    outputs += rows.append(answer.tokens.dropLast(), after: prompt).rows
                }
                targets += answer.tokens
            }
        }
    }

    /// The decoder's input: embeddings of tokens and, at their rows, of images.
    func embeddings(in base: FrozenDecoder) -> Tensor {
        var embeddings = base.embeddings(of: rows.tokens)
        for image in images { embeddings.replaceRows(from: image.row, with: image.embeddings) }
        return embeddings
    }
}
