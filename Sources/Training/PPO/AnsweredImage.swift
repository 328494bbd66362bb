public import Tensors

/// An image with the answers that a policy gave to its questions, as token ids split where prompts and answers part.
public struct AnsweredImage: Sendable {
    /// A question and its answers.
    public struct Question: Sendable {
        /// As it was asked.
        public let text: String
        /// The prompt after the image.
        let prompt: [Int32]
        /// In the order of their seeds.
        public let answers: [SampledAnswer]
    }

    /// What was asked.
    public let prompts: ImagePrompts
    /// The prompt up to and with the image.
    let prefix: [Int32]
    /// The image's rows of the prefix.
    let visual: Range<Int>
    /// What the decoder reads there, `[visual tokens, hidden]`.
    public let embeddings: Tensor
    /// In the image's order.
    public let questions: [Question]
}

/// An answer as it was drawn.
public struct SampledAnswer: Sendable, Equatable {
    /// All tokens, the end token among them if it came to one.
    public let tokens: [Int32]
    /// What a reader sees of it.
    public let text: String
    /// The log-probability of each token in the engine's own arithmetic, in nats. Only to be compared: what training
    /// computes is another rounding, and a ratio to it would look like a step.
    public let logProbs: [Float]
    /// Whether it came to its end token.
    public let ended: Bool

    /// An answer; at least one token.
    public init(tokens: [Int32], text: String, logProbs: [Float], ended: Bool) {
        precondition(!tokens.isEmpty && tokens.count == logProbs.count, "\(tokens.count) tokens")
        self.tokens = tokens
        self.text = text
        self.logProbs = logProbs
        self.ended = ended
    }
}
