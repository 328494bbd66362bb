import Checkpoints
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers
import Training

@Suite struct FinishedFineTuningTests {
    private let backbone = TinyRun.backbone
    private let questions = TinyRun.data
    private let time = TinyRun.time

    private func writeRun(to folder: URL, seed: UInt64 = 1) throws {
        try TinyRun.fineTuning(to: folder.path, seed: seed)
    }

    @Test func publishesThePolicyAndItsEyes() throws {
        try withTemporaryFolder { folder in
            let run = folder.appending(path: "run")
            try writeRun(to: run)
            let policies = folder.appending(path: "policies").path
            var publication = FinishedFineTuning.Publication(generation: 3, visionGeneration: 2)
            publication.metrics = ["accuracy": 0.994]
            try FinishedFineTuning(folder: run.path).publish(publication, in: policies, at: time)

            let policy = try PolicyFolder(name: "sft", in: policies, backbone: backbone)
            var expected = PolicyManifest(
                name: "sft", generation: 3, backbone: backbone, created: time, creator: "apus",
                vision: .init(name: "vision", generation: 2), chatTemplate: .chatml,
                textTemplate: .smollm2, image: .init(tileSize: 32, maximumTiles: 1, fit: .stretch),
                sampling: .init(temperature: 0), textSampling: .init(temperature: 0.7, topP: 0.9),
                metrics: ["accuracy": 0.994], data: ["questions": questions])
            expected.files = policy.manifest.files
            #expect(policy.manifest == expected)
            #expect(policy.manifest.files.keys.sorted() == ["adapter_config.json", "adapter_model.safetensors"])
            let vision = try PolicyFolder(name: "vision", in: policies, backbone: backbone)
            #expect(vision.manifest.generation == 2 && vision.manifest.creator == "apus")
            for (folder, name, source) in [
                (policy, "adapter_model.safetensors", "adapter/adapter_model.safetensors"),
                (vision, "model.safetensors", "model.safetensors"),
            ] {
                let published = try FileDigest(path: try #require(folder.file(name)))
                #expect(try published == FileDigest(path: run.appending(path: source).path))
            }
        }
    }

    @Test(arguments: ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "model.safetensors"])
    func refusesARunThatIsNotFinished(missing: String) throws {
        try withTemporaryFolder { folder in
            try writeRun(to: folder)
            try FileManager.default.removeItem(at: folder.appending(path: missing))
            let error = #expect(throws: FinishedRunError.self) { try FinishedFineTuning(folder: folder.path) }
            #expect(error == .unfinished(folder: folder.path, missing: missing, stage: .sft))
        }
    }

    @Test func neverAsksAnotherKindOfRunToGoOn() throws {
        try withTemporaryFolder { folder in
            try writeRun(to: folder)
            try FileManager.default.removeItem(at: folder.appending(path: "adapter"))
            let config = folder.appending(path: "config.json")
            // A file as `apus train vision` writes it, and no file at all.
            try Data(#"{"settings": {"seed": 0}, "inputs": {"baseModel": "\#(backbone)"}}"#.utf8).write(to: config)
            for reason in ["template: the field is missing", "there is no such file"] {
                #expect(throws: FinishedRunError.badFile(path: config.path, reason: reason)) {
                    try FinishedFineTuning(folder: folder.path)
                }
                try? FileManager.default.removeItem(at: config)
            }
        }
    }

    @Test(arguments: [
        "[]", #"{"template": "chatml"}"#, #"{"template": "other", "inputs": {}}"#,
        #"{"template": "chatml", "inputs": {}}"#,
    ])
    func refusesAnotherRunsConfiguration(config: String) throws {
        try withTemporaryFolder { folder in
            try writeRun(to: folder)
            try Data(config.utf8).write(to: folder.appending(path: "config.json"))
            let error = #expect(throws: FinishedRunError.self) { try FinishedFineTuning(folder: folder.path) }
            guard case .badFile = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func neverGivesANumberToOtherBytes() throws {
        try withTemporaryFolder { folder in
            let policies = folder.appending(path: "policies").path
            for seed in 1...2 { try writeRun(to: folder.appending(path: "run\(seed)"), seed: UInt64(seed)) }
            let first = try FinishedFineTuning(folder: folder.appending(path: "run1").path)
            let second = try FinishedFineTuning(folder: folder.appending(path: "run2").path)
            try first.publish(.init(generation: 1, visionGeneration: 1), in: policies)
            #expect(throws: PolicyError.published(path: policies + "/sft/1")) {
                try second.publish(.init(generation: 1, visionGeneration: 2), in: policies)
            }
            #expect(throws: PolicyError.published(path: policies + "/vision/1")) {
                try second.publish(.init(generation: 2, visionGeneration: 1), in: policies)
            }
            // Another generation may use the same vision weights.
            let again = try first.publish(.init(generation: 2, visionGeneration: 1), in: policies)
            #expect(again.vision?.manifest.generation == 1 && again.policy.manifest.generation == 2)
        }
    }
}
