import Checkpoints
import Engine
import Models
import Policies
import Synchronization
import Tensors
import Tokenizers

/// Policies without weights: `sft` in generations 1 to 3, with 3 as the current one, and others that a test needs.
final class ScriptedPolicies: PolicySource {
    /// The error when a broken generation is loaded.
    struct Broken: Error, CustomStringConvertible {
        let description = "/data/policies/sft/2/adapter_model.safetensors: expected 5 bytes, found 4"
    }

    private let model: String?
    private let vision: Policy.Vision?
    private let textSampling: SamplingParameters?
    private let aliases: [String: String]
    private let broken: Set<Int>
    private let numbers: Mutex<[String: Int]>

    /// - Parameter readers: the ones of `reward` and `value` that exist, in generation 7.
    init(
        model: String? = nil, vision: Policy.Vision? = nil, aliases: [String: String] = [:], broken: Set<Int> = [],
        readers: [String] = [],
        textSampling: SamplingParameters? = nil
    ) {
        self.model = model
        self.textSampling = textSampling
        self.vision = vision
        self.aliases = aliases
        self.broken = broken
        self.numbers = Mutex(["sft": 3].merging(readers.map { ($0, 7) }) { $1 })
    }

    func current() -> [String: Int] { numbers.withLock { $0 } }

    func generations() -> [String: [Int]] { ["sft": [1, 2, 3], "vision": [1]] }

    func value(of name: String, generation: Int) -> PolicyManifest.Reference? { nil }

    func setCurrent(_ generation: Int, of name: String) {
        numbers.withLock { $0[name] = generation }
    }

    func catalog(of generations: [String: Int], reusing known: [Policy]) throws -> PolicyCatalog {
        guard broken.isDisjoint(with: generations.values) else { throw Broken() }
        let policy = Policy(
            name: "sft", model: model, generation: generations["sft"] ?? 0, adapter: nil, vision: vision,
            template: .chatml,
            sampling: SamplingParameters(), textSampling: textSampling, created: 1_000, parent: "base")
        func reader(_ name: String) -> Policy? {
            generations[name].map { generation in
                Policy(
                    name: name, generation: generation, adapter: nil, vision: vision, template: .chatml,
                    sampling: SamplingParameters(), created: 1_000,
                    head: RewardHead(score: ScalarHead(weight: Tensor(zeros: [1, 64]), bias: Tensor(zeros: [1]))))
            }
        }
        return PolicyCatalog(
            default: policy, aliases: model.map { [$0: policy.requestName] } ?? aliases, reward: reader("reward"),
            value: reader("value"))
    }
}
