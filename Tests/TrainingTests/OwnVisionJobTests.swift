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
        _ model: ModelCheckpoint, _ policy: PolicyFolder, _ reward: PolicyFolder, in folder: URL, own: [URL] = [],
        families: [Family] = [.counts]
    ) throws -> FinishedPPO {
        var settings = TinyPPO.settings
        settings.iterations = 2
        var prompts = PromptSettings()
        (prompts.families, prompts.images, prompts.questions, prompts.heldOutImages) = (families, 4, 2, 2)
        if !own.isEmpty {
            prompts.ownData = OwnDataSettings(weights: own.map { _ in 500 })
            prompts.ownData?.heldOutShare = 0.3
        }
        let run = folder.appending(path: "ppo").path
        let inputs = PPOJob.Inputs(
            baseModel: model, policy: policy, vision: nil, reward: reward, replay: nil, ownData: own.map(\.path))
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

    /// Images of one colour, with a table of one or two questions about each; some questions stand twice.
    private func table(_ count: Int, in folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var rows = "image,question\n"
        for index in 0..<count {
            let level = UInt8(index * 255 / count)
            let image = RGBImage(width: 40, height: 24, red: level, green: level, blue: 90)
            try Data(ImageFile.encode(image)).write(to: folder.appending(path: "\(index).png"))
            rows += "\(index).png,what is it\n"
            if index.isMultiple(of: 2) { rows += "\(index).png,how much\n\(index).png,what is it\n" }
        }
        try Data(rows.utf8).write(to: folder.appending(path: "data.csv"))
    }

    /// The images and questions of a run's records in `subfolder`.
    private func asked(_ subfolder: String, in folder: URL) throws -> [RolloutRecord.Question] {
        try ["0001", "0002"].flatMap { name in
            let data = try Data(contentsOf: folder.appending(path: "ppo/\(subfolder)/\(name).json"))
            return try JSONDecoder().decode(RolloutRecord.self, from: data).questions
        }
    }

    /// With families, half of an iteration's images are own; without them, all are.
    @Test(arguments: [[Family.counts], []])
    func reinforcementAsksAboutOwnImages(_ families: [Family]) async throws {
        try await onOwnThread {
            try withTemporaryFolder { folder in
                let (model, own) = (try model(), folder.appending(path: "own"))
                try table(12, in: own)
                let policies = folder.appending(path: "policies").path
                let policy = try published(over: model, in: policies)
                let reward = try reward(model, policy, in: folder)
                let finished = try finishedPPO(model, policy, reward, in: folder, own: [own], families: families)
                #expect(finished.families == families)
                let split = try OwnDataSplit(OwnData.examples(at: own.path), share: 0.3)
                func references(_ examples: [OwnExample]) throws -> Set<PreferenceImage> {
                    Set(try examples.map { .stored(sha256: FileDigest.sha256(of: try $0.images[0].bytes())) })
                }
                let (training, heldOut) = (try references(split.training), try references(split.heldOut))
                let (samples, validated) = (try asked("samples", in: folder), try asked("held-out", in: folder))
                let shown = samples.map(\.image).filter(training.contains)
                // Images whose answers all agree take no part in an iteration, nor in its record.
                #expect(!shown.isEmpty && (families.isEmpty ? shown.count == samples.count : shown.count <= 4))
                #expect(!samples.contains { heldOut.contains($0.image) })
                #expect(validated.contains { heldOut.contains($0.image) })
                #expect(!validated.contains { training.contains($0.image) })
                #expect(families.isEmpty || validated.contains { !heldOut.contains($0.image) })
                let ppo = try finished.publish(generation: 1, in: policies, at: TinyRun.time).policy
                #expect(ppo.manifest.data["own"]?.count == 64)
            }
        }
    }

    /// Each with the words that the error must have.
    @Test(arguments: [
        (#"{"prompt":"a"}"#, "1 of 20 examples have no image or several"),
        (#"{"prompt":"a","images":["0.png","1.png"]}"#, "1 of 20 examples have no image or several"),
        (
            #"{"prompt":[{"role":"system","content":"b"},{"role":"user","content":"a"}],"images":["0.png"]}"#,
            "earlier turns, and reinforcement asks one question"
        ),
        (
            #"{"prompt":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"}]}],"images":["0.png"]}"#,
            "the image behind the question"
        ),
    ])
    func promptsThatReinforcementCannotAskAreRefused(_ line: String, _ message: String) throws {
        try withTemporaryFolder { folder in
            let (model, own) = (try model(), folder.appending(path: "own"))
            try table(9, in: own)
            try Data(line.utf8).write(to: own.appending(path: "more.jsonl"))
            let policy = try published(over: model, in: folder.appending(path: "policies").path)
            #expect {
                _ = try finishedPPO(model, policy, policy, in: folder, own: [own])
            } throws: { "\($0)".contains(message) }
        }
    }
}
