import Checkpoints
import Foundation
import Policies
import Promotion
import TestSupport
import Testing
import Training

@Suite struct PolicyRulesTests {
    /// The rules by which `sft` 7 and `ppo` 7 were judged, and the order of their messages.
    @Test func theShippedRulesAreTheseAndNoOthers() throws {
        func least(_ metric: String, _ value: Double) -> PolicyGate.Rule {
            .init(metric: metric, range: value ... .infinity)
        }
        func most(_ metric: String, _ value: Double) -> PolicyGate.Rule {
            .init(metric: metric, range: -.infinity...value)
        }
        let all = [
            least("easy_vqa_questions", 9_673), least("easy_vqa_overall", 0.99), least("easy_vqa_open", 0.995),
            least("easy_vqa_blank_questions", 1_000), most("easy_vqa_blank", 0.68),
            least("easy_vqa_swapped_questions", 1_000), most("easy_vqa_swapped", 0.68),
            most("text_perplexity_ratio", 1.05), least("text_prompts", 200), least("text_replies_ended_gain", 0),
        ]
        let reinforced = [
            least("win_rate_pairs", 2_000), least("win_rate", 0.5), least("contested_win_rate_pairs", 2_000),
            least("contested_win_rate", 0.55), least("contested_win_rate_low", 0.52), most("kl_over_target", 2),
            least("questions_a_family", 500), most("largest_family_drop", 0.02), most("absent_named_ratio", 0.7),
        ]
        let rules = try shippedRules()
        #expect(try rules.gate(for: .sft).rules == all)
        #expect(try rules.gate(for: .ppo).rules == all + reinforced)
        #expect(rules.rules.allSatisfy { $0.why.hasSuffix(".") })
    }

    @Test func failuresSayWhatWasExpected() throws {
        let evaluation = PolicyEvaluation(
            policy: .scripted("sft"), parent: nil,
            metrics: ["easy_vqa_questions": 9_673, "easy_vqa_overall": 0.5, "easy_vqa_blank": 0.7])
        let failures = try shippedRules().gate(for: .sft)
            .verdict(of: evaluation, policy: .scripted("sft"), parent: nil).failures
        #expect(
            failures == [
                "easy_vqa_overall: expected at least 0.99, found 0.5",
                "easy_vqa_open: expected at least 0.995, found none",
                "easy_vqa_blank_questions: expected at least 1000.0, found none",
                "easy_vqa_blank: expected at most 0.68, found 0.7",
                "easy_vqa_swapped_questions: expected at least 1000.0, found none",
                "easy_vqa_swapped: expected at most 0.68, found none",
                "text_perplexity_ratio: expected at most 1.05, found none",
                "text_prompts: expected at least 200.0, found none",
                "text_replies_ended_gain: expected at least 0.0, found none",
            ])
    }

    private func rules(_ json: String) throws -> PolicyRules {
        try withTemporaryFolder { folder in
            let path = folder.path + "/rules.json"
            try Data(json.utf8).write(to: URL(fileURLWithPath: path))
            return try PolicyRules(path: path)
        }
    }

    @Test func ownRulesJudgeOwnPolicies() throws {
        let json = """
            [{"metric": "own_right", "minimum": 0.25, "maximum": 0.75, "why": "a"},
            {"metric": "own_blank", "minimum": 1, "applies_to": ["sft"], "why": "b"},
            {"metric": "own_blank", "minimum": 2, "applies_to": ["ppo"], "why": "c"}]
            """
        let rules = try self.rules(json)
        func failures(_ stage: TrainedStage, _ metrics: [String: Double]) throws -> [String] {
            try rules.gate(for: stage).verdict(
                of: .init(policy: .scripted("sft"), parent: nil, metrics: metrics), policy: .scripted("sft"),
                parent: nil
            ).failures
        }
        #expect(try failures(.sft, ["own_right": 0.25, "own_blank": 1]).isEmpty)
        #expect(try failures(.sft, ["own_right": 0.75, "own_blank": 1]).isEmpty)
        #expect(
            try failures(.ppo, ["own_right": 0.8, "own_blank": 1]) == [
                "own_right: expected at least 0.25 and at most 0.75, found 0.8",
                "own_blank: expected at least 2.0, found 1.0",
            ])
    }

    @Test(arguments: [
        ("[]", "expected at least one rule, found none"),
        (#"[{"metric": "kl", "minimum": 1}]"#, "rule 1 (kl): why: the field is missing"),
        (#"[{"minimum": 1, "why": "x"}]"#, "rule 1: metric: the field is missing"),
        (
            #"[{"metric": "A b", "minimum": 1, "why": "x"}]"#,
            #"rule 1 (A b): metric: expected a name like win_rate, found "A b""#
        ),
        (
            #"[{"metric": "own_rihgt", "minimum": 1, "why": "x"}]"#,
            "rule 1 (own_rihgt): metric: no evaluation measures it; docs/evaluation.md lists the metrics"
        ),
        (
            #"[{"metric": "kl", "why": "x"}]"#,
            "rule 1 (kl): minimum: expected a minimum, a maximum or both, found neither"
        ),
        (
            #"[{"metric": "kl", "minimum": 2, "maximum": 1, "why": "x"}]"#,
            "rule 1 (kl): minimum: expected at most the maximum 1.0, found 2.0"
        ),
        (
            #"[{"metric": "kl", "minimum": 1, "why": "x"}, {"metric": "own_right", "minimun": 1, "maximum": 2, "why": "x"}]"#,
            "rule 2 (own_right): minimun: this field is not known"
        ),
        (
            #"[{"metric": "kl", "minimum": 1, "applies_to": ["reward"], "why": "x"}]"#,
            #"rule 1 (kl): applies_to: expected each of sft, ppo, dpo, kto once at most, found ["reward"]"#
        ),
        (
            #"[{"metric": "kl", "minimum": 1, "applies_to": [], "why": "x"}]"#,
            "rule 1 (kl): applies_to: expected each of sft, ppo, dpo, kto once at most, found []"
        ),
        (#"[{"metric": "kl", "minimum": 1, "why": ""}]"#, "rule 1 (kl): why: expected a reason, found none"),
        (
            #"[{"metric": "kl", "minimum": 1, "why": "x"}, {"metric": "kl", "maximum": 2, "applies_to": ["ppo"], "why": "y"}]"#,
            "rule 2 (kl): metric: rule 1 bounds it for ppo already"
        ),
    ])
    func mistakesAreNamedByRuleAndField(json: String, reason: String) throws {
        let error = #expect(throws: PolicyRulesError.self) { try rules(json) }
        guard case .invalid(let path, let found) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == reason && error?.description == "\(path): \(reason)")
    }

    @Test func wrongTypesAreNamedByRuleAndField() throws {
        for (json, start) in [
            (#"[{"metric": "kl", "minimum": "1", "why": "x"}]"#, "rule 1 (kl): minimum: "),
            (#"[{"metric": 3, "minimum": 1, "why": "x"}]"#, "rule 1: metric: "), (#"[3]"#, "rule 1: "), ("{}", ""),
        ] {
            let error = #expect(throws: PolicyRulesError.self) { try rules(json) }
            guard case .invalid(_, let found) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(found.hasPrefix(start) && found.count > start.count)
        }
    }

    /// The page on evaluation lists every metric, and the shipped rules need every report on the project's questions.
    @Test func metricsAndTheirReportsAreDocumented() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/evaluation.md").standardized
        let text = try String(contentsOf: page, encoding: .utf8)
        for name in PolicyMetric.all.keys.sorted() where !name.hasPrefix("right_") {
            #expect(text.contains("`\(name)`"), "docs/evaluation.md has no \(name)")
        }
        let gate = try shippedRules().gate(for: .ppo)
        #expect(gate.reports == PolicyMeasurement.Settings.standard(comparing: true) && gate.comparesWithParent)
        let fineTuned = try shippedRules().gate(for: .sft)
        #expect(fineTuned.reports == [.easyVQA, .text] && !fineTuned.comparesWithParent)
        #expect(PolicyMetric.reports(for: "own_gain") == [.ownData, .parentOwnData])
    }

    /// A file without a rule for a stage would let everything pass.
    @Test func aStageWithoutRulesIsRefused() throws {
        let rules = try self.rules(#"[{"metric": "kl", "minimum": 1, "applies_to": ["ppo"], "why": "x"}]"#)
        let error = #expect(throws: PolicyRulesError.self) { try rules.gate(for: .sft) }
        #expect(error?.description.contains("no rule applies to a run of `train sft`") == true)
        #expect(try rules.gate(for: .ppo).rules.count == 1)
        #expect(throws: PolicyRulesError.self) { try PolicyRules(path: "/nonexistent/rules.json") }
    }
}
