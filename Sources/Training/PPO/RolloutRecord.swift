public import Datasets
import Foundation

/// Some answers of a policy, for people to read: the first question of each image with all its answers.
public struct RolloutRecord: Codable, Sendable, Equatable {
    /// A question with its answers.
    public struct Question: Codable, Sendable, Equatable {
        /// The image of the question.
        public let image: PreferenceImage
        /// The question's text.
        public let question: String
        /// The answers, in the order of their seeds.
        public let answers: [Answer]

        private enum CodingKeys: String, CodingKey {
            case question, answers
            case image = "picture"
        }
    }

    /// An answer.
    public struct Answer: Codable, Sendable, Equatable {
        /// The answer without its end token.
        public let text: String
        /// The score, including the penalty for a missing end.
        public let score: Double
        /// Σ log π - log π_ref over the answer's tokens, in nats.
        public let divergence: Double
        /// Whether the answer ended with its end token.
        public let ended: Bool
    }

    /// The step of the log; an iteration's own answers count from 1.
    public let iteration: Int
    /// The questions, one for each image.
    public let questions: [Question]

    /// - Parameters:
    ///   - scores: the answers' scores.
    ///   - logProbs: the log-probabilities of all tokens under the policy, in nats.
    ///   - reference: the log-probabilities of all tokens under the reference, in nats.
    init(iteration: Int, batch: AnswerBatch, scores: [Double], logProbs: [Float], reference: [Float]) {
        self.iteration = iteration
        let logProbs = batch.byAnswer(logProbs)
        let reference = batch.byAnswer(reference)
        var first = 0
        questions = batch.images.map { image in
            defer { first += image.questions.reduce(0) { $0 + $1.answers.count } }
            let question = image.questions[0]
            return Question(
                image: image.prompts.reference, question: question.text,
                answers: question.answers.enumerated().map { index, answer in
                    let position = first + index
                    return Answer(
                        text: answer.text, score: scores[position],
                        divergence: zip(logProbs[position], reference[position]).reduce(0) { $0 + $1.0 - $1.1 },
                        ended: answer.ended)
                })
        }
    }

    /// The record as indented JSON.
    public func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
