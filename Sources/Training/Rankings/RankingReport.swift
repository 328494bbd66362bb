import Datasets

/// The statistics of a ranking run.
public struct RankingReport: Codable, Sendable, Equatable {
    /// The prompts of one family.
    public struct Share: Codable, Sendable, Equatable {
        /// The number of prompts.
        public internal(set) var prompts = 0
        /// The number of prompts whose answers differ.
        public internal(set) var differing = 0
    }

    /// How often two rankings order a pair in the same way.
    public struct Agreement: Codable, Sendable, Equatable {
        /// The number of pairs that both rankings order.
        public internal(set) var pairs = 0
        /// The share of these pairs with the same order; nil without pairs.
        public internal(set) var share: Double?
    }

    /// The number of answers to each prompt.
    public let samplesPerPrompt: Int
    /// The prompts sampled so far, by family; easy-VQA counts as one.
    public internal(set) var families: [String: Share] = [:]
    /// The number of answers that reached the token limit.
    public internal(set) var cutAnswers = 0
    /// The number of tokens of all answers, including end tokens.
    public internal(set) var tokens = 0
    /// The number of rankings by each simulated labeler; a prompt has one ranking.
    public internal(set) var simulatedRankings: [String: Int] = [:]
    /// The number of rankings by people: a run has none.
    public let humanRankings: Int
    /// The number of ordered pairs in the rankings.
    public internal(set) var pairs = 0
    /// The agreement between every two training labelers; InstructGPT's labelers agreed on 72.6 % (Ouyang et al. 2022).
    public internal(set) var agreement = Agreement()
    /// The agreement between the held-out labeler and each training labeler; 77.3 % for InstructGPT.
    public internal(set) var heldOutAgreement = Agreement()

    private var between = LabelerAgreement()
    private var beside = LabelerAgreement()

    private enum CodingKeys: String, CodingKey {
        case samplesPerPrompt, families, cutAnswers, tokens, simulatedRankings, humanRankings, pairs, agreement
        case heldOutAgreement
    }

    init(samplesPerPrompt: Int) {
        self.samplesPerPrompt = samplesPerPrompt
        humanRankings = 0
    }

    /// The prompts of all families together.
    public var total: Share {
        families.values.reduce(into: Share()) {
            $0.prompts += $1.prompts
            $0.differing += $1.differing
        }
    }

    mutating func count(_ sample: SampledPrompt, family: String) {
        families[family, default: Share()].prompts += 1
        if !sample.isUniform { families[family, default: Share()].differing += 1 }
        cutAnswers += sample.completions.count { $0.finishReason == .length }
        tokens += sample.completions.reduce(0) { $0 + $1.tokens.count }
    }

    mutating func count(_ record: PreferenceRecord) {
        simulatedRankings[record.labeler.id, default: 0] += 1
        pairs += record.pairs.count
    }

    mutating func compare(_ training: [[[Int]]], heldOut: [[Int]]) {
        for (index, tiers) in training.enumerated() {
            for other in training[..<index] { between.count(tiers, other) }
            beside.count(tiers, heldOut)
        }
        agreement = Agreement(pairs: between.pairs, share: between.share)
        heldOutAgreement = Agreement(pairs: beside.pairs, share: beside.share)
    }

    /// The report as lines of text.
    public var lines: [String] {
        let total = total
        let rankings = simulatedRankings.values.reduce(0, +)
        let names = simulatedRankings.keys.sorted().map { "\($0) \(simulatedRankings[$0] ?? 0)" }
        return [
            "prompts with different answers: \(total.differing) of \(total.prompts)"
                + " (\(Self.percent(total.differing, total.prompts))); the others are skipped",
            "simulated-rule rankings: \(rankings) (\(names.joined(separator: ", "))), \(pairs) pairs",
            "human rankings: \(humanRankings)",
            "two training labelers agree on \(Self.text(agreement)), the held-out one with them on "
                + Self.text(heldOutAgreement),
            "answers cut at the limit: \(cutAnswers) of \(total.prompts * samplesPerPrompt)",
        ]
    }

    private static func percent(_ part: Int, _ whole: Int) -> String {
        whole == 0 ? "–" : "\((Double(part) / Double(whole) * 1000).rounded() / 10) %"
    }

    private static func text(_ agreement: Agreement) -> String {
        guard let share = agreement.share else { return "no pairs yet" }
        return "\((share * 1000).rounded() / 10) % of \(agreement.pairs) pairs"
    }
}
