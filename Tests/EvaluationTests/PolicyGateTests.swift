import Checkpoints
import Evaluation
import Foundation
import TestSupport
import Testing

@Suite struct PolicyGateTests {
    private let adapter = FileDigest(sha256: String(repeating: "a1", count: 32), bytes: 9)
    private let backbone = String(repeating: "b2", count: 32)
    private let good = [
        "easy_vqa_overall": 0.99, "easy_vqa_open": 0.995, "easy_vqa_blank": 0.68, "easy_vqa_swapped": 0.68,
        "text_perplexity_ratio": 1.05, "win_rate": 0.55, "win_rate_low": 0.52, "kl_over_target": 2.0,
        "largest_family_drop": 0.02, "absent_named_ratio": 0.7,
    ]

    private func failures(_ name: String, _ change: (inout PolicyEvaluation) -> Void = { _ in }) -> [String] {
        var evaluation = PolicyEvaluation(adapter: adapter.sha256, backbone: backbone, figures: good)
        change(&evaluation)
        return PolicyGate(for: name).failures(of: evaluation, adapter: adapter, backbone: backbone)
    }

    @Test(arguments: ["sft", "ppo"]) func everyBoundCounts(_ name: String) {
        #expect(failures(name).isEmpty)
        let gate = PolicyGate(for: name)
        #expect(gate.rules.count == (name == "ppo" ? 10 : 5))
        for rule in gate.rules {
            let worse = rule.range.upperBound == .infinity ? -0.001 : 0.001
            #expect(failures(name) { $0.figures[rule.figure, default: 0] += worse }.count == 1)
            #expect(failures(name) { $0.figures[rule.figure] = nil }.count == 1)
            #expect(failures(name) { $0.figures[rule.figure] = .nan }.count == 1)
        }
    }

    @Test func anotherPolicysEvaluationCountsForNothing() {
        #expect(failures("sft") { $0.adapter = backbone }.count == 1)
        #expect(failures("sft") { $0.backbone = adapter.sha256 }.count == 1)
    }

    @Test func filesAreReadWhole() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "evaluation.json")
            try Data(#"{"adapter_sha256":"a","backbone_sha256":"b","figures":{"x":1}}"#.utf8).write(to: url)
            let read = try PolicyEvaluation(path: url.path)
            #expect(read == PolicyEvaluation(adapter: "a", backbone: "b", figures: ["x": 1]))
            try Data(#"{"adapter_sha256":"a","figures":{}}"#.utf8).write(to: url)
            #expect(throws: DecodingError.self) { try PolicyEvaluation(path: url.path) }
        }
    }
}
