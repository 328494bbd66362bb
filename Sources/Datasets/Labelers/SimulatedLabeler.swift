import Crypto
import Foundation
import Support

/// A seeded rule that ranks answers instead of a person. It is a stand-in, called `simulated-rule` wherever it is used.
///
/// The utility of an answer is a weighted sum of its traits. Gumbel noise is added and the sums are sorted, which draws
/// a ranking from the Plackett-Luce model (Plackett 1975; Luce 1959). The noise is a function of labeler, prompt and
/// answer text, so it never changes, and the order of the candidates does not matter. All labelers share one documented
/// bias, a small preference for length. They share no code with the judge.
public struct SimulatedLabeler: Sendable {
    /// An answer to be ranked.
    public struct Answer: Sendable, Equatable {
        /// The text as shown.
        public let text: String
        /// Why it ended.
        public let finishReason: PreferenceRecord.FinishReason

        /// An answer.
        public init(text: String, finishReason: PreferenceRecord.FinishReason) {
            self.text = text
            self.finishReason = finishReason
        }
    }

    /// The utility of each trait; see `AnswerTraits`.
    struct Weights: Sendable {
        let right: Double
        let absent: Double
        let amiss: Double
        let form: Double
        let ended: Double
        let excess: Double
        let hedged: Double
        let length: Double
    }

    /// The scale of the Gumbel noise. With these weights two labelers agree on 75 to 80 % of pairs of made-up answers
    /// (Ouyang et al. 2022 report 72.6 and 77.3 % between people). The report of `apus rank` gives the agreement in a
    /// run.
    static let noiseScale = 0.9

    /// The labelers whose rankings are used for training.
    public static let training = [
        SimulatedLabeler(
            "rule-1",
            Weights(
                right: 3.2, absent: -1.2, amiss: -0.9, form: 0.8, ended: 1.2, excess: -1.0, hedged: -0.5, length: 0.3)),
        SimulatedLabeler(
            "rule-2",
            Weights(
                right: 2.4, absent: -1.8, amiss: -1.2, form: 1.4, ended: 1.0, excess: -0.6, hedged: -0.9, length: 0.4)),
        SimulatedLabeler(
            "rule-3",
            Weights(
                right: 2.8, absent: -1.0, amiss: -1.1, form: 1.1, ended: 1.6, excess: -1.4, hedged: -0.3, length: 0.2)),
        SimulatedLabeler(
            "rule-4",
            Weights(
                right: 2.0, absent: -1.4, amiss: -0.8, form: 1.7, ended: 0.8, excess: -0.8, hedged: -0.7, length: 0.5)),
    ]
    /// The labeler whose rankings are used for comparison only.
    public static let heldOut = SimulatedLabeler(
        "rule-5",
        Weights(right: 2.6, absent: -2.2, amiss: -1.0, form: 0.6, ended: 1.4, excess: -0.4, hedged: -1.1, length: 0.3))

    /// The labeler's name in records.
    public let id: String
    private let weights: Weights

    private init(_ id: String, _ weights: Weights) {
        self.id = id
        self.weights = weights
    }

    /// The labeler in the form of records.
    public var labeler: PreferenceRecord.Labeler { .init(kind: .simulatedRule, id: id) }

    /// Indices of `answers` in tiers from best to worst. Only answers with equal text and ending tie.
    public func tiers(of answers: [Answer], to task: LabelingTask) -> [[Int]] {
        let scores = answers.map { utility(of: $0, to: task) + Self.noiseScale * noise(on: $0, to: task) }
        var tiers: [[Int]] = []
        for index in scores.indices.sorted(by: { (-scores[$0], $0) < (-scores[$1], $1) }) {
            if let last = tiers.last?.last, scores[last] == scores[index] {
                tiers[tiers.count - 1].append(index)
            } else {
                tiers.append([index])
            }
        }
        return tiers
    }

    /// The answer's utility for this labeler, without noise.
    package func utility(of answer: Answer, to task: LabelingTask) -> Double {
        let traits = AnswerTraits(of: answer, to: task)
        let errors = weights.absent * traits.absent + weights.amiss * traits.amiss
        let facts = weights.right * traits.right + errors + weights.hedged * traits.hedged
        let manner = weights.form * traits.form + weights.ended * traits.ended
        return facts + manner + weights.excess * traits.excess + weights.length * traits.length
    }

    /// A draw from the standard Gumbel distribution.
    private func noise(on answer: Answer, to task: LabelingTask) -> Double {
        let key = [id, "\(task.image)", task.question, answer.text].map { "\($0.utf8.count):\($0)" }.joined()
        let seed = SHA256.hash(data: Data(key.utf8)).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var generator = SplitMix64(seed: seed)
        let uniform = (Double(generator.next() >> 11) + 0.5) * 0x1p-53
        return -log(-log(uniform))
    }
}

/// The number of pairs on which two rankings of the same answers agree. Pairs that either ranking ties are not counted.
public struct LabelerAgreement: Sendable, Equatable {
    /// Pairs that both rankings order.
    public private(set) var pairs = 0
    /// Pairs that both rankings order in the same way.
    public private(set) var equal = 0

    /// No pairs counted.
    public init() {}

    /// The share of pairs ordered in the same way, 0 to 1; nil before the first pair.
    public var share: Double? { pairs == 0 ? nil : Double(equal) / Double(pairs) }

    /// Counts the pairs of two rankings, given as tiers of indices.
    public mutating func count(_ one: [[Int]], _ other: [[Int]]) {
        let first = Self.ranks(one)
        let second = Self.ranks(other)
        for (left, rank) in first {
            for (right, otherRank) in first where left < right && rank != otherRank {
                guard let a = second[left], let b = second[right], a != b else { continue }
                pairs += 1
                if (rank < otherRank) == (a < b) { equal += 1 }
            }
        }
    }

    private static func ranks(_ tiers: [[Int]]) -> [Int: Int] {
        var ranks: [Int: Int] = [:]
        for (rank, tier) in tiers.enumerated() {
            for index in tier { ranks[index] = rank }
        }
        return ranks
    }
}
