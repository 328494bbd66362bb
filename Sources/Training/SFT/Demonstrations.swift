public import Tensors
import Tokenizers

/// A picture with questions and their right answers.
public struct PictureQuestions: Sendable {
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

    /// The picture's views, `[views, 3, side, side]`.
    public var views: Tensor
    /// The questions; at least one.
    public var questions: [Question]

    /// A picture.
    public init(views: Tensor, questions: [Question]) {
        self.views = views
        self.questions = questions
    }
}

/// A picture's questions as token ids, split where the questions part.
struct PictureTree: Sendable {
    struct Branch: Sendable {
        /// The prompt after the picture.
        let prompt: [Int32]
        /// The answer and the end token.
        let answer: [Int32]
        /// What its accuracy is reported under.
        let group: String
    }

    /// The prompt up to and with the picture.
    let prefix: [Int32]
    /// The picture's rows of the prefix.
    let visual: Range<Int>
    let views: Tensor
    let branches: [Branch]

    /// Renders each question exactly as it is served, then cuts the prompts behind the picture.
    ///
    /// - Parameter tokensPerView: visual tokens of a view.
    init(
        _ picture: PictureQuestions, tokensPerView: Int, template: ChatTemplate, tokenizer: Tokenizer, endToken: Int32
    ) throws(ChatTemplateError) {
        var prefix: [Int32] = []
        var visual = 0..<0
        var branches: [Branch] = []
        for question in picture.questions {
            let message = ChatMessage(role: .user, content: [.image(0), .text(question.text)])
            let prompt = try template.render(
                [message],
                imageTokens: { _ in Array(repeating: endToken, count: picture.views.shape[0] * tokensPerView) },
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
        self.views = picture.views
        self.branches = branches
    }
}
