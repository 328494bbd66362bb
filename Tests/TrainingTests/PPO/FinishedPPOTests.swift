import Checkpoints
import Datasets
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

@Suite struct FinishedPPOTests {
    private let backbone = TinyRun.backbone
    private let replay = TinyRun.data
    private let time = TinyRun.time
    private let image = TinyRun.image

    private func publishBasis(in policies: String, seed: UInt64 = 1) throws {
        try TinyRun.publishBasis(in: policies, seed: seed)
    }

    private func writeRun(to folder: String, from policies: String, seed: UInt64 = 5) throws {
        try TinyRun.ppo(to: folder, from: policies, seed: seed)
    }

    private func withRun(_ body: (_ run: String, _ policies: String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let (run, policies) = (folder.path + "/run", folder.path + "/policies")
            try publishBasis(in: policies)
            try writeRun(to: run, from: policies)
            try body(run, policies)
        }
    }

    @Test func publishesThePolicyAndItsValueModelWithTheirLineage() throws {
        try withRun { run, policies in
            let finished = try FinishedPPO(folder: run)
            #expect(finished.families == [.counts, .absence] && finished.maximumTokens == 48)
            #expect(finished.klTarget == 2.5)
            try finished.publish(generation: 4, metrics: ["win_rate": 0.6], in: policies, at: time)

            let policy = try PolicyFolder(name: "ppo", in: policies, backbone: backbone)
            let digests = try ["policy", "reward", "rewardHead", "visionModel"].reduce(into: ["replay": replay]) {
                let (path, file) =
                    switch $1 {
                    case "policy": ("sft/2", "adapter_model")
                    case "reward": ("reward/1", "adapter_model")
                    case "rewardHead": ("reward/1", "head")
                    default: ("vision/3", "model")
                    }
                $0[$1] = try FileDigest(path: "\(policies)/\(path)/\(file).safetensors").sha256
            }
            var expected = PolicyManifest(
                name: "ppo", generation: 4, parent: .init(name: "sft", generation: 2), backbone: backbone,
                created: time, creator: "apus", vision: .init(name: "vision", generation: 3),
                reward: .init(name: "reward", generation: 1), value: .init(name: "value", generation: 4),
                chatTemplate: .chatml, textTemplate: .smollm2, image: image, sampling: .init(temperature: 0),
                metrics: [
                    "win_rate": 0.6, "training_step": 2, "training_reward": 0.75, "training_kl": 3.5,
                    "training_kl_target": 2.5, "training_kl_weight": 0.06, "training_entropy": 0.5,
                    "training_missing_ends": 0.25,
                ], data: digests)
            expected.files = policy.manifest.files
            #expect(policy.manifest == expected)
            #expect(PolicyDigests(policy.manifest, visionWeights: digests["visionModel"]) == finished.digests)

            let value = try PolicyFolder(name: "value", in: policies, backbone: backbone)
            #expect(value.manifest.generation == 4 && value.manifest.parent == .init(name: "reward", generation: 1))
            #expect(value.manifest.vision == expected.vision && value.manifest.chatTemplate == .chatml)
            for (folder, name, source) in [
                (policy, "adapter_model.safetensors", "adapter"), (value, "adapter_model.safetensors", "value"),
                (value, "head.safetensors", "value"),
            ] {
                let published = try FileDigest(path: try #require(folder.file(name)))
                #expect(try published == FileDigest(path: "\(run)/\(source)/\(name)"))
            }
        }
    }

    @Test(arguments: ["adapter/adapter_model.safetensors", "value/adapter_config.json", "value/head.safetensors"])
    func refusesARunThatIsNotFinished(missing: String) throws {
        try withRun { run, _ in
            try FileManager.default.removeItem(atPath: "\(run)/\(missing)")
            #expect(throws: FinishedRunError.unfinished(folder: run, missing: missing, stage: .ppo)) {
                try FinishedPPO(folder: run)
            }
        }
    }

    @Test func knowsTheStageOfARun() throws {
        try withRun { run, _ in
            #expect(try TrainedStage(ofRun: run) == .ppo)
            #expect(
                throws: FinishedRunError.badFile(path: run + "/config.json", reason: "stage: expected sft, found ppo")
            ) { try FinishedFineTuning(folder: run) }
            try Data(#"{"stage": "rank", "template": "chatml", "inputs": {}}"#.utf8)
                .write(to: URL(fileURLWithPath: run + "/config.json"))
            #expect(throws: FinishedRunError.badFile(path: run + "/config.json", reason: "stage: found rank")) {
                try TrainedStage(ofRun: run)
            }
        }
    }

    @Test func aRunWithoutAValueModelIsPublishedAlone() throws {
        try withTemporaryFolder { folder in
            let (run, policies) = (folder.path + "/run", folder.path + "/policies")
            try publishBasis(in: policies)
            try TinyRun.ppo(to: run, from: policies, hasValue: false)
            let finished = try FinishedPPO(folder: run)
            let library = PolicyLibrary(published: policies, shipped: policies)
            #expect(try finished.nextGeneration(of: "ppo", in: library) == 1)
            let published = try finished.publish(generation: 1, in: policies, at: time)
            #expect(published.value == nil && published.policy.manifest.value == nil)
            #expect(published.policy.manifest.reward == .init(name: "reward", generation: 1))
            #expect(try library.generations()["value"] == nil)
        }
    }

    @Test func whatItStartedFromMustBeThere() throws {
        try withRun { run, policies in
            let finished = try FinishedPPO(folder: run)
            let parent = try finished.checkLineage(in: PolicyLibrary(published: nil, shipped: policies))
            #expect(try parent.adapter == FileDigest(path: policies + "/sft/2/adapter_model.safetensors").sha256)
            #expect(parent.vision == finished.digests.vision && parent.adapter != finished.digests.adapter)
            // The same number with other bytes is another policy.
            let other = policies + "-other"
            try publishBasis(in: other, seed: 2)
            let error = #expect(throws: FinishedRunError.self) {
                try finished.checkLineage(in: PolicyLibrary(published: nil, shipped: other))
            }
            #expect(error?.description.contains("inputs.policy: expected \(parent.adapter ?? "")") == true)
            #expect(throws: PolicyError.self) {
                try finished.checkLineage(in: PolicyLibrary(published: nil, shipped: policies + "-none"))
            }
        }
    }

    @Test func aBrokenPublicationIsTakenUpAgain() throws {
        try withRun { run, policies in
            let library = PolicyLibrary(published: policies, shipped: policies)
            let finished = try FinishedPPO(folder: run)
            #expect(try finished.nextGeneration(of: "ppo", in: library) == 1)
            try finished.publish(generation: 1, in: policies)
            #expect(throws: PolicyError.published(path: policies + "/ppo/1")) {
                try finished.publish(generation: 1, in: policies)
            }
            // As after a crash between the two: only the value model exists.
            try FileManager.default.removeItem(atPath: policies + "/ppo")
            #expect(try finished.nextGeneration(of: "ppo", in: library) == 1)
            try writeRun(to: run + "2", from: policies, seed: 6)
            let second = try FinishedPPO(folder: run + "2")
            #expect(try second.nextGeneration(of: "ppo", in: library) == 2)
            #expect(throws: PolicyError.published(path: policies + "/value/1")) {
                try second.publish(generation: 1, in: policies)
            }
            let again = try finished.publish(generation: 1, in: policies)
            #expect(again.value?.manifest.generation == 1 && again.policy.manifest.generation == 1)
        }
    }
}
