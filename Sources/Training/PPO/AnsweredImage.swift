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
    /// The rows of each of the image's tiles in the prefix.
    let tiles: [Range<Int>]
    /// The embeddings of these rows, `[visual tokens, hidden]`.
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

/// The informative questions of an iteration. If all answers to a question are equal, no answer is better than another
/// and the advantages are only the value model's error. More questions are asked than are trained on, and the questions
/// with differing answers are kept (dynamic sampling: Yu et al. 2025, DAPO, §3.2).
package struct InformativeQuestions: Sendable {
    /// The kept questions with their images, in order.
    package let images: [AnsweredImage]
    /// The share of all questions whose answers differ.
    package let share: Double

    /// - Parameters:
    ///   - asked: at least one image. If all answers agree, the first image is kept whole, so that the iteration has
    ///     something to measure.
    ///   - limit: upper bound on the kept questions.
    package init(of asked: [AnsweredImage], limit: Int) {
        precondition(!asked.isEmpty && limit > 0, "no questions")
        var left = limit
        var informative = 0
        var kept: [AnsweredImage] = []
        for image in asked {
            let differing = image.questions.filter { Set($0.answers.map(\.tokens)).count > 1 }
            informative += differing.count
            if left > 0, !differing.isEmpty { kept.append(image.with(Array(differing.prefix(left)))) }
            left -= min(left, differing.count)
        }
        images = kept.isEmpty ? [asked[0]] : kept
        share = Double(informative) / Double(asked.reduce(0) { $0 + $1.questions.count })
    }
}

extension AnsweredImage {
    /// The image with only the given questions.
    fileprivate func with(_ questions: [Question]) -> AnsweredImage {
        AnsweredImage(
            prompts: prompts, prefix: prefix, tiles: tiles, embeddings: embeddings, questions: questions)
    }
}

/// Scores answers: the reward model, or a rule in tests.
public protocol AnswerScorer: Sendable {
    /// A score for each answer, in the order of images, questions and answers, without the penalty for a missing end.
    func scores(of images: [AnsweredImage]) throws -> [Double]
}

/// The reward model as PPO's reward: it reads each answer's score at the last token.
public struct RewardModelScorer: AnswerScorer {
    private let model: RewardModel

    /// A scorer with `model`, which gets the same image embeddings as the policy.
    public init(_ model: RewardModel) {
        self.model = model
    }

    /// The model's rewards.
    public func scores(of images: [AnsweredImage]) throws -> [Double] {
        let prompts = images.flatMap { image in
            image.questions.map { question in
                RankedPrompt(
                    id: question.text, image: image.prompts.reference, prefix: image.prefix,
                    tiles: image.tiles, embeddings: image.embeddings, question: question.prompt,
                    answers: question.answers.map(\.tokens), rankings: [], family: "")
            }
        }
        return model.rewards(of: prompts).flatMap { $0.map(Double.init) }
    }
}
