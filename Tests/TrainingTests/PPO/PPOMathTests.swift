import Foundation
import Models
import Support
import Tensors
import Testing
import Training

/// Properties of PPO's arithmetic that hold for all numbers.
@Suite struct PPOMathTests {
    private func numbers(_ count: Int, seed: UInt64, scale: Double = 1) -> [Double] {
        var generator = SplitMix64(seed: seed, stream: 0)
        return (0..<count).map { _ in scale * Double(generator.normal()) }
    }

    /// Compares `gradients` with central differences of `loss`, leaving out the points at a kink, which `smooth` marks.
    private func check(
        _ point: [Double], gradients: [Double], smooth: (Int) -> Bool, loss: ([Double]) -> Double
    ) -> Int {
        var checked = 0
        for place in point.indices where smooth(place) {
            var (up, down) = (point, point)
            up[place] += 1e-6
            down[place] -= 1e-6
            let difference = (loss(up) - loss(down)) / 2e-6
            #expect(abs(difference - gradients[place]) < 1e-6 * max(1e-2, abs(difference)), "place \(place)")
            checked += 1
        }
        return checked
    }

    @Test(arguments: PolicyObjective.allCases)
    func policyGradientsAreThoseOfTheLoss(objective: PolicyObjective) {
        let old = numbers(64, seed: 1).map { -abs($0) }
        let new = zip(old, numbers(64, seed: 2, scale: 0.3)).map { $0 + $1 }
        let advantages = numbers(64, seed: 3)
        func loss(_ point: [Double]) -> PolicyLoss {
            switch objective {
            case .clipped: .clipped(logProbs: point, old: old, advantages: advantages, tokens: 80, range: 0.2)
            case .penalized: .penalized(logProbs: point, old: old, advantages: advantages, tokens: 80, weight: 0.8)
            }
        }
        let checked = check(
            new, gradients: loss(new).gradients,
            smooth: { abs(abs(exp(new[$0] - old[$0]) - 1) - 0.2) > 1e-4 }, loss: { loss($0).loss })
        #expect(checked > 60)
    }

    @Test func valueGradientsAreThoseOfTheLoss() {
        let old = numbers(64, seed: 4)
        let new = zip(old, numbers(64, seed: 5, scale: 0.4)).map { $0 + $1 }
        let returns = numbers(64, seed: 6)
        func loss(_ point: [Double]) -> ValueLoss {
            ValueLoss(values: point, old: old, returns: returns, tokens: 70, range: 0.2)
        }
        let checked = check(
            new, gradients: loss(new).gradients, smooth: { abs(abs(new[$0] - old[$0]) - 0.2) > 1e-4 },
            loss: { loss($0).loss })
        #expect(checked > 60 && loss(new).clipped > 0)
    }

    @Test func anUnmovedPolicyIsNotClippedAndPartsAddUp() {
        let old = numbers(40, seed: 7).map { -abs($0) }
        let advantages = numbers(40, seed: 8)
        let loss = PolicyLoss.clipped(logProbs: old, old: old, advantages: advantages, tokens: 40, range: 0.2)
        #expect(loss.ratios.maxRatioDeviation == 0 && loss.ratios.clipFraction == 0)
        #expect(loss.ratios.approxKL == 0 && loss.ratios.approxKLK3 == 0)
        #expect(zip(loss.gradients, advantages).allSatisfy { abs($0 + $1 / 40) < 1e-15 })
        let still = PolicyLoss.clipped(
            logProbs: old.map { $0 + 0.4 }, old: old, advantages: old.map { _ in 0 }, tokens: 40, range: 0.2)
        #expect(still.loss == 0 && still.gradients.allSatisfy { $0 == 0 })
        let new = old.map { $0 + 0.1 }
        let parts = [0..<13, 13..<40].map {
            PolicyLoss.clipped(
                logProbs: Array(new[$0]), old: Array(old[$0]), advantages: Array(advantages[$0]), tokens: 40,
                range: 0.2)
        }
        let whole = PolicyLoss.clipped(logProbs: new, old: old, advantages: advantages, tokens: 40, range: 0.2)
        #expect(abs(parts[0].loss + parts[1].loss - whole.loss) < 1e-12)
        #expect(parts.flatMap(\.gradients) == whole.gradients)
    }

    @Test(arguments: [1, 2, 9])
    func withoutDiscountOrValuesTheAdvantageIsTheRewardToGo(length: Int) {
        let rewards = numbers(length, seed: UInt64(length))
        let found = AdvantageEstimation(
            rewards: rewards, values: Array(repeating: 0, count: length), discount: 1, lambda: 1)
        for place in rewards.indices {
            #expect(abs(found.advantages[place] - rewards[place...].reduce(0, +)) < 1e-12)
        }
        #expect(found.returns == found.advantages)
    }

    @Test func lambdaZeroIsOneStepAndRightValuesLeaveNothing() {
        let rewards = numbers(7, seed: 11)
        let values = numbers(7, seed: 12)
        let step = AdvantageEstimation(rewards: rewards, values: values, discount: 0.9, lambda: 0)
        for place in rewards.indices {
            let next = place == 6 ? 0 : values[place + 1]
            #expect(abs(step.advantages[place] - (rewards[place] + 0.9 * next - values[place])) < 1e-12)
        }
        let right = rewards.indices.map { rewards[$0...].reduce(0, +) }
        let none = AdvantageEstimation(rewards: rewards, values: right, lambda: 0.95)
        #expect(none.advantages.allSatisfy { abs($0) < 1e-12 })
    }

    @Test func whiteningGivesVarianceOneAndKeepsOrder() {
        let values = [numbers(5, seed: 13, scale: 3), numbers(1, seed: 14), numbers(9, seed: 15)]
        for keepsMean in [true, false] {
            let white = Whitening.whitened(values, keepsMean: keepsMean)
            #expect(white.map(\.count) == values.map(\.count))
            let moments = Moments(white.joined())
            #expect(abs(moments.variance - 1) < 1e-6)
            #expect(abs(moments.mean - (keepsMean ? Moments(values.joined()).mean : 0)) < 1e-9)
        }
        // Without values, whitened rewards order answers like the rewards do.
        func ends(_ rewards: [[Double]]) -> [Double] {
            rewards.map { AdvantageEstimation(rewards: $0, values: [0], lambda: 1).advantages[0] }
        }
        let rewards = numbers(20, seed: 16).map { [$0] }
        let order = { (values: [Double]) in values.indices.sorted { values[$0] < values[$1] } }
        #expect(order(ends(rewards)) == order(ends(Whitening.whitened(rewards, keepsMean: true))))
    }

    @Test func theScoreStandsAtTheLastTokenAndAMissingEndCosts() {
        let rewards = TokenRewards.rewards(
            score: 2, logProbs: [-1, -2, -3], reference: [-1.5, -2, -2], klWeight: 0.5)
        #expect(rewards == [-0.25, 0, 2.5])
        #expect(TokenRewards.score(0.5, ended: true, missingEndPenalty: 1) == 0.5)
        #expect(TokenRewards.score(0.5, ended: false, missingEndPenalty: 1) == -0.5)
    }

    @Test func aProportionalWeightFollowsWithinBounds() {
        func next(_ divergence: Double) -> Double {
            KLControl.proportional.next(0.1, divergence: divergence, target: 2, episodes: 256, horizon: 1_500)
        }
        #expect(next(2) == 0.1)
        #expect(next(2.2) > 0.1 && next(1.8) < 0.1)
        #expect(abs(next(2.2) - 0.1 * (1 + 0.1 * 256 / 1_500)) < 1e-12)
        #expect(next(100) == next(2.4) && abs(next(100) - 0.1 * (1 + 0.2 * 256 / 1_500)) < 1e-12)
        #expect(next(0) == next(1.6) && next(0) < 0.1 && next(0) > 0)
        let none = KLControl.proportional.next(0, divergence: 9, target: 1, episodes: 256, horizon: 1_500)
        #expect(none == 0)
    }

    @Test func aSwitchedWeightDoublesAndHalves() {
        func next(_ divergence: Double) -> Double {
            KLControl.switch.next(0.1, divergence: divergence, target: 3, episodes: 1, horizon: 1)
        }
        #expect(next(1.9) == 0.05 && next(4.6) == 0.2)
        #expect([2.1, 3, 4.4].map(next) == [0.1, 0.1, 0.1])
    }

    @Test func scoresAreRelativeToThoseOfTheSameQuestion() {
        #expect(TokenRewards.relative([1, 3, 5, 5, 7], questions: [0..<2, 2..<4, 4..<5]) == [-1, 1, 0, 0, 0])
    }

    @Test func statisticsAreMeansOverAnswers() {
        let found = RolloutStatistics(
            .init(
                scores: [1, 1, 0, 2], ended: [true, true, false, true], logProbs: [[-1], [-1, -1], [-2], [-1, -3]],
                reference: [[-1], [-2, -1], [-1], [-1, -3]]))
        #expect(found.reward == 1 && found.missingEnds == 0.25 && found.length == 1.5)
        #expect(found.divergence == 0)
        let k3 = (exp(-1.0) - 1 + 1 + exp(1.0) - 1 - 1) / 4
        #expect(abs(found.divergenceK3 - k3) < 1e-12)
        #expect(RolloutStatistics.explainedVariance(returns: [1, 2, 3], values: [1, 2, 3]) == 1)
        #expect(RolloutStatistics.explainedVariance(returns: [1, 2, 3], values: [5, 5, 5]) == 0)
        #expect(RolloutStatistics.explainedVariance(returns: [1, 1], values: [5, 0]) == 0)
    }

    @Test func theStopRuleNamesItsReason() {
        let rule = StopRule()
        func reason(_ over: Int, _ missing: Double, _ entropy: Double) -> String? {
            rule.reason(overTarget: over, missingEnds: missing, entropy: entropy, referenceEntropy: 1)
        }
        #expect(reason(2, 0.1, 0.25) == nil)
        #expect(reason(3, 0, 1)?.contains("KL") == true)
        #expect(reason(0, 0.11, 1)?.contains("end token") == true)
        #expect(reason(0, 0, 0.24)?.contains("entropy") == true)
    }

    @Test func averagesMoveByTheirDecay() {
        let compute = Compute(threads: 1)
        var average = ParameterSet([("a", Tensor([1, 2], shape: [2])), ("b", Tensor([0], shape: [1]))])
        let latest = ParameterSet([("a", Tensor([2, 4], shape: [2])), ("b", Tensor([10], shape: [1]))])
        average.average(with: latest, decay: 0.75, on: compute)
        #expect(average.tensors.flatMap(\.elements) == [1.25, 2.5, 2.5])
    }
}
