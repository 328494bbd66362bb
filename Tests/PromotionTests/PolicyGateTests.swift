import Checkpoints
import Evaluation
import Foundation
import Policies
import Promotion
import TestSupport
import Testing
import Training

@Suite struct PolicyGateTests {
    private let good = [
        "easy_vqa_questions": 9_673, "easy_vqa_overall": 0.99, "easy_vqa_open": 0.995, "easy_vqa_blank": 0.68,
        "easy_vqa_blank_questions": 1_000, "easy_vqa_swapped": 0.68, "easy_vqa_swapped_questions": 1_000,
        "text_perplexity_ratio": 1.05, "text_prompts": 200, "text_replies_ended_gain": 0, "win_rate": 0.5,
        "win_rate_pairs": 2_000,
        "contested_win_rate": 0.55, "contested_win_rate_low": 0.52, "contested_win_rate_pairs": 2_000,
        "kl_over_target": 2.0, "questions_a_family": 500, "largest_family_drop": 0.02, "absent_named_ratio": 0.7,
    ]

    private func failures(
        _ gate: PolicyGate, _ change: (inout PolicyEvaluation) -> Void = { _ in }
    ) -> [String] {
        var evaluation = PolicyEvaluation(policy: .scripted("ppo"), parent: .scripted("sft"), metrics: good)
        change(&evaluation)
        return gate.verdict(of: evaluation, policy: .scripted("ppo"), parent: .scripted("sft")).failures
    }

    @Test(arguments: [false, true]) func everyBoundCounts(isReinforced: Bool) throws {
        let gate = try shippedRules().gate(for: isReinforced ? .ppo : .sft)
        #expect(failures(gate).isEmpty)
        #expect(gate.rules.count == (isReinforced ? 19 : 10))
        for rule in gate.rules {
            let worse = rule.range.upperBound == .infinity ? -0.001 : 0.001
            #expect(failures(gate) { $0.metrics[rule.metric, default: 0] += worse }.count == 1)
            #expect(failures(gate) { $0.metrics[rule.metric] = nil }.count == 1)
            #expect(failures(gate) { $0.metrics[rule.metric] = .nan }.count == 1)
        }
    }

    @Test func anotherPolicysEvaluationCountsForNothing() throws {
        let gate = try shippedRules().gate(for: .ppo)
        #expect(
            failures(gate) { $0.policy.adapter = "x" }
                == ["the evaluation is of other weights: adapter_sha256: expected ppo weights, found x"])
        #expect(failures(gate) { $0.policy.adapterConfiguration = nil }.count == 1)
        #expect(failures(gate) { $0.policy.vision = "x" }.count == 1)
        #expect(failures(gate) { $0.policy.backbone = "x" }.count == 1)
        #expect(failures(gate) { $0.parent?.adapter = "x" }.count == 1)
        #expect(failures(gate) { $0.parent = nil }.count == 1)
    }

    @Test func filesAreReadWhole() throws {
        try withTemporaryFolder { folder in
            let path = folder.appending(path: "evaluation.json").path
            let written = PolicyEvaluation(policy: .scripted("sft"), parent: nil, metrics: ["x": 1])
            try written.write(to: path)
            #expect(try PolicyEvaluation(path: path) == written)
            try Data(#"{"policy":{"backbone_sha256":"b"}}"#.utf8).write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: FileError.self) { try PolicyEvaluation(path: path) }
            #expect(error?.reason == "figures: the field is missing")
        }
    }
}
