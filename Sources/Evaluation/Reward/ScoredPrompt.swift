public import Datasets

/// A question with sampled answers, scored by the judge and the reward model.
public struct ScoredPrompt: Codable, Sendable, Equatable {
    /// One of the answers.
    public struct Answer: Codable, Sendable, Equatable {
        /// The text as the server sent it.
        public let text: String
        /// Whether it answers the question about another image.
        public let isDistractor: Bool
        /// The gold judge's verdict.
        public let verdict: Verdict
        /// The reward model's score.
        public let reward: Double
        /// The reward model's score with a blank image.
        public let blind: Double

        package init(text: String, isDistractor: Bool = false, verdict: Verdict, reward: Double, blind: Double) {
            self.text = text
            self.isDistractor = isDistractor
            self.verdict = verdict
            self.reward = reward
            self.blind = blind
        }

        private enum CodingKeys: String, CodingKey {
            case text, verdict, reward, blind
            case isDistractor = "isStray"
        }
    }

    /// The question's family.
    public let family: Family
    /// The image's seed.
    public let seed: UInt64
    /// The question.
    public let question: String
    /// The answers, in the order of their sampling seeds.
    public let answers: [Answer]

    package init(family: Family, seed: UInt64, question: String, answers: [Answer]) {
        self.family = family
        self.seed = seed
        self.question = question
        self.answers = answers
    }

    /// The question without its distractors.
    var withoutDistractors: ScoredPrompt {
        ScoredPrompt(family: family, seed: seed, question: question, answers: answers.filter { !$0.isDistractor })
    }

    /// All pairs of different answers of which the judge prefers one, the better one first. Equal texts count once.
    var pairs: [(better: Answer, worse: Answer)] {
        var distinct: [Answer] = []
        for answer in answers where !distinct.contains(where: { $0.text == answer.text }) { distinct.append(answer) }
        return distinct.flatMap { one in
            distinct.filter { $0.verdict.score < one.verdict.score }.map { (one, $0) }
        }
    }
}

extension Verdict {
    /// Whether this verdict is right, `other` is wrong, and both are equal in everything else that the score counts.
    func differsInCorrectnessOnly(from other: Verdict) -> Bool {
        correctness == .right && other.correctness == .wrong
            && absentThings.count == other.absentThings.count && obeysForm == other.obeysForm
            && endsProperly == other.endsProperly && needlessWords == other.needlessWords
    }
}
