import Foundation
import TestSupport
import Testing
import Training

/// Rewards, advantages, returns, losses and gradients against TRL's formulas in float64: `make_ppo.py`.
@Suite struct PPOGoldenTests {
    private struct Fixture: Decodable {
        let settings: Settings
        let cases: [Case]
    }

    private struct Settings: Decodable {
        let lambda: Double, clipRange: Double, klWeight: Double, missingEndPenalty: Double, penaltyWeight: Double
    }

    private struct Case: Decodable {
        let name: String
        let whitensRewards: Bool
        let scores: [Double], ended: [Bool]
        let policyLoss: Double, clipFraction: Double, penalizedLoss: Double, valueLoss: Double
        let valueClipFraction: Double, approximateKl: Double, kl: Double, klK3: Double, explainedVariance: Double
        let logProbs: [[Double]], reference: [[Double]], values: [[Double]], rewards: [[Double]]
        let advantages: [[Double]], returns: [[Double]], newLogProbs: [[Double]], newValues: [[Double]]
        let policyGradient: [[Double]], penalizedGradient: [[Double]], valueGradient: [[Double]]
    }

    private let fixture: Fixture

    init() throws {
        let path = #filePath.replacingOccurrences(of: "PPO/PPOGoldenTests.swift", with: "x.swift")
        fixture = try PackedFixture.decode(Fixture.self, from: fixtureURL("ppo.json", file: path))
    }

    private func close(_ found: [[Double]], _ expected: [[Double]]) -> Bool {
        found.map(\.count) == expected.map(\.count)
            && zip(found.joined(), expected.joined()).allSatisfy { close($0, $1) }
    }

    private func close(_ found: Double, _ expected: Double) -> Bool {
        abs(found - expected) <= 1e-9 * max(1, abs(expected))
    }

    @Test func rewardsAdvantagesAndReturns() {
        let settings = fixture.settings
        for one in fixture.cases {
            let scores = zip(one.scores, one.ended).map {
                TokenRewards.score($0, ended: $1, missingEndPenalty: settings.missingEndPenalty)
            }
            var rewards = scores.indices.map {
                TokenRewards.rewards(
                    score: scores[$0], logProbs: one.logProbs[$0], reference: one.reference[$0],
                    klWeight: settings.klWeight)
            }
            if one.whitensRewards { rewards = Whitening.whitened(rewards, keepsMean: true) }
            #expect(close(rewards, one.rewards), "\(one.name)")
            let estimates = zip(rewards, one.values).map {
                AdvantageEstimation(rewards: $0, values: $1, lambda: settings.lambda)
            }
            #expect(close(estimates.map(\.returns), one.returns), "\(one.name)")
            let advantages = Whitening.whitened(estimates.map(\.advantages), keepsMean: false)
            #expect(close(advantages, one.advantages), "\(one.name)")
        }
    }

    @Test func policyLosses() {
        let settings = fixture.settings
        for one in fixture.cases {
            let tokens = one.logProbs.joined().count
            let (new, old) = (one.newLogProbs.flatMap { $0 }, one.logProbs.flatMap { $0 })
            let advantages = one.advantages.flatMap { $0 }
            let clipped = PolicyLoss.clipped(
                logProbs: new, old: old, advantages: advantages, tokens: tokens, range: settings.clipRange)
            #expect(close(clipped.loss, one.policyLoss), "\(one.name)")
            #expect(close([clipped.gradients], [one.policyGradient.flatMap { $0 }]), "\(one.name)")
            #expect(close(clipped.ratios.clipFraction, one.clipFraction) && one.clipFraction > 0, "\(one.name)")
            #expect(close(clipped.ratios.approxKL, one.approximateKl), "\(one.name)")
            let penalized = PolicyLoss.penalized(
                logProbs: new, old: old, advantages: advantages, tokens: tokens, weight: settings.penaltyWeight)
            #expect(close(penalized.loss, one.penalizedLoss), "\(one.name)")
            #expect(close([penalized.gradients], [one.penalizedGradient.flatMap { $0 }]), "\(one.name)")
        }
    }

    @Test func valueLosses() {
        for one in fixture.cases {
            let tokens = one.values.joined().count
            let loss = ValueLoss(
                values: one.newValues.flatMap { $0 }, old: one.values.flatMap { $0 },
                returns: one.returns.flatMap { $0 }, tokens: tokens, range: fixture.settings.clipRange)
            #expect(close(loss.loss, one.valueLoss), "\(one.name)")
            #expect(close([loss.gradients], [one.valueGradient.flatMap { $0 }]), "\(one.name)")
            #expect(close(Double(loss.clipped) / Double(tokens), one.valueClipFraction), "\(one.name)")
            #expect(loss.clipped > 0, "\(one.name)")
        }
    }

    @Test func statistics() {
        for one in fixture.cases {
            let found = RolloutStatistics(
                .init(
                    scores: one.scores, ended: one.ended, logProbs: one.logProbs, reference: one.reference))
            #expect(close(found.divergence, one.kl), "\(one.name)")
            #expect(close(found.divergenceK3, one.klK3), "\(one.name)")
            let explained = RolloutStatistics.explainedVariance(
                returns: one.returns.flatMap { $0 }, values: one.values.flatMap { $0 })
            #expect(close(explained, one.explainedVariance), "\(one.name)")
        }
    }
}
