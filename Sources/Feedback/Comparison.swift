public import Datasets
import Foundation

/// Answers to one dialogue, for people to rank.
public struct Comparison: Sendable, Equatable {
    /// One of the answers.
    public struct Candidate: Sendable, Equatable {
        /// Its id, the same for every labeler.
        public let id: String
        /// The answer.
        public let completion: PreferenceRecord.RankedCompletion
        /// The seed with which the same request to the same policy samples it again; nil if the answer was given.
        public let seed: UInt64?
    }

    /// `cmp_` and 24 hexadecimal digits.
    public let id: String
    /// The Unix time at which it was stored.
    public let created: Int
    /// The dialogue.
    public let prompt: [FeedbackMessage]
    /// 2 to 9 answers, in an order without meaning.
    public let candidates: [Candidate]
    /// How much the answers differ: see `Spread`.
    public let spread: Double
    /// The labeler who asked and who alone may rank; nil: everyone may.
    public let labeler: String?
}

/// A comparison before it is stored.
public struct NewComparison: Sendable {
    /// The dialogue.
    public var prompt: [FeedbackMessage]
    /// 2 to 9 answers, each with its seed, in the order in which they are shown.
    public var answers: [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)]
    /// The seed that the others and the order follow from.
    public var seed: UInt64
    /// How much the answers differ: see `Spread`.
    public var spread: Double
    /// The labeler who asked and who alone may rank; nil: everyone may.
    public var labeler: String?
    /// The prompt of the queue that it is made of.
    public var queued: QueuedPrompt?

    /// A comparison of the given answers.
    public init(
        prompt: [FeedbackMessage], answers: [(completion: PreferenceRecord.RankedCompletion, seed: UInt64?)],
        seed: UInt64, spread: Double, labeler: String?, queued: QueuedPrompt? = nil
    ) {
        self.prompt = prompt
        self.answers = answers
        self.seed = seed
        self.spread = spread
        self.labeler = labeler
        self.queued = queued
    }
}

/// The data that rankings of the same candidates share, in the form of the store's column `body`: a comparison that
/// came with its rankings from a file.
struct ImportedComparison: Codable {
    let image: PreferenceImage?
    let question: String
    let questionIndex: Int?
    let form: FamilyQuestion.Form?
    let completions: [PreferenceRecord.RankedCompletion]
    let seed: UInt64

    init(_ record: PreferenceRecord) {
        image = record.image
        question = record.question
        questionIndex = record.questionIndex
        form = record.form
        completions = record.completions
        seed = record.seed
    }

    var prompt: [FeedbackMessage] {
        [FeedbackMessage(role: .user, parts: (image.map { [.image($0)] } ?? []) + [.text(question)])]
    }

    func record(id: String, tiers: [[Int]], labeler: PreferenceRecord.Labeler) -> PreferenceRecord {
        PreferenceRecord(
            id: id, image: image, question: question, questionIndex: questionIndex, form: form,
            completions: completions, tiers: tiers, labeler: labeler, seed: seed)
    }

    private enum CodingKeys: String, CodingKey {
        case question, questionIndex, form, seed
        case image = "picture"
        case completions = "candidates"
    }
}

/// The column `body` of a comparison that people are asked to rank.
struct AskedComparison: Codable {
    let prompt: [FeedbackMessage]
    let completions: [PreferenceRecord.RankedCompletion]
    let seeds: [UInt64?]
    let seed: UInt64

    init(_ comparison: NewComparison) {
        prompt = comparison.prompt
        completions = comparison.answers.map(\.completion)
        seeds = comparison.answers.map(\.seed)
        seed = comparison.seed
    }

    /// The ranking as a record; nil for dialogues that records have no form for.
    func record(id: String, tiers: [[Int]], labeler: PreferenceRecord.Labeler) -> PreferenceRecord? {
        prompt.question.map { question in
            PreferenceRecord(
                id: id, image: question.image, question: question.text, completions: completions, tiers: tiers,
                labeler: labeler, seed: seed)
        }
    }

    func comparison(id: String, created: Int, spread: Double, labeler: String?) -> Comparison {
        Comparison(
            id: id, created: created, prompt: prompt,
            candidates: zip(completions, seeds).enumerated().map { index, answer in
                .init(id: Self.candidateID(index, of: id), completion: answer.0, seed: answer.1)
            }, spread: spread, labeler: labeler)
    }

    /// The id of a candidate. It contains a digest of the comparison's id, so it is valid for this comparison alone.
    static func candidateID(_ index: Int, of comparison: String) -> String {
        "cand_" + PreferenceRecord.id(of: ["candidate", comparison, "\(index)"]).dropFirst("cmp_".count)
    }

    private enum CodingKeys: String, CodingKey {
        case prompt, seeds, seed
        case completions = "candidates"
    }
}

/// A prompt that waits to become a comparison.
public struct QueuedPrompt: Sendable, Equatable {
    /// What the queue keeps of a prompt.
    public struct Content: Codable, Sendable, Equatable {
        /// The dialogue.
        public var prompt: [FeedbackMessage]
        /// The policies that answer; nil: the default policy.
        public var models: [String]?
        /// The number of answers; nil: the server's default.
        public var samples: Int?

        /// A prompt for which answers are sampled.
        public init(prompt: [FeedbackMessage], models: [String]? = nil, samples: Int? = nil) {
            self.prompt = prompt
            self.models = models
            self.samples = samples
        }
    }

    /// Its number in the queue.
    public let number: Int
    /// The prompt.
    public let content: Content
}

/// How much the answers to one prompt differ, from 0 for equal answers to 1. What differs most teaches most, so it is
/// asked first.
public enum Spread {
    /// The difference by a reward model: tanh((best − worst) / 2), which is P(best is preferred) − P(worst is
    /// preferred) under the model of Bradley and Terry (1952) that reward models are trained with.
    public static func ofRewards(_ rewards: [Double]) -> Double {
        guard let best = rewards.max(), let worst = rewards.min() else { return 0 }
        return tanh((best - worst) / 2)
    }

    /// The difference of the texts: the mean of Jaccard's distance (1901) of the answers' words over all pairs. Two
    /// texts of the same words that are not the same text have a small distance above 0.
    public static func ofTexts(_ texts: [String]) -> Double {
        let words = texts.map { text in
            Set(text.lowercased().split { !$0.isLetter && !$0.isNumber })
        }
        var (sum, pairs) = (0.0, 0)
        for (index, one) in words.enumerated() {
            for (before, other) in words[..<index].enumerated() {
                pairs += 1
                if texts[index] == texts[before] { continue }
                let all = one.union(other).count
                let distance = all == 0 ? 0 : 1 - Double(one.intersection(other).count) / Double(all)
                sum += max(distance, 0.01)
            }
        }
        return pairs == 0 ? 0 : sum / Double(pairs)
    }
}
