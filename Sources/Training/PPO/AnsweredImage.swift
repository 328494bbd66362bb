public import Tensors

/// An image with a policy's answers to its questions, as token ids split between prompts and answers.
public struct AnsweredImage: Sendable {
    /// A question and its answers.
    public struct Question: Sendable {
        /// The question's text.
        public let text: String
        /// The prompt after the image.
        let prompt: [Int32]
        /// The answers, in the order of their seeds.
        public let answers: [SampledAnswer]
    }

    /// The image and its questions.
    public let prompts: ImagePrompts
    /// The prompt up to and with the image.
    let prefix: [Int32]
    /// The image's rows of the prefix.
    let visual: Range<Int>
    /// The embeddings of the visual rows, `[visual tokens, hidden]`.
    public let embeddings: Tensor
    /// The questions, in the image's order.
    public let questions: [Question]
}

/// A sampled answer.
public struct SampledAnswer: Sendable, Equatable {
    /// All tokens, including the end token if the answer ended.
    public let tokens: [Int32]
    /// The text without special tokens.
    public let text: String
    /// The log-probability of each token in the engine's own arithmetic, in nats. Used only for comparison: the
    /// training forward pass rounds differently, and a ratio to these numbers would look like a policy update.
    public let logProbs: [Float]
    /// Whether the answer ended with its end token.
    public let ended: Bool

    /// An answer of at least one token.
    public init(tokens: [Int32], text: String, logProbs: [Float], ended: Bool) {
        precondition(!tokens.isEmpty && tokens.count == logProbs.count, "\(tokens.count) tokens")
        self.tokens = tokens
        self.text = text
        self.logProbs = logProbs
        self.ended = ended
    }
}
