import Engine
import Foundation
import Policies
import Support
import Tensors
import Testing

@Suite struct SamplerTests {
    private let logits: [Float] = [1, 3, 2, 3, -1]
    private let compute = Compute(threads: 1)
    private let nothing = Sampler.Context(prompt: [], generated: [])

    private func shares(_ parameters: SamplingParameters, draws: Int = 20_000) -> [Double] {
        var counts = [Double](repeating: 0, count: logits.count)
        for seed in 0..<draws {
            var parameters = parameters
            parameters.seed = UInt64(seed)
            counts[Int(Sampler(parameters).sample(logits, context: nothing, on: compute))] += 1
        }
        return counts.map { $0 / Double(draws) }
    }

    private func softmax(_ logits: [Float]) -> [Double] {
        let weights = logits.map { exp(Double($0)) }
        return weights.map { $0 / weights.reduce(0, +) }
    }

    private func expectClose(_ shares: [Double], _ expected: [Double]) {
        for (share, expected) in zip(shares, expected) { #expect(abs(share - expected) < 0.015) }
    }

    @Test func temperatureZeroTakesTheLowestIDOfTheBest() {
        var parameters = SamplingParameters()
        parameters.temperature = 0
        #expect(Sampler(parameters).sample(logits, context: nothing, on: compute) == 1)
    }

    @Test(arguments: [1, 2, 65, 5_000]) func logitsAreSortedWithTiesByID(count: Int) {
        var generator = SplitMix64(seed: UInt64(count))
        let special: [Float] = [
            0, -0.0, -.infinity, 1, -1, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
        ]
        let logits = (0..<count).map { _ in
            let draw = generator.draw(0...15)
            return draw < special.count ? special[draw] : Float(generator.draw(-300...300)) / 7
        }
        let expected = logits.indices.sorted { (logits[$0], -$0) > (logits[$1], -$1) }
        #expect(Sampler.descending(logits) == expected)
    }

    @Test func drawsFollowTheSoftmax() {
        expectClose(shares(SamplingParameters()), softmax(logits))
        var cold = SamplingParameters()
        cold.temperature = 0.5
        expectClose(shares(cold), softmax(logits.map { $0 * 2 }))
    }

    @Test func truncationKeepsTheMostLikely() {
        var topK = SamplingParameters()
        topK.topK = 2
        expectClose(shares(topK), [0, 0.5, 0, 0.5, 0])
        var topP = SamplingParameters()
        topP.topP = 0.8
        let three = softmax([3, 2, 3])
        expectClose(shares(topP), [0, three[0], three[1], three[2], 0])
        var minP = SamplingParameters()
        minP.minP = 0.3
        expectClose(shares(minP), [0, three[0], three[1], three[2], 0])
    }

    /// A large vocabulary against plain sorting and sums, at temperatures from almost 0 to flat.
    @Test(arguments: [.leastNonzeroMagnitude, 0.01, 0.7, 1, 2, 50] as [Float])
    func drawsAreThoseFromSortedWeights(temperature: Float) throws {
        var generator = SplitMix64(seed: 3)
        let logits = [15] + (1..<5_000).map { _ in Float(generator.draw(-900...900)) / 60 }
        let weights = TokenWeights(logits, temperature: temperature, minP: 0, on: compute)
        let exact = logits.map { exp(Double($0 - 15) / Double(temperature)) }
        let sorted = logits.indices.sorted { (logits[$0], -$0) > (logits[$1], -$1) }
        for share in [0.05, 0.5, 0.9, 0.999, 1] {
            let found = weights.mostLikely(nil, share: share)
            #expect(found.map(\.token) == Array(sorted.prefix(found.count)))
            let total = exact.reduce(0, +)
            let sum = found.reduce(0) { $0 + exact[$1.token] }
            let last = exact[found[found.count - 1].token]
            #expect(sum >= (share - 1e-6) * total && sum - last <= (share + 1e-6) * total)
        }
        // A draw is the token at which the sum reaches the share.
        let sums = exact.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + $1) }
        for share in stride(from: 0.0005, to: 1, by: 0.001) {
            let token = try #require(weights.token(at: share))
            #expect(sums[token] <= (share + 1e-6) * sums[logits.count])
            #expect(sums[token + 1] >= (share - 1e-6) * sums[logits.count])
        }
    }

    @Test func penaltiesAndBiasMoveTheChoice() {
        var parameters = SamplingParameters()
        parameters.temperature = 0
        parameters.frequencyPenalty = 0.6
        func token(after generated: [Int32], prompt: [Int32] = [], banned: Set<Int32> = []) -> Int32 {
            let context = Sampler.Context(prompt: prompt, generated: generated, banned: banned)
            return Sampler(parameters).sample(logits, context: context, on: compute)
        }
        #expect(token(after: [1, 3, 3]) == 1)
        #expect(token(after: [1, 1, 3, 3]) == 2)
        #expect(token(after: [], prompt: [1, 1, 1]) == 1)
        parameters.frequencyPenalty = 0
        parameters.repetitionPenalty = 2
        #expect(token(after: [], prompt: [1, 3]) == 2)
        parameters.repetitionPenalty = 1
        parameters.logitBias = [4: 100]
        #expect(token(after: []) == 4)
        #expect(token(after: [], banned: [4]) == 1)
    }

    @Test func aDrawDependsOnSeedAndPlaceAlone() {
        var parameters = SamplingParameters()
        parameters.seed = 11
        let context = Sampler.Context(prompt: [2], generated: [0, 1])
        let first = Sampler(parameters).sample(logits, context: context, on: compute)
        #expect((0..<10).allSatisfy { _ in Sampler(parameters).sample(logits, context: context, on: compute) == first })
        let places = (0..<50).map { reservation in
            Sampler(parameters).sample(
                logits, context: .init(prompt: [], generated: Array(repeating: 0, count: reservation)), on: compute)
        }
        #expect(Set(places).count > 1)
    }

    @Test func logprobsAreThoseOfTheFullSoftmax() {
        let token = Sampler.logprobs(logits, token: 2, top: 3)
        let expected = softmax(logits).map { log($0) }
        #expect(abs(Double(token.logprob ?? 0) - expected[2]) < 1e-6)
        #expect(token.top.map(\.id) == [1, 3, 2])
        for candidate in token.top { #expect(abs(Double(candidate.logprob) - expected[Int(candidate.id)]) < 1e-6) }
        #expect(Sampler.logprobs([0, -.infinity], token: 1, top: 2).logprob == -9999)
    }
}
