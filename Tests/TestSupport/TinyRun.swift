import Checkpoints
public import Foundation
import Models
public import Policies
import Support
import Tensors
public import Tokenizers

/// The folders of tiny finished runs; other seeds give other weights.
public struct TinyRun {
    /// The base model that the runs say they were trained for.
    public static let backbone = String(repeating: "b1", count: 32)
    /// The digest that the runs give for their other inputs.
    public static let data = String(repeating: "c2", count: 32)
    /// When what the runs start from was published.
    public static let time = Date(timeIntervalSince1970: 1_800_000_000)
    /// How images become tiles.
    public static let image = PolicyManifest.Image(tileSize: 32, maximumTiles: 1, fit: .stretch)

    private static func writeAdapter(to folder: String, seed: UInt64) throws {
        var generator = SplitMix64(seed: seed, stream: 0)
        let pair = PEFTAdapter.Pair(
            a: Tensor(normal: 1, [2, 12], using: &generator), b: Tensor(normal: 1, [12, 2], using: &generator))
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try PEFTAdapter(rank: 2, alpha: 4, pairs: [.init(layer: 0, module: "q_proj"): pair])
            .write(to: folder, as: .bfloat16)
    }

    private static func writeHead(to folder: String, seed: UInt64) throws {
        var generator = SplitMix64(seed: seed, stream: 0)
        try RewardHead(score: ScalarHead(starting: 12, using: &generator)).write(to: folder + "/head.safetensors")
    }

    /// What a run of `train sft` leaves.
    public static func fineTuning(
        to folder: String, seed: UInt64 = 1, template: ChatTemplate.Name = .chatml
    ) throws {
        var generator = SplitMix64(seed: seed, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 12)
        try writeAdapter(to: folder + "/adapter", seed: seed + 1_000)
        try VisionWeights(configuration: sizes, using: &generator)
            .write(to: folder + "/model.safetensors", as: .bfloat16)
        let config = """
            {"settings": {"seed": 0}, "template": "\(template.rawValue)", "precision": "float32", "inputs": {
            "baseModel": {"sha256": "\(backbone)", "bytes": 9}, "vision": {"sha256": "\(data)", "bytes": 9},
            "questions": {"sha256": "\(data)", "bytes": 9}}}
            """
        try Data(config.utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
    }

    /// Publishes what a run of `train ppo` starts from: `sft` 2, `reward` 1 and `vision` 3.
    public static func publishBasis(in policies: String, seed: UInt64 = 1) throws {
        func manifest(_ name: String, _ generation: Int) -> PolicyManifest {
            PolicyManifest(
                name: name, generation: generation, backbone: backbone, created: time, creator: "test", image: image)
        }
        try PolicyFolder.publish(manifest("sft", 2), in: policies) { try writeAdapter(to: $0, seed: seed) }
        try PolicyFolder.publish(manifest("reward", 1), in: policies) {
            try writeAdapter(to: $0, seed: 7)
            try writeHead(to: $0, seed: 7)
        }
        try PolicyFolder.publish(manifest("vision", 3), in: policies) {
            try Data("eyes".utf8).write(to: URL(fileURLWithPath: $0 + "/model.safetensors"))
        }
    }

    /// What a run of `train ppo` that started from `publishBasis` in `policies` leaves.
    public static func ppo(
        to folder: String, from policies: String, seed: UInt64 = 5, hasValue: Bool = true
    ) throws {
        try writeAdapter(to: folder + "/adapter", seed: seed)
        if hasValue {
            try writeAdapter(to: folder + "/value", seed: seed + 100)
            try writeHead(to: folder + "/value", seed: seed)
        }
        let advantage = hasValue ? "" : #", "advantage": "group""#
        func input(_ policy: String, _ file: String) throws -> String {
            let digest = try FileDigest(path: "\(policies)/\(policy)/\(file).safetensors")
            return #"{"sha256": "\#(digest.sha256)", "bytes": \#(digest.bytes)}"#
        }
        let config = """
            {"stage": "ppo", "settings": {"maximumTokens": 48\(advantage)}, "prompts": {"families": ["counts", "absence"]},
            "parent": {"name": "sft", "generation": 2}, "reward": {"name": "reward", "generation": 1},
            "vision": {"name": "vision", "generation": 3}, "template": "chatml", "precision": "float32",
            "image": {"view_size": 32, "max_views": 1, "fit": "stretch"}, "inputs": {
            "baseModel": {"sha256": "\(backbone)", "bytes": 9}, "replay": {"sha256": "\(data)", "bytes": 9},
            "policy": \(try input("sft/2", "adapter_model")), "reward": \(try input("reward/1", "adapter_model")),
            "rewardHead": \(try input("reward/1", "head")), "visionModel": \(try input("vision/3", "model"))}}
            """
        try Data(config.utf8).write(to: URL(fileURLWithPath: folder + "/config.json"))
        let log = """
            {"step":1,"kl":0.0,"kl_target":2.5,"reward":0.1}
            {"step":2,"entropy":0.5,"kl":3.5,"kl_target":2.5,"kl_weight":0.06,"missing_ends":0.25,"reward":0.75}
            {"step":3,"kl"
            """
        try Data(log.utf8).write(to: URL(fileURLWithPath: folder + "/log.jsonl"))
    }
}
