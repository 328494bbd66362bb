import Datasets
import Models
public import Tensors
import Tokenizers

/// An image with questions and their right answers.
public struct ImageQuestions: Sendable {
    /// A question and its demonstrated answer.
    public struct Question: Sendable, Equatable {
        /// The question, as a person would type it.
        public var text: String
        /// The complete answer.
        public var answer: String
        /// The group under which its accuracy is reported.
        public var group: String

        /// A question with its answer.
        public init(text: String, answer: String, group: String) {
            self.text = text
            self.answer = answer
            self.group = group
        }
    }

    /// The image's tiles, `[tiles, 3, side, side]`.
    public var tiles: Tensor
    /// The questions; at least one.
    public var questions: [Question]

    /// An image with its questions.
    public init(tiles: Tensor, questions: [Question]) {
        self.tiles = tiles
        self.questions = questions
    }
}

/// An image's questions as token ids, split where the questions diverge.
struct ImageTree: Sendable {
    struct Branch: Sendable {
        /// The prompt after the image.
        let prompt: [Int32]
        /// The answer, including the end token.
        let answer: [Int32]
        /// The group under which its accuracy is reported.
        let group: String
    }

    /// The prompt up to and with the image.
    let prefix: [Int32]
    /// The image's rows of the prefix.
    let visual: Range<Int>
    let tiles: Tensor
    let branches: [Branch]

    /// Renders each question exactly as in serving, then splits the prompts after the image.
    ///
    /// - Parameter tokensPerView: the number of visual tokens of a tile.
    init(
        _ image: ImageQuestions, tokensPerTile: Int, template: ChatTemplate, tokenizer: Tokenizer, endToken: Int32
    ) throws(ChatTemplateError) {
        var prefix: [Int32] = []
        var visual = 0..<0
        var branches: [Branch] = []
        for question in image.questions {
            let message = ChatMessage(role: .user, content: [.image(0), .text(question.text)])
            let prompt = try template.render(
                [message], images: [.bare(tiles: image.tiles.shape[0], tokens: tokensPerTile)], imageToken: endToken,
                tokenizer: tokenizer)
            visual = prompt.imageRange
            prefix = Array(prompt.ids[..<visual.upperBound])
            branches.append(
                Branch(
                    prompt: Array(prompt.ids[visual.upperBound...]),
                    answer: tokenizer.encode(question.answer, special: .asText) + [endToken],
                    group: question.group))
        }
        self.prefix = prefix
        self.visual = visual
        self.tiles = image.tiles
        self.branches = branches
    }
}

/// The rows of one step: trees of images with questions and answers, followed by a replay text.
struct DemonstrationBatch: Sendable {
    private(set) var trees = AnswerTrees()
    private var imageTiles: [Tensor] = []
    /// The group under which each answer's accuracy is reported.
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
        // A row has the weight of the token that it predicts; the token after the last row is unknown.
        replayWeights = excerpt.weights.dropFirst() + [1]
    }

    /// The tiles of all images, `[tiles, 3, side, side]`.
    var tiles: Tensor {
        let side = imageTiles[0].shape[2]
        return Tensor.stacking(imageTiles).reshaped([imageTiles.reduce(0) { $0 + $1.shape[0] }, 3, side, side])
    }
}
