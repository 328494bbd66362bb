import Datasets
import Models
public import Tensors
public import Tokenizers

/// The language model's input embeddings of the words for what images show: the connector's training targets.
public struct WordEmbeddings: Sendable {
    /// A word that a visual token can represent; forms and characters come first.
    enum Word: Hashable {
        case kind(SceneObject.Kind)
        case colour(SceneColour)
        case large, small
        case left, right, top, bottom, middle
        case background
        /// The end of a row of tokens.
        case lineEnd
        /// The number of things in an image.
        case total(Int)
        /// The number of things with a thing's kind and colour.
        case twins(Int)
        /// The number of things with its kind.
        case kindCount(Int)
        /// The number of things with its colour.
        case colourCount(Int)
        /// A character of a text.
        case character(Unicode.Scalar)

        /// All words but the characters of texts, in the order of the table's rows.
        static let all: [Word] =
            kinds.map(Word.kind) + SceneColour.allCases.map(Word.colour)
            + [.large, .small, .left, .right, .top, .bottom, .middle, .background, .lineEnd]
            + (0...VisionHead.maximumCounted).flatMap { [.total($0), .twins($0), .kindCount($0), .colourCount($0)] }

        private static let numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        private static let ordinals = [
            "none", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        ]

        /// The kinds of things: forms, then digits.
        static let kinds: [SceneObject.Kind] =
            SceneShape.allCases.map(SceneObject.Kind.shape) + (0...9).map { SceneObject.Kind.glyph(String($0)) }

        /// The word as in a sentence, after a space; digits are tokens of their own.
        var text: String {
            switch self {
            case .kind(.shape(let shape)): " " + shape.rawValue
            case .kind(.glyph(let character)): character
            case .colour(let colour): " " + colour.rawValue
            // The three counts of one thing differ in the form of the numeral.
            case .twins(let count): "\(count)"
            case .kindCount(let count), .total(let count): " " + Self.numbers[count]
            case .colourCount(let count): " " + Self.ordinals[count]
            case .character(let scalar): String(scalar)
            case .lineEnd: "\n"
            default: " \(self)"
            }
        }
    }

    /// The number of words without the characters of texts.
    public static let count = Word.all.count

    /// The number of words with the characters of texts.
    package static let countWithText = count + CharacterClass.scalars.count

    /// `[words, width]`; for an encoder that reads, the last rows are the characters of texts.
    public let table: Tensor

    /// The given rows: `[words, width]`, or with the characters of texts in the last rows.
    public init(table: Tensor) {
        precondition(
            [Self.count, Self.countWithText].contains(table.rows),
            "\(table.shape) for \(Self.count) words")
        self.table = table
    }

    /// Each word's row is the mean over its tokens of `embeddings`, `[vocabulary, width]`.
    public init(embeddings: Tensor, tokenizer: Tokenizer) {
        let width = embeddings.columns
        var elements: [Float] = []
        let words = Word.all + CharacterClass.scalars.map(Word.character)
        for word in words {
            let tokens = tokenizer.encode(word.text, special: .asText)
            var sum = Array(repeating: Float(0), count: width)
            for token in tokens {
                let row = embeddings.rows(Int(token)..<Int(token) + 1).elements
                for column in 0..<width { sum[column] += row[column] }
            }
            elements += sum.map { $0 / Float(tokens.count) }
        }
        self.init(table: Tensor(elements, shape: [words.count, width]))
    }

    private static let rows = Dictionary(uniqueKeysWithValues: Word.all.enumerated().map { ($1, $0) })

    /// The row of a word in `table`; nil for the kind of a written character other than a digit.
    static func row(of word: Word) -> Int? {
        guard case .character(let scalar) = word else { return rows[word] }
        return CharacterClass.number(of: scalar).map { count + Int($0) - 1 }
    }
}
