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
                [message],
                imageTokens: { _ in Array(repeating: endToken, count: image.tiles.shape[0] * tokensPerTile) },
                tokenizer: tokenizer)
            visual = prompt.imageSpans[0].range
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
