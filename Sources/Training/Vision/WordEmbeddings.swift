import Datasets
public import Tensors
public import Tokenizers

/// The language model's input embeddings of the words for what pictures show: what the connector is trained to output.
public struct WordEmbeddings: Sendable {
    /// The words: three shapes, eight colours, and what lies around them.
    public static let words = Shape.allCases.map(\.rawValue) + Colour.allCases.map(\.rawValue) + ["background"]

    /// `[words, width]`, in the order of `words`.
    public let table: Tensor

    /// The given rows, `[words, width]`.
    public init(table: Tensor) {
        precondition(table.rows == Self.words.count, "\(table.shape) for \(Self.words.count) words")
        self.table = table
    }

    /// Each word's row is the mean over its tokens, with the space before it, of `embeddings` `[vocabulary, width]`.
    public init(embeddings: Tensor, tokenizer: Tokenizer) {
        let width = embeddings.columns
        var elements: [Float] = []
        for word in Self.words {
            let tokens = tokenizer.encode(" " + word, special: .asText)
            var sum = Array(repeating: Float(0), count: width)
            for token in tokens {
                let row = embeddings.rows(Int(token)..<Int(token) + 1).elements
                for column in 0..<width { sum[column] += row[column] }
            }
            elements += sum.map { $0 / Float(tokens.count) }
        }
        self.init(table: Tensor(elements, shape: [Self.words.count, width]))
    }

    /// The row of a shape in `table`.
    static func row(of shape: Shape) -> Int { Shape.allCases.firstIndex(of: shape) ?? 0 }

    /// The row of a colour.
    static func row(of colour: Colour) -> Int { Shape.allCases.count + (Colour.allCases.firstIndex(of: colour) ?? 0) }

    /// The row of the background.
    static var backgroundRow: Int { words.count - 1 }
}
