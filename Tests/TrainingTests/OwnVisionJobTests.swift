import Checkpoints
import Datasets
import Foundation
import Images
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

/// Reward model and PPO over a whole SmolVLM folder (`make_multimodal.py`): files in, policies out.
@Suite struct OwnVisionJobTests {
    private let compute = Compute(threads: 2)

    private func model() throws -> ModelCheckpoint {
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../ModelsTests/Fixtures")
        return try ModelCheckpoint(path: fixtures.appendingPathComponent("multimodal").path)
    }

    /// `sft` 1: a new adapter that sees as the base model does.
    private func published(over model: ModelCheckpoint, in policies: String) throws -> PolicyFolder {
        var generator = SplitMix64(seed: 1, stream: 0)
        let adapter = LowRankAdapter(starting: model.decoder.configuration, rank: 4, alpha: 8, using: &generator)
        let manifest = PolicyManifest(
            name: "sft", generation: 1, backbone: model.digest.sha256, created: TinyRun.time, creator: "test",
            chatTemplate: .model)
        return try PolicyFolder.publish(manifest, in: policies) {
            try PEFTAdapter(adapter, decoder: model.decoder.decoderName).write(to: $0, as: .bfloat16)
        }
    }

    private func record(_ number: Int) -> PreferenceRecord {
        let tiny = TinyRankings.record(number)
        return PreferenceRecord(
            id: "\(number)",
            image: .generated(family: .counts, seed: SeedSplit.training.seed(at: UInt64(number))),
            question: tiny.question, completions: tiny.completions, tiers: tiny.tiers, labeler: tiny.labeler,
            seed: tiny.seed)
    }

    private func reward(_ model: ModelCheckpoint, _ policy: PolicyFolder, in folder: URL) throws -> PolicyFolder {
        let rankings = folder.appending(path: "rankings.jsonl")
        try (0..<12).map { try record($0).line() }.reduce(Data(), +).write(to: rankings)
        var settings = TinyRankings.settings()
        settings.heldOutImages = 4
        let inputs = RankingInputs(
            baseModel: model, policy: policy, vision: nil, rankings: rankings.path, heldOut: nil,
            image: { reference in
                guard case .generated(let family, let seed) = reference else { preconditionFailure("a generated one") }
                return family.image(seed: seed).scene.image
            }, demonstration: { _ in .init("red") })
        let run = folder.appending(path: "reward").path
        let outcome = try RewardModelingJob(inputs: inputs, settings: settings, folder: run).run(
            precision: .float32, compute: compute, options: .init(validationInterval: 0)
        ) { _ in }
        #expect(outcome == .finished)
        return try FinishedRewardModeling(folder: run)
            .publish(generation: 1, in: folder.appending(path: "policies").path, at: TinyRun.time)
    }

    private func finishedPPO(
        _ model: ModelCheckpoint, _ policy: PolicyFolder, _ reward: PolicyFolder, in folder: URL
    ) throws -> FinishedPPO {
        var settings = TinyPPO.settings
        settings.iterations = 2
        var prompts = PromptSettings()
        (prompts.families, prompts.images, prompts.questions, prompts.heldOutImages) = ([.counts], 2, 2, 2)
        let run = folder.appending(path: "ppo").path
        let inputs = PPOJob.Inputs(baseModel: model, policy: policy, vision: nil, reward: reward, replay: nil)
        let outcome = try PPOJob(inputs: inputs, settings: settings, prompts: prompts, folder: run).run(
            precision: .float32, compute: compute, options: .init(validationInterval: 1)
        ) { _ in }
        #expect(outcome == .finished)
        return try FinishedPPO(folder: run)
    }

    @Test func laterStagesSeeAsTheBaseModelDoes() async throws {
        try await onOwnThread {
            try withTemporaryFolder { folder in
                let model = try model()
                let policies = folder.appending(path: "policies").path
                let policy = try published(over: model, in: policies)
                let reward = try reward(model, policy, in: folder)
                #expect(reward.manifest.seesAsBase && reward.manifest.image == nil)
                let finished = try finishedPPO(model, policy, reward, in: folder)
                #expect(finished.vision == nil && finished.digests.vision == nil)
                try finished.checkLineage(in: PolicyLibrary(published: policies, shipped: policies))
                let (value, ppo) = try finished.publish(generation: 1, in: policies, at: TinyRun.time)
                for published in [reward, try #require(value), ppo] {
                    #expect(published.manifest.seesAsBase && published.manifest.textTemplate == nil)
                    // PEFT finds a multimodal model's layers by these names.
                    let path = try #require(published.file(PolicyFiles.adapterWeights))
                    let names = try SafetensorsFile(path: path).tensors.keys
                    #expect(names.allSatisfy { $0.contains(".text_model.layers.") })
                }
                // The engine and training must read the same prompt: else the log-probabilities would differ by much.
                let log = try String(contentsOf: folder.appending(path: "ppo/log.jsonl"), encoding: .utf8)
                let gaps = log.matches(of: /"sampler_gap_max":([0-9.e-]+)/).compactMap { Double($0.1) }
                #expect(gaps.count == 2 && gaps.allSatisfy { $0 < 0.2 }, "\(gaps)")
            }
        }
    }
}
