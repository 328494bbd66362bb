public import Evaluation
public import Policies

/// Why reports do not make an evaluation of a policy.
public enum PolicyReportsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The report is of weights other than the policy's; `fields` lists the differences.
    case otherBytes(report: String, fields: [String])
    /// The report lacks a section.
    case missing(report: String, part: String)
    /// Two reports do not ask the same questions.
    case notComparable(field: String, policy: String, parent: String)

    /// What is wrong, by report and field, and what to do.
    public var description: String {
        switch self {
        case .otherBytes(let report, let fields):
            "\(report) was measured on other weights: \(fields.joined(separator: "; ")); delete it to measure again"
        case .missing(let report, let part): "\(report): there is no report of \(part); delete it to measure again"
        case .notComparable(let field, let policy, let parent):
            "the families' reports of policy and parent differ in \(field): \(policy) and \(parent); "
                + "delete both to measure again"
        }
    }
}

/// The reports that make an evaluation. Each names the weights that it was measured on.
public struct PolicyReports: Sendable {
    /// How a policy from reinforcement learning or preferences differs from the policy that it started from.
    public struct Comparison: Sendable {
        /// The parent's answers to generated questions.
        public var parentFamilies: [FamiliesReport]
        /// Win rates by the judge's preference among sampled answers: the policy against its parent, then the parent
        /// against itself.
        public var winRates: [WinRateReport]
        /// The same on prompts where the parent's own samples disagree.
        public var winRatesWithDisagreement: [WinRateReport]
        /// The KL of the policy from its parent.
        public var divergence: PolicyDivergence
        /// The KL that training aimed at, in nats per answer; nil if it aimed at none.
        public var target: Double?

        /// A comparison of the given reports.
        public init(
            parentFamilies: [FamiliesReport], winRates: [WinRateReport], winRatesWithDisagreement: [WinRateReport],
            divergence: PolicyDivergence, target: Double?
        ) {
            self.parentFamilies = parentFamilies
            self.winRates = winRates
            self.winRatesWithDisagreement = winRatesWithDisagreement
            self.divergence = divergence
            self.target = target
        }
    }

    /// The official test questions, with all controls.
    public var easyVQA: [EasyVQAReport]
    /// Generated questions about their own images. Reports of controls are ignored.
    public var families: [FamiliesReport]
    /// Plain text.
    public var text: TextReport
    /// The comparison with the parent; nil for a run of `train sft`.
    public var comparison: Comparison?

    /// The given reports.
    public init(easyVQA: [EasyVQAReport], families: [FamiliesReport], text: TextReport, comparison: Comparison? = nil) {
        self.easyVQA = easyVQA
        self.families = families
        self.text = text
        self.comparison = comparison
    }

    /// The evaluation of the policy with the weights `policy`, which started from a policy with the weights `parent`.
    ///
    /// - Throws: `PolicyReportsError` if a report is of other weights, or lacks a section.
    public func evaluation(
        of policy: PolicyDigests, parent: PolicyDigests?
    ) throws(PolicyReportsError) -> PolicyEvaluation {
        var metrics = try easyVQAMetrics(of: policy)
        let families = try Self.seeing(families, of: policy, in: "families")
        for row in families.families {
            metrics[row.name == "all" ? "families_right" : "right_\(row.name)"] = row.right.share
        }
        metrics["questions_a_family"] = Double(families.families.map(\.right.total).min() ?? 0)
        metrics["absent_named"] = families.hallucinatingOnAbsent.share
        try Self.check(text.policy, is: policy, in: "text")
        metrics["text_perplexity_ratio"] = text.perplexity.ratio
        metrics["text_replies_kept"] = text.replies.kept.share
        metrics["text_prompts"] = Double(text.ended.policy.total)
        metrics["text_replies_ended"] = text.ended.policy.share
        metrics["text_replies_ended_gain"] = text.ended.gain
        if let comparison, let parent {
            metrics.merge(try comparisonMetrics(comparison, families, policy: policy, parent: parent)) { $1 }
        }
        return PolicyEvaluation(policy: policy, parent: comparison == nil ? nil : parent, metrics: metrics)
    }

    private func easyVQAMetrics(of policy: PolicyDigests) throws(PolicyReportsError) -> [String: Double] {
        var metrics: [String: Double] = [:]
        for report in easyVQA { try Self.check(report.policy, is: policy, in: "easy-vqa") }
        for control in ImageControl.allCases {
            guard let report = easyVQA.first(where: { $0.control == control }) else {
                throw .missing(report: "easy-vqa", part: "the picture \(control.words)")
            }
            let questions = Double(report.overall.total)
            switch control {
            case .none:
                metrics["easy_vqa_questions"] = questions
                metrics["easy_vqa_overall"] = report.overall.share
                metrics["easy_vqa_yes_no"] = report.yesNo.share
                metrics["easy_vqa_open"] = report.open.share
            case .blank, .swapped:
                metrics["easy_vqa_\(control.rawValue)"] = report.overall.share
                metrics["easy_vqa_\(control.rawValue)_questions"] = questions
            }
        }
        return metrics
    }

    private func comparisonMetrics(
        _ comparison: Comparison, _ families: FamiliesReport, policy: PolicyDigests, parent: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        let before = try Self.seeing(comparison.parentFamilies, of: parent, in: "parent-families")
        guard before.seed == families.seed else {
            throw .notComparable(field: "seed", policy: "\(families.seed)", parent: "\(before.seed)")
        }
        let (old, new) = (before.hallucinatingOnAbsent, families.hallucinatingOnAbsent)
        var metrics = [
            "largest_family_drop": try Self.largestDrop(from: before.families, to: families.families),
            // Both sides answered equally many questions. If the parent named nothing absent, one case is already too
            // many.
            "absent_named_ratio": Double(new.count) / Double(max(old.count, 1)), "absent_named_parent": old.share,
        ]
        for (reports, name) in [
            (comparison.winRates, "win_rate"), (comparison.winRatesWithDisagreement, "contested_win_rate"),
        ] {
            let rates = try Self.winRates(reports, in: name, policy: policy, parent: parent)
            metrics[name] = rates.wins.rate
            metrics["\(name)_low"] = rates.wins.low
            metrics["\(name)_pairs"] = Double(rates.wins.total)
            metrics["\(name)_ties"] = rates.wins.tieShare
            metrics["\(name)_parent_itself"] = rates.itself.rate
        }
        try Self.check(comparison.divergence.policy, is: policy, in: "divergence")
        try Self.check(comparison.divergence.reference, is: parent, in: "divergence")
        metrics["kl"] = comparison.divergence.nats
        metrics["kl_answers"] = Double(comparison.divergence.answers)
        if let target = comparison.target { metrics["kl_over_target"] = comparison.divergence.nats / target }
        return metrics
    }

    private static func winRates(
        _ reports: [WinRateReport], in name: String, policy: PolicyDigests, parent: PolicyDigests
    ) throws(PolicyReportsError) -> (wins: WinRate, itself: WinRate) {
        guard reports.count == 2 else { throw .missing(report: name, part: "parent against itself") }
        let (wins, itself) = (reports[0], reports[1])
        for (found, expected) in [
            (wins.policy, policy), (wins.reference, parent), (itself.policy, parent), (itself.reference, parent),
        ] {
            try check(found, is: expected, in: name)
        }
        return (wins.overall, itself.overall)
    }

    /// The largest drop of accuracy from the parent to the policy; negative if accuracy rose everywhere.
    private static func largestDrop(
        from old: [FamiliesReport.Row], to new: [FamiliesReport.Row]
    ) throws(PolicyReportsError) -> Double {
        var largest = -1.0
        guard old.map(\.name) == new.map(\.name), old.map(\.right.total) == new.map(\.right.total) else {
            throw .notComparable(
                field: "questions", policy: counts(new).joined(separator: " "),
                parent: counts(old).joined(separator: " "))
        }
        for (old, new) in zip(old, new) where old.name != "all" {
            largest = max(largest, old.right.share - new.right.share)
        }
        return largest
    }

    private static func counts(_ rows: [FamiliesReport.Row]) -> [String] {
        rows.map { "\($0.name):\($0.right.total)" }
    }

    private static func seeing(
        _ reports: [FamiliesReport], of policy: PolicyDigests, in name: String
    ) throws(PolicyReportsError) -> FamiliesReport {
        guard let report = reports.first(where: { $0.control == .none }) else {
            throw .missing(report: name, part: "the picture \(ImageControl.none.words)")
        }
        try check(report.policy, is: policy, in: name)
        return report
    }

    private static func check(
        _ found: EvaluatedPolicy, is expected: PolicyDigests, in report: String
    ) throws(PolicyReportsError) {
        guard let digests = found.digests else {
            throw .otherBytes(report: report, fields: ["digests: expected some, found none"])
        }
        let differences = expected.differences(from: digests)
        guard differences.isEmpty else { throw .otherBytes(report: report, fields: differences) }
    }
}
