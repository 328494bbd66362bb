import Datasets

/// What a ranking run found.
public struct RankingReport: Codable, Sendable, Equatable {
    /// Prompts of one family.
    public struct Share: Codable, Sendable, Equatable {
        /// Prompts sampled.
        public internal(set) var prompts = 0
        /// Prompts whose answers are not all the same.
        public internal(set) var differing = 0
    }

    /// How often two rankings order a pair alike.
    public struct Agreement: Codable, Sendable, Equatable {
        /// Pairs that both order.
        public internal(set) var pairs = 0
        /// Of these, the share ordered alike; nil without pairs.
        public internal(set) var share: Double?
    }

    /// Answers to each prompt.
    public let samplesPerPrompt: Int
    /// Prompts sampled so far, by family; easy-VQA is one.
    public internal(set) var families: [String: Share] = [:]
    /// Answers that reached the limit of tokens.
    public internal(set) var cutAnswers = 0
    /// Tokens of all answers, end tokens included.
    public internal(set) var tokens = 0
    /// Rankings by each simulated labeler, in turn; a prompt has one.
    public internal(set) var simulatedRankings: [String: Int] = [:]
    /// Rankings by people: a run has none.
    public let humanRankings: Int
    /// Preferred pairs in the rankings.
    public internal(set) var pairs = 0
    /// Between every two training labelers; InstructGPT's agreed on 72.6 % (Ouyang et al. 2022).
    public internal(set) var agreement = Agreement()
    /// Between the held-out labeler and each training labeler; 77.3 % there.
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

    /// Prompts of all families, and how many of them have answers that differ.
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

    /// The report as lines to read.
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
