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
            "the reports of policy and parent differ in \(field): \(policy) and \(parent); "
                + "delete both to measure again"
        }
    }
}

/// The answers of one policy to a user's own questions: a report for each control.
public struct OwnDataMeasurement: Codable, Sendable, Equatable {
    /// The SHA-256 of the questions, answers and images.
    public var data: String
    /// The reports.
    public var reports: [OwnDataReport]

    /// The given reports.
    public init(data: String, reports: [OwnDataReport]) {
        self.data = data
        self.reports = reports
    }

    /// The report under a control; nil if there is none.
    public func report(_ control: ImageControl) -> OwnDataReport? { reports.first { $0.control == control } }
}

/// The reports that make an evaluation; what was not measured is nil. Each names the weights that it was measured on.
public struct PolicyReports: Sendable {
    /// How a policy differs from the policy that it started from. What was not measured is nil.
    public struct Comparison: Sendable {
        /// The parent's answers to generated questions.
        public var parentFamilies: [FamiliesReport]?
        /// The parent's answers to questions about documents.
        package var parentDocuments: [DocumentsReport]?
        /// Win rates by the judge's preference among sampled answers: the policy against its parent, then the parent
        /// against itself.
        public var winRates: [WinRateReport]?
        /// The same on prompts where the parent's own samples disagree.
        public var winRatesWithDisagreement: [WinRateReport]?
        /// The KL of the policy from its parent.
        public var divergence: PolicyDivergence?
        /// The parent's answers to the user's own questions.
        public var parentOwnData: OwnDataMeasurement?
        /// The reward model's preferences among sampled answers to the user's own questions.
        public var ownRewards: OwnRewardReport?
        /// The KL that training aimed at, in nats per answer; nil if it aimed at none.
        public var target: Double?

        /// A comparison without reports.
        public init(target: Double? = nil) { self.target = target }
    }

    /// The official test questions, with all controls.
    public var easyVQA: [EasyVQAReport]?
    /// Generated questions about their own images. Reports of controls are ignored.
    public var families: [FamiliesReport]?
    /// Questions about documents, with the controls that were wanted.
    package var documents: [DocumentsReport]?
    /// Plain text.
    public var text: TextReport?
    /// The user's own questions, with all controls.
    public var ownData: OwnDataMeasurement?
    /// The comparison with the parent; nil if there is none.
    public var comparison: Comparison?

    /// No reports.
    public init() {}

    /// The evaluation of the policy with the weights `policy`, which started from a policy with the weights `parent`.
    ///
    /// - Throws: `PolicyReportsError` if a report is of other weights, or lacks a section.
    public func evaluation(
        of policy: PolicyDigests, parent: PolicyDigests?
    ) throws(PolicyReportsError) -> PolicyEvaluation {
        var metrics: [String: Double] = [:]
        if let easyVQA { metrics.merge(try Self.easyVQAMetrics(easyVQA, of: policy)) { $1 } }
        let families = try families.map { reports throws(PolicyReportsError) in
            try Self.seeing(reports, of: policy, in: "families")
        }
        if let families { metrics.merge(Self.familiesMetrics(families)) { $1 } }
        if let documents { metrics.merge(try Self.documentsMetrics(documents, of: policy)) { $1 } }
        if let text { metrics.merge(try Self.textMetrics(text, of: policy)) { $1 } }
        if let ownData { metrics.merge(try Self.ownMetrics(ownData, of: policy)) { $1 } }
        if let comparison, let parent {
            metrics.merge(try comparisonMetrics(comparison, families, policy: policy, parent: parent)) { $1 }
        }
        return PolicyEvaluation(policy: policy, parent: comparison == nil ? nil : parent, metrics: metrics)
    }

    private static func familiesMetrics(_ families: FamiliesReport) -> [String: Double] {
        var metrics: [String: Double] = [:]
        for row in families.families {
            metrics[row.name == "all" ? "families_right" : "right_\(row.name)"] = row.right.share
        }
        metrics["questions_a_family"] = Double(families.families.map(\.right.total).min() ?? 0)
        metrics["absent_named"] = families.hallucinatingOnAbsent.share
        return metrics
    }

    private static func documentsMetrics(
        _ reports: [DocumentsReport], of policy: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        let own = try report(.none, among: reports, of: policy, in: "documents")
        var metrics: [String: Double] = [:]
        for row in own.families {
            metrics[row.name == "all" ? "documents_right" : "right_\(row.name)"] = row.right.share
        }
        if let all = own.families.first(where: { $0.name == "all" }) {
            metrics["documents_character_errors"] = all.characterErrors.rate
            metrics["documents_false_refusals"] = all.falseRefusals.share
            metrics["documents_invented"] = all.invented.share
            metrics["documents_question_only"] = all.questionOnly.share
        }
        metrics["documents_questions"] = Double(own.families.map(\.right.total).min() ?? 0)
        for control in [ImageControl.blank, .swapped] where reports.contains(where: { $0.control == control }) {
            let report = try report(control, among: reports, of: policy, in: "documents")
            metrics["documents_\(control.rawValue)"] = report.families.first { $0.name == "all" }?.right.share
        }
        return metrics
    }

    private static func report(
        _ control: ImageControl, among reports: [DocumentsReport], of policy: PolicyDigests, in name: String
    ) throws(PolicyReportsError) -> DocumentsReport {
        guard let report = reports.first(where: { $0.control == control }) else {
            throw .missing(report: name, part: "the picture \(control.words)")
        }
        try check(report.policy, is: policy, in: name)
        return report
    }

    private static func textMetrics(
        _ text: TextReport, of policy: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        try check(text.policy, is: policy, in: "text")
        return [
            "text_perplexity_ratio": text.perplexity.ratio, "text_replies_kept": text.replies.kept.share,
            "text_prompts": Double(text.ended.policy.total), "text_replies_ended": text.ended.policy.share,
            "text_replies_ended_gain": text.ended.gain,
        ]
    }

    private static func ownMetrics(
        _ measurement: OwnDataMeasurement, of policy: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        for report in measurement.reports { try check(report.policy, is: policy, in: "own-data") }
        var metrics: [String: Double] = [:]
        for control in ImageControl.allCases {
            guard let report = measurement.report(control) else {
                throw .missing(report: "own-data", part: "the picture \(control.words)")
            }
            switch control {
            case .none:
                metrics["own_questions"] = Double(report.right.total)
                metrics["own_right"] = report.right.share
                metrics["own_right_low"] = report.right.low
                metrics["own_question_only"] = report.questionOnly.share
            case .blank, .swapped:
                metrics["own_\(control.rawValue)"] = report.right.share
                metrics["own_\(control.rawValue)_gain"] = report.right.share - report.questionOnly.share
            }
        }
        return metrics
    }

    private static func easyVQAMetrics(
        _ easyVQA: [EasyVQAReport], of policy: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        var metrics: [String: Double] = [:]
        for report in easyVQA { try check(report.policy, is: policy, in: "easy-vqa") }
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
        _ comparison: Comparison, _ families: FamiliesReport?, policy: PolicyDigests, parent: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        var metrics: [String: Double] = [:]
        if let families, let before = comparison.parentFamilies {
            metrics.merge(try Self.drops(to: families, from: before, of: parent)) { $1 }
        }
        if let documents, let before = comparison.parentDocuments {
            metrics.merge(try Self.documentDrops(to: documents, from: before, policy: policy, parent: parent)) { $1 }
        }
        for (reports, name) in [
            (comparison.winRates, "win_rate"), (comparison.winRatesWithDisagreement, "contested_win_rate"),
        ] {
            guard let reports else { continue }
            let rates = try Self.winRates(reports, in: name, policy: policy, parent: parent)
            metrics.merge(Self.metrics(of: rates.wins, name)) { $1 }
            metrics["\(name)_parent_itself"] = rates.itself.rate
        }
        if let divergence = comparison.divergence {
            try Self.check(divergence.policy, is: policy, in: "divergence")
            try Self.check(divergence.reference, is: parent, in: "divergence")
            metrics["kl"] = divergence.nats
            metrics["kl_answers"] = Double(divergence.answers)
            if let target = comparison.target { metrics["kl_over_target"] = divergence.nats / target }
        }
        if let own = ownData?.report(.none), let before = comparison.parentOwnData?.report(.none) {
            try Self.check(before.policy, is: parent, in: "parent-own-data")
            guard ownData?.data == comparison.parentOwnData?.data, own.rule == before.rule else {
                throw .notComparable(field: "questions", policy: "own-data", parent: "parent-own-data")
            }
            metrics["own_right_parent"] = before.right.share
            metrics["own_gain"] = own.right.share - before.right.share
        }
        if let rewards = comparison.ownRewards {
            try Self.check(rewards.policy, is: policy, in: "own-rewards")
            try Self.check(rewards.reference, is: parent, in: "own-rewards")
            metrics.merge(Self.metrics(of: rewards.wins, "own_reward_win_rate")) { $1 }
        }
        return metrics
    }

    private static func metrics(of wins: WinRate, _ name: String) -> [String: Double] {
        [
            name: wins.rate, "\(name)_low": wins.low, "\(name)_pairs": Double(wins.total),
            "\(name)_ties": wins.tieShare,
        ]
    }

    /// What the families lost from the parent to the policy.
    private static func drops(
        to families: FamiliesReport, from reports: [FamiliesReport], of parent: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        let before = try seeing(reports, of: parent, in: "parent-families")
        guard before.seed == families.seed else {
            throw .notComparable(field: "seed", policy: "\(families.seed)", parent: "\(before.seed)")
        }
        let (old, new) = (before.hallucinatingOnAbsent, families.hallucinatingOnAbsent)
        let drops = try drops(
            from: before.families.map { ($0.name, $0.right) }, to: families.families.map { ($0.name, $0.right) })
        return [
            "largest_family_drop": drops.largest, "families_drop": drops.all,
            // Both sides answered equally many questions. If the parent named nothing absent, one case is already too
            // many.
            "absent_named_ratio": Double(new.count) / Double(max(old.count, 1)), "absent_named_parent": old.share,
        ]
    }

    /// What the families of documents lost from the parent to the policy.
    private static func documentDrops(
        to reports: [DocumentsReport], from old: [DocumentsReport], policy: PolicyDigests, parent: PolicyDigests
    ) throws(PolicyReportsError) -> [String: Double] {
        let now = try report(.none, among: reports, of: policy, in: "documents")
        let before = try report(.none, among: old, of: parent, in: "parent-documents")
        guard before.seed == now.seed, before.split == now.split else {
            throw .notComparable(field: "seed", policy: "\(now.seed)", parent: "\(before.seed)")
        }
        let drops = try drops(
            from: before.families.map { ($0.name, $0.right) }, to: now.families.map { ($0.name, $0.right) })
        return ["largest_document_drop": drops.largest, "documents_drop": drops.all]
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

    /// The largest drop of accuracy of a family from the parent to the policy, and that of all questions together;
    /// negative where accuracy rose.
    private static func drops(
        from old: [(name: String, right: Proportion)], to new: [(name: String, right: Proportion)]
    ) throws(PolicyReportsError) -> (largest: Double, all: Double) {
        guard old.map(\.name) == new.map(\.name), old.map(\.right.total) == new.map(\.right.total) else {
            throw .notComparable(field: "questions", policy: counts(new), parent: counts(old))
        }
        var drops: (largest: Double, all: Double) = (-1, 0)
        for (old, new) in zip(old, new) {
            let drop = old.right.share - new.right.share
            if old.name == "all" { drops.all = drop } else { drops.largest = max(drops.largest, drop) }
        }
        return drops
    }

    private static func counts(_ rows: [(name: String, right: Proportion)]) -> String {
        rows.map { "\($0.name):\($0.right.total)" }.joined(separator: " ")
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
