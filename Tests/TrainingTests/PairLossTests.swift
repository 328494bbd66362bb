import Datasets
import Foundation
import Support
import TestSupport
import Testing
import Training

@Suite struct PairLossTests {
    private struct Recording: Decodable {
        struct Case: Decodable {
            let rewards: [Double], tiers: [[Int]], loss: Double, gradients: [Double]
        }
        let cases: [Case]
    }

    /// Rankings of 2 to 9 completions against PyTorch's logsigmoid: `make_reward.py`.
    @Test func lossAndGradientsEqualPyTorch() throws {
        let cases = try PackedFixture.decode(Recording.self, from: fixtureURL("pair_loss.json")).cases
        #expect(cases.contains { $0.tiers.contains { $0.count > 1 } } && cases.count == 15)
        for one in cases {
            let found = PairLoss(rewards: one.rewards, pairs: record(tiers: one.tiers).pairs)
            #expect(abs(found.loss - one.loss) < 1e-12 * max(1, one.loss))
            for (a, b) in zip(found.gradients, one.gradients) { #expect(abs(a - b) < 1e-12) }
        }
    }

    @Test(arguments: 1...20)
    func gradientsEqualFiniteDifferences(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let count = generator.draw(2...9)
        let rewards = (0..<count).map { _ in Double(generator.draw(-4000...4000)) / 1000 }
        let pairs = record(tiers: tiers(count, using: &generator)).pairs
        if pairs.isEmpty { return }
        let gradients = PairLoss(rewards: rewards, pairs: pairs).gradients
        for index in rewards.indices {
            let step = 1e-5
            var (up, down) = (rewards, rewards)
            up[index] += step
            down[index] -= step
            let slope =
                (PairLoss(rewards: up, pairs: pairs).loss - PairLoss(rewards: down, pairs: pairs).loss) / (2 * step)
            #expect(abs(slope - gradients[index]) < 1e-6 * max(1e-2, abs(slope)))
        }
    }

    @Test(arguments: 1...20)
    func theOrderOfCandidatesChangesNothing(seed: UInt64) {
        var generator = SplitMix64(seed: 100 + seed)
        let count = generator.draw(2...9)
        let rewards = (0..<count).map { _ in Double(generator.draw(-4000...4000)) / 1000 }
        var ranks = tiers(count, using: &generator)
        while ranks.count < 2 { ranks = tiers(count, using: &generator) }
        let order = generator.shuffled(Array(0..<count))
        let before = PairLoss(rewards: rewards, pairs: record(tiers: ranks).pairs)
        // Completion i now has the index order[i].
        var moved = rewards
        for (old, new) in order.enumerated() { moved[new] = rewards[old] }
        let after = PairLoss(rewards: moved, pairs: record(tiers: ranks.map { $0.map { order[$0] } }).pairs)
        #expect(abs(before.loss - after.loss) < 1e-14 * max(1, before.loss))
        for (old, new) in order.enumerated() { #expect(abs(before.gradients[old] - after.gradients[new]) < 1e-14) }
    }

    @Test func tiesDropOutAndThePairsThatRemainShareTheWeight() {
        let rewards = [0.5, -1, 2, 0.25]
        let tied = record(tiers: [[2, 0], [1], [3]])
        #expect(
            Set(tied.pairs) == Set([(2, 1), (2, 3), (0, 1), (0, 3), (1, 3)].map { .init(chosen: $0, rejected: $1) }))
        let expected =
            tied.pairs.map { PairLoss(rewards: rewards, pairs: [$0]).loss }.reduce(0, +) / 5
        #expect(abs(PairLoss(rewards: rewards, pairs: tied.pairs).loss - expected) < 1e-15)
        // Two tied answers have no pair: both move equally, relative to a third one that is equally far from each.
        let equal = PairLoss(rewards: [1, 1, 0], pairs: record(tiers: [[0, 1], [2]]).pairs)
        #expect(equal.gradients[0] == equal.gradients[1])
        #expect(record(tiers: [[0, 1, 2]]).pairs.isEmpty)
    }

    @Test func aCommonShiftChangesNothingAndNothingOverflows() {
        let pairs = record(tiers: [[1], [0], [2]]).pairs
        let near = PairLoss(rewards: [0.25, 1, -3], pairs: pairs)
        let far = PairLoss(rewards: [1000.25, 1001, 997], pairs: pairs)
        #expect(near.loss == far.loss && near.gradients == far.gradients)
        #expect(abs(near.gradients.reduce(0, +)) < 1e-15)
        let extreme = PairLoss(rewards: [1e4, -1e4, 0], pairs: pairs)
        #expect(extreme.loss.isFinite && extreme.gradients.allSatisfy(\.isFinite))
        #expect(abs(extreme.gradients[1] + 2.0 / 3) < 1e-12)
    }

    private func record(tiers: [[Int]]) -> PreferenceRecord {
        PreferenceRecord(
            id: "one", image: nil, question: "which?",
            completions: tiers.joined().map { .init(text: "\($0)", tokens: [2], policy: nil, finishReason: .stop) },
            tiers: tiers, labeler: .init(kind: .simulatedRule, id: "test"), seed: 0)
    }

    /// Completions in random tiers.
    private func tiers(_ count: Int, using generator: inout SplitMix64) -> [[Int]] {
        var tiers: [[Int]] = []
        for completion in generator.shuffled(Array(0..<count)) {
            if tiers.isEmpty || generator.draw(0...2) > 0 {
                tiers.append([completion])
            } else {
                tiers[tiers.count - 1].append(completion)
            }
        }
        return tiers
    }
}
