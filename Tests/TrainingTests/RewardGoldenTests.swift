import Checkpoints
import Datasets
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Training

/// The reward model of the tiny llama against PyTorch in float64: `make_reward.py`.
@Suite struct RewardGoldenTests {
    /// An image and its ranked questions.
    private struct Image: Decodable {
        struct Prompt: Decodable { let question: [Int32], answers: [[Int32]], tiers: [[Int]] }
        let prefix: [Int32], visual: Int
        let prompts: [Prompt]
    }
    private struct Text: Decodable {
        let images: [Image]

        enum CodingKeys: String, CodingKey { case images = "pictures" }
    }
    private struct Steps: Decodable {
        struct Schedule: Decodable { let steps: Int, warmUp: Int, floor: Float }
        struct Settings: Decodable {
            let beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float, maximumNorm: Float
        }
        let losses: [Double], norms: [Double]
        let rates: [String: Float]
        let settings: Settings
        let schedule: Schedule
        let batches: [[Image]]
    }

    private let compute = Compute(threads: 2)
    /// A head's parameters and their names in the fixtures.
    private static let head = [("head.weight", "score.weight"), ("head.likelihood", "score.likelihood")]
    private static let labeler = PreferenceRecord.Labeler(kind: .simulatedRule, id: "test")

    private static func pairs(of prompt: Image.Prompt) -> [PreferenceRecord.Pair] {
        PreferenceRecord(
            id: "test", image: nil, question: "?",
            completions: prompt.answers.map { .init(text: "", tokens: $0, policy: nil, finishReason: .stop) },
            tiers: prompt.tiers, labeler: labeler, seed: 0
        ).pairs
    }

    /// The prompts of `images`, whose visual tokens are consecutive rows of `visual`.
    private func prompts(_ images: [Image], visual: Tensor?) -> [RankedPrompt] {
        var first = 0
        return images.enumerated().flatMap { number, image in
            let tokens = image.visual > 0 ? visual?.rows(first..<first + image.visual) : nil
            first += image.visual
            return image.prompts.map { prompt in
                RankedPrompt(
                    id: "\(number)", image: tokens == nil ? nil : .easyVQA(number: number),
                    prefix: tokens == nil ? [] : image.prefix, tiles: tokens == nil ? [] : [1..<1 + image.visual],
                    embeddings: tokens, question: (tokens == nil ? image.prefix : []) + prompt.question,
                    answers: prompt.answers,
                    rankings: [.init(labeler: Self.labeler, pairs: Self.pairs(of: prompt))], family: "test")
            }
        }
    }

    @Test func rewardsAndLossEqualThoseOfTRL() throws {
        let text = try PackedFixture.decode(Text.self, from: fixtureURL("reward_trl.json"))
        let file = try SafetensorsFile(path: fixtureURL("reward_trl.safetensors").path)
        let model = RewardModel(
            base: try TinyLlama.frozen(compute: compute), adapter: try LowRankAdapter(file),
            head: RewardHead(score: ScalarHead(weight: try file.tensor("score.weight"), bias: Tensor(zeros: [1]))))
        let prompts = prompts(text.images, visual: nil)
        let result = model.gradients(of: prompts)
        #expect(abs(result.loss - Double(try file.tensor("loss").elements[0])) < 1e-5)
        #expect(relativeDistance(result.head.score.weight, try file.tensor("grad.score.weight")) < 1e-5)
        let expected = try file.tensor("rewards").elements
        for (found, wanted) in zip(result.rewards.joined(), expected) { #expect(abs(found - wanted) < 1e-5) }
        #expect(result.rewards.joined().count == expected.count)
    }

    @Test func tenStepsEqualPyTorch() throws {
        let recording = try PackedFixture.decode(Steps.self, from: fixtureURL("reward_steps.json"))
        let file = try SafetensorsFile(path: fixtureURL("reward_steps.safetensors").path)
        let base = try TinyLlama.frozen(compute: compute)
        func parameters(_ prefix: String) throws -> ParameterSet {
            ParameterSet(
                try Self.head.map { ($0, try file.tensor(prefix + $1)) }
                    + (try LowRankAdapter(file, prefix: prefix).parameters))
        }
        let (start, settings) = (try parameters("start."), recording.settings)
        var current = start
        var optimizer = Optimizer(
            parameters: start,
            groups: try [("adapter.", "adapter"), ("head.", "head")].map {
                .init(
                    prefix: $0, learningRate: try #require(recording.rates[$1]), weightDecay: settings.weightDecay)
            },
            settings: .init(
                beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
                maximumNorm: settings.maximumNorm))
        let schedule = CosineSchedule(
            steps: recording.schedule.steps, warmUp: recording.schedule.warmUp, floor: recording.schedule.floor)
        for step in 0..<10 {
            let batch = step % recording.batches.count
            let model = RewardModel(
                base: base, adapter: LowRankAdapter(current, like: TinyLlama.configuration, rank: 4, alpha: 8),
                head: RewardHead(current))
            let result = model.gradients(
                of: prompts(recording.batches[batch], visual: try file.tensor("visual.\(batch)")))
            #expect(abs(result.loss - recording.losses[step]) < 1e-3 * recording.losses[step], "step \(step)")
            let gradients = ParameterSet(result.head.parameters + result.adapter.parameters)
            if step == 0 { try checkFirst(result, gradients, file) }
            let norm = optimizer.update(&current, gradients: gradients, factor: schedule.factor(at: step), on: compute)
            #expect(abs(norm - recording.norms[step]) < 1e-3 * recording.norms[step], "step \(step)")
        }
        let end = try parameters("final.")
        for name in end.names {
            var (moved, error) = (end[name], current[name])
            compute.add(&moved, start[name], scale: -1)
            compute.add(&error, end[name], scale: -1)
            let share = (compute.squaredNorm(error) / compute.squaredNorm(moved)).squareRoot()
            #expect(share < 1e-2, "\(name)")
        }
    }

    private func checkFirst(_ result: RewardModel.Gradients, _ gradients: ParameterSet, _ file: SafetensorsFile) throws
    {
        for (found, wanted) in zip(result.rewards.joined(), try file.tensor("rewards").elements) {
            #expect(abs(found - wanted) < 1e-5)
        }
        let expected = ParameterSet(
            try Self.head.map { ($0, try file.tensor("grad." + $1)) }
                + (try LowRankAdapter(file, prefix: "grad.").parameters))
        for name in expected.names {
            #expect(relativeDistance(gradients[name], expected[name]) < 1e-3, "\(name)")
        }
        // A head's bias changes no difference of rewards.
        #expect(abs(result.head.score.bias.elements[0]) < 1e-6)
    }
}
