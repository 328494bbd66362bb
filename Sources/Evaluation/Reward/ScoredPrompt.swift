public import Datasets

/// A question with sampled answers, and what judge and reward model say of each.
public struct ScoredPrompt: Codable, Sendable, Equatable {
    /// One of the answers.
    public struct Answer: Codable, Sendable, Equatable {
        /// As it was sent.
        public let text: String
        /// Whether it was given to another image.
        public let isDistractor: Bool
        /// The gold judge's.
        public let verdict: Verdict
        /// The reward model's scalar.
        public let reward: Double
        /// The same with a blank image.
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
    /// In the order of their sampling seeds.
    public let answers: [Answer]

    package init(family: Family, seed: UInt64, question: String, answers: [Answer]) {
        self.family = family
        self.seed = seed
        self.question = question
        self.answers = answers
    }

    /// The same without the answers that were given to another image.
    var withoutDistractors: ScoredPrompt {
        ScoredPrompt(family: family, seed: seed, question: question, answers: answers.filter { !$0.isDistractor })
    }

    /// Every two different answers of which the judge prefers one, that one first. Equal texts count once.
    var pairs: [(better: Answer, worse: Answer)] {
        var distinct: [Answer] = []
        for answer in answers where !distinct.contains(where: { $0.text == answer.text }) { distinct.append(answer) }
        return distinct.flatMap { one in
            distinct.filter { $0.verdict.score < one.verdict.score }.map { (one, $0) }
        }
    }
}

extension Verdict {
    /// Whether this one is right, the other one wrong, and nothing else differs that a score counts.
    func differsInCorrectnessOnly(from other: Verdict) -> Bool {
        correctness == .right && other.correctness == .wrong
            && absentThings.count == other.absentThings.count && obeysForm == other.obeysForm
            && endsProperly == other.endsProperly && needlessWords == other.needlessWords
    }
}
