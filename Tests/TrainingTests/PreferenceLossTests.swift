import Datasets
import Foundation
import Testing
import Training

/// The losses of DPO, KTO, GRPO and RLOO against TRL's: `make_preferences.py`.
@Suite struct PreferenceLossTests {
    private struct Golden: Decodable {
        struct DPO: Decodable {
            let policy: [[Double]], reference: [[Double]], loss: Double, gradients: [Double]
        }
        struct KTO: Decodable {
            let policy: [[Double]], reference: [[Double]], label: [Bool], unrelated: [Double]
            let kl: Double, loss: Double, gradients: [Double], desirable_weight: Double, undesirable_weight: Double
        }
        struct Groups: Decodable {
            let scores: [Double], answers: Int, group: [Double], leave_one_out: [Double]
            let new: [[Double]], old: [[Double]], reference: [[Double]], loss: Double, gradients: [[Double]]
        }
        let beta: Double, smoothing: Double, kl_weight: Double, clip: Double
        let dpo: [String: DPO], kto: KTO, groups: Groups
    }

    private func golden() throws -> Golden {
        let fixture = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/preferences.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: fixture))
    }

    private func ratios(_ policy: [[Double]], _ reference: [[Double]]) -> [Double] {
        zip(policy, reference).map { zip($0, $1).reduce(0) { $0 + $1.0 - $1.1 } }
    }

    @Test(arguments: ["sigmoid", "ipo", "smoothed"]) func pairsCostWhatTheyCostInTRL(name: String) throws {
        let golden = try golden()
        let expected = try #require(golden.dpo[name])
        let ratios = ratios(expected.policy, expected.reference)
        let found = PreferenceLoss(
            logRatios: ratios, lengths: expected.policy.map(\.count),
            pairs: (0..<4).map { .init(chosen: $0, rejected: $0 + 4) }, objective: name == "ipo" ? .ipo : .sigmoid,
            beta: golden.beta, smoothing: name == "smoothed" ? golden.smoothing : 0)
        #expect(abs(found.loss - expected.loss) < 1e-12)
        for (found, wanted) in zip(found.gradients, expected.gradients) { #expect(abs(found - wanted) < 1e-12) }
    }

    @Test func answersCostWhatTheyCostInTRL() throws {
        let golden = try golden()
        let expected = golden.kto
        let reference = DesirabilityLoss.reference(unrelated: expected.unrelated)
        #expect(abs(reference - expected.kl) < 1e-12 && reference > 0)
        let found = DesirabilityLoss(
            logRatios: ratios(expected.policy, expected.reference), isDesirable: expected.label, reference: reference,
            beta: golden.beta, weights: (expected.desirable_weight, expected.undesirable_weight))
        #expect(abs(found.loss - expected.loss) < 1e-12)
        for (found, wanted) in zip(found.gradients, expected.gradients) { #expect(abs(found - wanted) < 1e-12) }
        #expect(DesirabilityLoss.reference(unrelated: [-1, 0.5]) == 0)
    }

    @Test func groupsGiveTheAdvantagesOfTRL() throws {
        let golden = try golden()
        let expected = golden.groups
        let questions = [0..<expected.answers, expected.answers..<2 * expected.answers]
        let group = GroupAdvantage.normalized(expected.scores, questions: questions)
        for (found, wanted) in zip(group, expected.group) { #expect(abs(found - wanted) < 1e-9) }
        let rewards = expected.scores.indices.map { index in
            TokenRewards.rewards(
                score: expected.scores[index], logProbs: expected.old[index], reference: expected.reference[index],
                klWeight: golden.kl_weight
            ).reduce(0, +)
        }
        let others = GroupAdvantage.leaveOneOut(rewards, questions: questions)
        for (found, wanted) in zip(others, expected.leave_one_out) { #expect(abs(found - wanted) < 1e-9) }
        #expect(GroupAdvantage.normalized([3], questions: [0..<1]) == [0])
        #expect(GroupAdvantage.leaveOneOut([3], questions: [0..<1]) == [0])
    }

    @Test func tokensCostWhatTheyCostInGRPO() throws {
        let golden = try golden()
        let expected = golden.groups
        let tokens = expected.new.reduce(0) { $0 + $1.count }
        var loss = 0.0
        for index in expected.new.indices {
            let part = PolicyLoss.clipped(
                logProbs: expected.new[index], old: expected.old[index],
                advantages: Array(repeating: expected.group[index], count: expected.new[index].count), tokens: tokens,
                range: golden.clip
            ).adding(
                divergenceFrom: expected.reference[index], logProbs: expected.new[index], weight: golden.kl_weight,
                tokens: tokens)
            loss += part.loss
            for (found, wanted) in zip(part.gradients, expected.gradients[index]) {
                #expect(abs(found - wanted) < 1e-12)
            }
        }
        #expect(abs(loss - expected.loss) < 1e-12)
    }

    @Test(arguments: PairObjective.allCases) func gradientsAreTheLossesSlopes(objective: PairObjective) {
        let ratios = [0.4, -1.2, 0.1, 2.0]
        let pairs: [PreferenceRecord.Pair] = [
            .init(chosen: 0, rejected: 1), .init(chosen: 0, rejected: 2), .init(chosen: 3, rejected: 1),
        ]
        func loss(_ ratios: [Double]) -> PreferenceLoss {
            PreferenceLoss(
                logRatios: ratios, lengths: [2, 5, 1, 3], pairs: pairs, objective: objective, beta: 0.4,
                smoothing: objective == .sigmoid ? 0.2 : 0)
        }
        for index in ratios.indices {
            var (up, down) = (ratios, ratios)
            up[index] += 1e-5
            down[index] -= 1e-5
            let slope = (loss(up).loss - loss(down).loss) / 2e-5
            #expect(abs(slope - loss(ratios).gradients[index]) < 1e-8)
        }
    }

    @Test func extremeLogRatiosStayFinite() {
        for h in [-1e6, 1e6] {
            let found = PreferenceLoss(
                logRatios: [h, 0], lengths: [1, 1], pairs: [.init(chosen: 0, rejected: 1)], objective: .sigmoid,
                beta: 1, smoothing: 0)
            #expect(found.loss.isFinite && found.gradients.allSatisfy(\.isFinite))
        }
    }
}
