import Datasets
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Training

/// DPO and KTO of the tiny llama, from rankings to another policy.
@Suite struct PreferenceOptimizationTests {
    private let compute = Compute(threads: 2)

    private func settings(_ method: PreferenceMethod) -> PreferenceSettings {
        var settings = PreferenceSettings()
        settings.method = method
        settings.promptsPerStep = 8
        settings.epochs = 3
        settings.learningRate = 1e-2
        settings.warmUp = 3
        settings.heldOutImages = 12
        return settings
    }

    private func stage(
        _ settings: PreferenceSettings, images: Int = 60, replay: [ReplayRecord] = []
    ) throws -> PreferenceOptimization {
        try PreferenceOptimization(
            base: try TinyLlama.frozen(compute: compute), reference: TinyRankings.adapter(),
            prompts: TinyRankings.prompts(0..<images), replay: replay, settings: settings)
    }

    private func metrics(_ stage: inout PreferenceOptimization) throws -> [String: Double] {
        Dictionary(uniqueKeysWithValues: try stage.validate().map { ($0.name, $0.value) })
    }

    @Test(arguments: PreferenceMethod.allCases) func itLearnsWhatOnlyImagesDecide(method: PreferenceMethod) throws {
        var stage = try stage(settings(method))
        let before = try metrics(&stage)
        // The policy is still the reference.
        #expect(before["held_out_accuracy"] == 0.5 && before["held_out_margin"] == 0)
        #expect(stage.heldOut.count == 12)
        for step in 0..<stage.steps { _ = try stage.advance(step: step) }
        let after = try metrics(&stage)
        let (accuracy, loss) = (after["held_out_accuracy"] ?? 0, after["loss_held_out"] ?? 0)
        #expect(accuracy > 0.9, "accuracy \(accuracy)")
        #expect(loss < 0.7 * (before["loss_held_out"] ?? 0), "loss \(loss)")
    }

    @Test func everyEpochHasEveryPromptOnce() throws {
        var settings = settings(.dpo)
        settings.learningRate = 1e-9
        var stage = try stage(settings, images: 29)
        #expect(stage.steps == 9)
        // 17 prompts: the third step of an epoch has one.
        let units = try (0..<9).map { try stage.advance(step: $0).units }
        for epoch in 0..<3 {
            let own = units[3 * epoch..<3 * epoch + 3]
            #expect(own[3 * epoch + 2] < own[3 * epoch + 1])
            #expect(own.reduce(0, +) == units[..<3].reduce(0, +))
        }
    }

    @Test func gradientsAreTheLossesSlopes() throws {
        let settings = settings(.dpo)
        let prompts = try TinyRankings.prompts(0..<5)
        let base = try TinyLlama.frozen(compute: compute)
        let reference = TinyRankings.adapter()
        var parameters = ParameterSet(TinyRankings.adapter(seed: 9).parameters)
        func gradients() -> (loss: Double, gradients: ParameterSet) {
            PreferenceOptimization.gradients(
                of: prompts, policy: LowRankAdapter(parameters, like: TinyLlama.configuration, rank: 4, alpha: 8),
                reference: reference, base: base, settings: settings)
        }
        let name = try #require(parameters.names.last { $0.hasSuffix("b") })
        let (start, gradient) = (parameters[name], gradients().gradients[name])
        let norm = compute.squaredNorm(gradient).squareRoot()
        try #require(norm > 1e-6)
        let step = 1e-3
        var slope = 0.0
        for sign in [1.0, -1.0] {
            compute.add(&parameters[name], gradient, scale: Float(sign * step / norm))
            slope += sign * gradients().loss / (2 * step)
            parameters[name] = start
        }
        #expect(abs(slope - norm) < 2e-2 * norm, "slope \(slope), gradient \(norm)")
    }

    /// A lone prompt has no answer of another prompt, and must not take one of its own for it.
    @Test func theOrderOfAnswersChangesNoLossOfALonePrompt() throws {
        let settings = settings(.kto)
        var stage = try stage(settings)
        for step in 0..<4 { _ = try stage.advance(step: step) }
        let base = try TinyLlama.frozen(compute: compute)
        let losses = try [false, true].map { reversed in
            let record = TinyRankings.record(0, reversed: reversed)
            let comparison = try #require(RankedAnswers.comparisons(of: [record]).first)
            let image = TinyRankings.encoded(TinyRankings.embeddings(0))
            return PreferenceOptimization.gradients(
                of: [try TinyRankings.reader().prompt(of: comparison, image: image)], policy: stage.policy,
                reference: TinyRankings.adapter(), base: base, settings: settings
            ).loss
        }
        #expect(abs(losses[0] - losses[1]) < 1e-6, "\(losses)")
    }

    @Test func replayedTextIsPartOfEveryStep() throws {
        let text = ReplayRecord(prompt: [5, 9], reply: [7, 11, 2])
        var with = try stage(settings(.dpo), replay: [text])
        var without = try stage(settings(.dpo))
        let report = try with.advance(step: 0)
        #expect(report.metrics.contains { $0.name == "loss_replay" && $0.value > 0 })
        _ = try without.advance(step: 0)
        #expect(with.state["replay_weight"] != nil)
        #expect(zip(with.parameters.tensors, without.parameters.tensors).contains { $0.elements != $1.elements })
    }
}
