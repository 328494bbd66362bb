import Checkpoints
import Foundation
public import Models
public import Policies
import Support
import Tensors
import Tokenizers

/// Policies of the tiny llama, whose generations differ in how much their adapter weighs.
public enum TinyPolicy {
    /// What they say that they were trained for.
    public static let backbone = String(repeating: "ab", count: 32)

    /// Publishes a generation of a policy that reads text alone.
    ///
    /// - Parameters:
    ///   - alpha: scales the adapter; one that is not finite spoils the logits.
    ///   - head: what makes it a reward or value model.
    @discardableResult
    public static func publish(
        _ name: String = "sft", generation: Int, in folder: String, alpha: Float = 8, head: RewardHead? = nil,
        value: PolicyManifest.Reference? = nil, file: String = #filePath
    ) throws -> PolicyFolder {
        var manifest = PolicyManifest(
            name: name, generation: generation, backbone: backbone, created: Date(timeIntervalSince1970: 1e9),
            creator: "test", chatTemplate: .chatml, sampling: .init(temperature: 0))
        manifest.value = value
        let fixture = URL(fileURLWithPath: file).deletingLastPathComponent()
            .appendingPathComponent("../CheckpointsTests/Fixtures/adapter")
        let adapter = try PEFTAdapter(folder: fixture.path)
        return try PolicyFolder.publish(manifest, in: folder) { staging in
            try PEFTAdapter(rank: adapter.rank, alpha: alpha, pairs: adapter.pairs).write(to: staging, as: .float32)
            try head?.write(to: staging + "/head.safetensors")
        }
    }

    /// A random head of the tiny llama's width.
    public static func head(seed: UInt64) -> RewardHead {
        var generator = SplitMix64(seed: seed, stream: 0)
        return RewardHead(score: ScalarHead(starting: TinyLlama.configuration.hidden, using: &generator))
    }

    /// Changes one byte of a published generation's weights.
    public static func damage(generation: Int, in folder: String) throws {
        let url = URL(fileURLWithPath: "\(folder)/sft/\(generation)/adapter_model.safetensors")
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: url)
    }
}

extension PolicyDigests {
    /// Digests that no other name has, over one base model.
    public static func scripted(_ name: String) -> PolicyDigests {
        PolicyDigests(
            adapter: "\(name) weights", adapterConfiguration: "\(name) configuration", vision: "eyes", backbone: "base")
    }
}
