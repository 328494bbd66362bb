import Models
import Tensors

/// The rows of one pass over answered pictures: trees of picture, questions and answers. Each answer's tokens are
/// predicted by the rows before them; a question's last row predicts the first token of all of its answers.
struct AnswerRows: Sendable {
    private(set) var rows = PackedRows()
    /// The rows that predict, in the order of the answers' tokens, and what they predict.
    private(set) var outputs: [Int] = []
    private(set) var targets: [Int32] = []
    private var pictures: [(row: Int, embeddings: Tensor)] = []

    init(_ pictures: some Sequence<AnsweredPicture>) {
        for picture in pictures { append(picture) }
    }

    /// How many rows `picture` takes.
    static func count(of picture: AnsweredPicture) -> Int {
        picture.prefix.count
            + picture.questions.reduce(0) { sum, question in
                sum + question.prompt.count + question.answers.reduce(0) { $0 + $1.tokens.count - 1 }
            }
    }

    private mutating func append(_ picture: AnsweredPicture) {
        let prefix = rows.append(picture.prefix)
        pictures.append((prefix.rows.lowerBound + picture.visual.lowerBound, picture.embeddings))
        for question in picture.questions {
            let prompt = rows.append(question.prompt, after: prefix)
            for answer in question.answers {
                outputs.append(prompt.rows.upperBound - 1)
                // The last token is predicted only, so it has no row.
                if answer.tokens.count > 1 {
                    outputs += rows.append(answer.tokens.dropLast(), after: prompt).rows
                }
                targets += answer.tokens
            }
        }
    }

    /// What the decoder reads: tokens' embeddings, and the pictures' where they are.
    func embeddings(in base: FrozenDecoder) -> Tensor {
        var embeddings = base.embeddings(of: rows.tokens)
        for picture in pictures { embeddings.replaceRows(from: picture.row, with: picture.embeddings) }
        return embeddings
    }
}
