import Checkpoints
import Evaluation
import Foundation
import Policies
import Promotion
import TestSupport
import Testing
import Training

@Suite struct PolicyReportsTests {
    /// Reports as `apus eval --json` writes them, of `ppo`, which started from `sft`.
    private static func reports() throws -> PolicyReports {
        var comparison = PolicyReports.Comparison(target: 2)
        comparison.parentFamilies = [try families("sft", counts: 455, absence: 470, hallucinating: 20)]
        comparison.parentDocuments = [try documents("sft", "none", words: 60, bars: 80)]
        comparison.winRates = [
            try winRate("ppo", against: "sft", wins: 1_100, losses: 900),
            try winRate("sft", against: "sft", wins: 1_010, losses: 990),
        ]
        comparison.winRatesWithDisagreement = [
            try winRate("ppo", against: "sft", wins: 1_200, losses: 800),
            try winRate("sft", against: "sft", wins: 980, losses: 1_020),
        ]
        comparison.divergence = try decoded([
            "policy": try json(EvaluatedPolicy.scripted("ppo")),
            "reference": try json(EvaluatedPolicy.scripted("sft")), "answers": 400, "tokens": 4_000, "nats": 3.0,
        ])
        comparison.parentOwnData = .init(data: "d", reports: [try own("sft", "none", right: 10)])
        comparison.ownRewards = try decoded([
            "policy": try json(EvaluatedPolicy.scripted("ppo")),
            "reference": try json(EvaluatedPolicy.scripted("sft")), "seed": 0,
            "wins": try json(WinRate(wins: 30, ties: 20, losses: 10)),
        ])
        var reports = PolicyReports()
        reports.easyVQA = try [("swapped", 600, 1_000), ("none", 9_663, 9_673), ("blank", 550, 1_000)].map {
            try easyVQA("ppo", control: $0, right: $1, of: $2)
        }
        reports.families = [try families("ppo", counts: 450, absence: 490, hallucinating: 12)]
        reports.documents = try [("swapped", 2, 6), ("none", 70, 78), ("blank", 1, 5)].map {
            try documents("ppo", $0, words: $1, bars: $2)
        }
        reports.text = try decoded([
            "policy": try json(EvaluatedPolicy.scripted("ppo")),
            "perplexity": ["tokens": 100, "base": 10.0, "policy": 10.4],
            "replies": [
                "replies": 4, "tokens": 24, "kept": try json(Proportion(3, of: 4)),
                "agreeing": try json(Proportion(20, of: 24)), "divergence": 0.1,
            ],
            "ended": [
                "policy": try json(Proportion(150, of: 200)), "base": try json(Proportion(140, of: 200)),
            ],
        ])
        reports.ownData = .init(
            data: "d",
            reports: try [("none", 45), ("blank", 6), ("swapped", 4)].map { try own("ppo", $0, right: $1) })
        reports.comparison = comparison
        return reports
    }

    private func evaluation(_ change: (inout PolicyReports) throws -> Void = { _ in }) throws -> PolicyEvaluation {
        var reports = try Self.reports()
        try change(&reports)
        return try reports.evaluation(of: .scripted("ppo"), parent: .scripted("sft"))
    }

    @Test func metricsAreReadOffTheReports() throws {
        let evaluation = try evaluation()
        #expect(evaluation.policy == .scripted("ppo") && evaluation.parent == .scripted("sft"))
        let expected = [
            "easy_vqa_overall": 9_663.0 / 9_673, "easy_vqa_questions": 9_673, "easy_vqa_blank": 0.55,
            "easy_vqa_blank_questions": 1_000, "easy_vqa_swapped": 0.6, "easy_vqa_open": 9_663.0 / 9_673,
            "text_perplexity_ratio": 1.04, "text_replies_kept": 0.75, "text_prompts": 200,
            "text_replies_ended": 0.75, "text_replies_ended_gain": 0.05, "right_counts": 0.9, "right_absence": 0.98,
            "questions_a_family": 500, "absent_named": 0.12, "absent_named_ratio": 0.6, "largest_family_drop": 0.01,
            "win_rate": 0.55, "win_rate_pairs": 2_000, "win_rate_parent_itself": 0.505, "contested_win_rate": 0.6,
            "contested_win_rate_pairs": 2_000, "contested_win_rate_parent_itself": 0.49, "kl": 3, "kl_over_target": 1.5,
            "families_drop": -0.015, "own_questions": 50, "own_right": 0.9, "own_blank": 0.12, "own_swapped": 0.08,
            "own_question_only": 0.1, "own_blank_gain": 0.02, "own_swapped_gain": -0.02, "own_right_parent": 0.2,
            "own_gain": 0.7, "own_right_low": Proportion(45, of: 50).low, "own_reward_win_rate": 2.0 / 3,
            "own_reward_win_rate_pairs": 60, "own_reward_win_rate_ties": 1.0 / 3, "right_words": 0.7,
            "right_bars": 0.78, "documents_right": 0.74, "documents_questions": 100, "documents_blank": 0.03,
            "documents_swapped": 0.04, "documents_character_errors": 0.125, "documents_question_only": 0.02,
            "documents_false_refusals": 0.01, "documents_invented": 0.01, "documents_drop": -0.04,
            "largest_document_drop": 0.02,
        ]
        for (name, value) in expected {
            #expect(abs((evaluation.metrics[name] ?? .nan) - value) < 1e-12, "\(name)")
        }
        #expect(evaluation.metrics.keys.allSatisfy { PolicyMetric.reports(for: $0) != nil })
        let gate = try shippedRules().gate(for: .ppo)
        #expect(gate.verdict(of: evaluation, policy: .scripted("ppo"), parent: .scripted("sft")).passes)
    }

    @Test func aFineTunedPolicyIsComparedWithNothing() throws {
        let evaluation = try evaluation { $0.comparison = nil }
        #expect(evaluation.parent == nil && evaluation.metrics["win_rate"] == nil)
        let rules = try shippedRules()
        #expect(
            try rules.gate(for: .sft).verdict(of: evaluation, policy: .scripted("ppo"), parent: nil).passes)
        #expect(
            try !rules.gate(for: .ppo).verdict(of: evaluation, policy: .scripted("ppo"), parent: .scripted("sft"))
                .passes)
    }

    /// Every report must be of the very weights, and the refusal says which report and field.
    @Test func reportsOfOtherWeightsAreRefused() throws {
        let changes: [(String, (inout PolicyReports) throws -> Void)] = [
            ("easy-vqa", { $0.easyVQA?[2] = try Self.easyVQA("sft", control: "blank", right: 1, of: 2) }),
            ("families", { $0.families = try Self.reports().comparison?.parentFamilies }),
            ("documents", { $0.documents?[0] = try Self.documents("sft", "swapped", words: 2, bars: 6) }),
            (
                "parent-documents",
                { $0.comparison?.parentDocuments = [try Self.documents("ppo", "none", words: 60, bars: 80)] }
            ),
            ("parent-families", { $0.comparison?.parentFamilies = try Self.reports().families }),
            (
                "win_rate",
                { $0.comparison?.winRates?[0] = try Self.winRate("ppo", against: "base", wins: 1, losses: 1) }
            ),
            (
                "contested_win_rate",
                {
                    $0.comparison?.winRatesWithDisagreement?[1] = try Self.winRate(
                        "ppo", against: "sft", wins: 1, losses: 1)
                }
            ),
            ("own-data", { $0.ownData?.reports[2] = try Self.own("sft", "swapped", right: 4) }),
            ("parent-own-data", { $0.comparison?.parentOwnData?.reports = [try Self.own("ppo", "none", right: 4)] }),
            (
                "text",
                { reports in
                    reports.text = reports.text.map {
                        TextReport(
                            policy: .scripted("sft"), perplexity: $0.perplexity, replies: $0.replies, ended: $0.ended)
                    }
                }
            ),
        ]
        for (name, change) in changes {
            let error = #expect(throws: PolicyReportsError.self) { try evaluation(change) }
            guard case .otherBytes(name, let fields) = error else {
                Issue.record("\(name): \(String(describing: error))")
                continue
            }
            #expect(fields.contains { $0.hasPrefix("adapter_sha256: expected ") }, "\(fields)")
        }
        // A server that does not say which weights it answers with is no witness.
        let error = #expect(throws: PolicyReportsError.self) {
            try evaluation { reports in
                reports.text = reports.text.map {
                    TextReport(
                        policy: .init(name: "ppo", generation: 1, digests: nil), perplexity: $0.perplexity,
                        replies: $0.replies, ended: $0.ended)
                }
            }
        }
        #expect(error?.description.contains("digests: expected some, found none") == true)
    }

    @Test func whatIsMissingIsNamed() throws {
        for control in 0..<3 {
            let error = #expect(throws: PolicyReportsError.self) { try evaluation { $0.easyVQA?.remove(at: control) } }
            guard case .missing("easy-vqa", _) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        #expect(throws: PolicyReportsError.missing(report: "documents", part: "the picture its own")) {
            try evaluation { $0.documents?.removeAll { $0.control == .none } }
        }
        #expect(throws: PolicyReportsError.missing(report: "families", part: "the picture its own")) {
            try evaluation { $0.families = [] }
        }
        #expect(throws: PolicyReportsError.missing(report: "win_rate", part: "parent against itself")) {
            try evaluation { $0.comparison?.winRates?.removeLast() }
        }
    }

    @Test func onlyTheSameQuestionsAreCompared() throws {
        for parent in [
            try Self.families("sft", counts: 455, absence: 470, hallucinating: 20, seed: 1),
            try Self.families("sft", counts: 455, absence: 470, hallucinating: 20, total: 501),
        ] {
            let error = #expect(throws: PolicyReportsError.self) {
                try evaluation { $0.comparison?.parentFamilies = [parent] }
            }
            guard case .notComparable = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    @Test func ownQuestionsMustBeTheSame() throws {
        for change in [
            { (reports: inout PolicyReports) in reports.comparison?.parentOwnData?.data = "other" },
            { $0.comparison?.parentOwnData?.reports = [try Self.own("sft", "none", right: 10, rule: "exact")] },
        ] as [(inout PolicyReports) throws -> Void] {
            #expect(
                throws: PolicyReportsError.notComparable(
                    field: "questions", policy: "own-data", parent: "parent-own-data")
            ) { try evaluation(change) }
        }
        #expect(throws: PolicyReportsError.missing(report: "own-data", part: "the picture blank")) {
            try evaluation { $0.ownData?.reports.remove(at: 1) }
        }
    }

    /// Rules of one's own need few reports; the metrics of the others are missing.
    @Test func whatWasNotMeasuredHasNoMetrics() throws {
        let own = try evaluation {
            ($0.easyVQA, $0.families, $0.documents, $0.text, $0.comparison) = (nil, nil, nil, nil, nil)
        }
        #expect(own.parent == nil && own.metrics["own_right"] == 0.9)
        #expect(own.metrics.keys.allSatisfy { $0.hasPrefix("own_") } && own.metrics["own_gain"] == nil)
    }

    // MARK: Reports as JSON

    private static func own(
        _ policy: String, _ control: String, right: Int, rule: String = "json"
    ) throws -> OwnDataReport {
        try decoded([
            "policy": try json(EvaluatedPolicy.scripted(policy)), "control": control, "seed": 0,
            "rule": try json(AnswerRule(try #require(AnswerRule.Kind(rawValue: rule)))),
            "right": try json(Proportion(right, of: 50)), "questionOnly": try json(Proportion(5, of: 50)), "cut": 0,
            "seconds": 1, "mistakes": [Any](), "answers": [Any](),
        ])
    }

    private static func easyVQA(_ policy: String, control: String, right: Int, of total: Int) throws -> EasyVQAReport {
        let share = try json(Proportion(right, of: total))
        return try decoded([
            "policy": try json(EvaluatedPolicy.scripted(policy)), "control": control, "seed": 0, "overall": share,
            "yesNo": share, "open": share, "seconds": 1, "mistakes": [Any](),
        ])
    }

    private static func families(
        _ policy: String, counts: Int, absence: Int, hallucinating: Int, seed: Int = 0, total: Int = 500
    ) throws -> FamiliesReport {
        func row(_ name: String, _ right: Int, of total: Int) throws -> [String: Any] {
            let share = try json(Proportion(right, of: total))
            return [
                "name": name, "right": share, "meanShare": 0.5, "inForm": share, "ended": share, "hallucinating": share,
                "questionOnly": share,
            ]
        }
        return try decoded([
            "policy": try json(EvaluatedPolicy.scripted(policy)), "control": "none", "seed": seed,
            "families": [
                try row("all", counts + absence, of: 2 * total), try row("counts", counts, of: total),
                try row("absence", absence, of: total),
            ], "kinds": [Any](), "hallucinatingOnAbsent": try json(Proportion(hallucinating, of: 100)), "seconds": 1,
            "mistakes": [Any](),
        ])
    }

    /// A report on 100 words and 100 bar charts.
    private static func documents(_ policy: String, _ control: String, words: Int, bars: Int) throws -> DocumentsReport
    {
        func row(_ name: String, _ right: Int, of total: Int) throws -> [String: Any] {
            let all = try json(Proportion(total, of: total))
            let few = try json(Proportion(total / 100, of: total))
            return [
                "name": name, "right": try json(Proportion(right, of: total)),
                "characterErrors": try json(CharacterErrorRate([(errors: 1, characters: 8)])), "nearValues": all,
                "falseRefusals": few, "invented": few, "inForm": all, "ended": all,
                "questionOnly": try json(Proportion(total / 50, of: total)),
            ]
        }
        return try decoded([
            "policy": try json(EvaluatedPolicy.scripted(policy)), "control": control, "split": "test", "seed": 0,
            "families": [
                try row("all", words + bars, of: 200), try row("words", words, of: 100), try row("bars", bars, of: 100),
            ], "kinds": [Any](), "familyKinds": [Any](), "heldOut": [Any](), "textSizes": [Any](), "seconds": 1,
            "mistakes": [Any](),
        ])
    }

    private static func winRate(
        _ policy: String, against reference: String, wins: Int, losses: Int
    ) throws -> WinRateReport {
        try decoded([
            "policy": try json(EvaluatedPolicy.scripted(policy)),
            "reference": try json(EvaluatedPolicy.scripted(reference)), "temperature": 0.7, "seed": 0,
            "overall": try json(WinRate(wins: wins, ties: 0, losses: losses)), "families": [String: Any](),
            "meanScore": 0.5, "meanScoreAgainst": 0.5, "pairs": [Any](),
        ])
    }

    private static func json(_ value: some Encodable) throws -> Any {
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(value))
    }

    private static func decoded<T: Decodable>(_ object: [String: Any]) throws -> T {
        try JSONDecoder().decode(T.self, from: JSONSerialization.data(withJSONObject: object))
    }
}
