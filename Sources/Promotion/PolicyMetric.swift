import Datasets

/// A report from which metrics of a policy are read. Each is measured by itself and kept in a file of its own.
public enum PolicyReport: String, Sendable, CaseIterable, Hashable {
    /// easy-VQA's official test questions, with all controls.
    case easyVQA = "easy-vqa"
    /// Generated questions of all families.
    case families
    /// Generated questions about documents, with the controls that are wanted.
    case documents
    /// Plain text.
    case text
    /// The user's own held-out questions, with all controls.
    case ownData = "own-data"
    /// The families' questions to the parent.
    case parentFamilies = "parent-families"
    /// The questions about documents to the parent.
    case parentDocuments = "parent-documents"
    /// The user's own questions to the parent.
    case parentOwnData = "parent-own-data"
    /// Sampled answers of policy and parent to the families' questions, in the judge's order.
    case winRates = "winrate"
    /// The same on prompts where the parent's own samples disagree.
    case winRatesWithDisagreement = "winrate-contested"
    /// The KL of the policy from its parent.
    case divergence
    /// Sampled answers of policy and parent to the user's own questions, in the reward model's order.
    case ownRewards = "own-rewards"

    /// Whether the report compares the policy with the one that its training started from.
    public var comparesWithParent: Bool {
        switch self {
        case .easyVQA, .families, .documents, .text, .ownData: false
        case .parentFamilies, .parentDocuments, .parentOwnData, .winRates, .winRatesWithDisagreement, .divergence,
            .ownRewards:
            true
        }
    }

    /// Whether the report asks the user's own questions.
    public var asksOwnData: Bool { self == .ownData || self == .parentOwnData || self == .ownRewards }

    /// Whether the report asks about documents.
    public var asksDocuments: Bool { self == .documents || self == .parentDocuments }
}

/// The names of a policy's metrics, which rules bound and `evaluation.json` lists.
public enum PolicyMetric {
    /// The reports from which the metric with that name is computed; nil if there is no such metric.
    public static func reports(for name: String) -> Set<PolicyReport>? { all[name] }

    /// The reports of each metric, by its name.
    package static let all: [String: Set<PolicyReport>] = {
        var all: [String: Set<PolicyReport>] = [:]
        func add(_ names: [String], from reports: Set<PolicyReport>) { for name in names { all[name] = reports } }
        add(
            ["questions", "overall", "yes_no", "open", "blank", "blank_questions", "swapped", "swapped_questions"]
                .map { "easy_vqa_\($0)" }, from: [.easyVQA])
        add(["families_right", "questions_a_family", "absent_named"], from: [.families])
        add(Family.allCases.map { "right_\($0.rawValue)" }, from: [.families])
        add(
            [
                "right", "questions", "character_errors", "false_refusals", "invented", "question_only", "blank",
                "swapped",
            ]
            .map { "documents_\($0)" }, from: [.documents])
        add(DocumentFamily.allCases.map { "right_\($0.rawValue)" }, from: [.documents])
        add(["largest_document_drop", "documents_drop"], from: [.documents, .parentDocuments])
        add(
            ["perplexity_ratio", "replies_kept", "prompts", "replies_ended", "replies_ended_gain"].map { "text_\($0)" },
            from: [.text])
        add(
            ["largest_family_drop", "families_drop", "absent_named_ratio", "absent_named_parent"],
            from: [.families, .parentFamilies])
        for (name, report) in [("win_rate", PolicyReport.winRates), ("contested_win_rate", .winRatesWithDisagreement)] {
            add([name] + ["low", "pairs", "ties", "parent_itself"].map { "\(name)_\($0)" }, from: [report])
        }
        add(["kl", "kl_answers", "kl_over_target"], from: [.divergence])
        add(
            ["questions", "right", "right_low", "question_only", "blank", "swapped", "blank_gain", "swapped_gain"]
                .map { "own_\($0)" }, from: [.ownData])
        add(["own_gain", "own_right_parent"], from: [.ownData, .parentOwnData])
        add(["", "_low", "_pairs", "_ties"].map { "own_reward_win_rate\($0)" }, from: [.ownRewards])
        return all
    }()
}
