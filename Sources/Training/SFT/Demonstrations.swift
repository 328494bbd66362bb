public import Tensors
import Tokenizers

/// An image with questions and their right answers.
public struct ImageQuestions: Sendable {
    /// A question and what to answer.
    public struct Question: Sendable, Equatable {
        /// As a person would type it.
        public var text: String
        /// The whole answer.
        public var answer: String
        /// What its accuracy is reported under.
        public var group: String

        /// A question.
        public init(text: String, answer: String, group: String) {
            self.text = text
            self.answer = answer
            self.group = group
        }
    }

    /// The image's tiles, `[views, 3, side, side]`.
    public var tiles: Tensor
    /// The questions; at least one.
    public var questions: [Question]

    /// An image.
    public init(tiles: Tensor, questions: [Question]) {
        self.tiles = tiles
        self.questions = questions
    }
}

/// An image's questions as token ids, split where the questions part.
struct ImageTree: Sendable {
    struct Branch: Sendable {
        /// The prompt after the image.
        let prompt: [Int32]
        /// The answer and the end token.
        let answer: [Int32]
        /// What its accuracy is reported under.
        let group: String
    }

    /// The prompt up to and with the image.
    let prefix: [Int32]
    /// The image's rows of the prefix.
    let visual: Range<Int>
    let tiles: Tensor
    let branches: [Branch]

    /// Renders each question exactly as it is served, then cuts the prompts behind the image.
    ///
    /// - Parameter tokensPerView: visual tokens of a tile.
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
