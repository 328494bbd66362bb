import Engine
import Synchronization
import Tokenizers

/// Policies without weights: `sft` in generations 1 to 3, of which 3 is current, and others that a test wants.
final class ScriptedPolicies: PolicySource {
    /// What loading a broken generation throws.
    struct Broken: Error, CustomStringConvertible {
        let description = "/data/policies/sft/2/adapter_model.safetensors: expected 5 bytes, found 4"
    }

    private let vision: Policy.Vision?
    private let aliases: [String: String]
    private let broken: Set<Int>
    private let numbers = Mutex(["sft": 3])

    init(vision: Policy.Vision? = nil, aliases: [String: String] = [:], broken: Set<Int> = []) {
        self.vision = vision
        self.aliases = aliases
        self.broken = broken
    }

    func current() -> [String: Int] { numbers.withLock { $0 } }

    func generations() -> [String: [Int]] { ["sft": [1, 2, 3], "reward": [1]] }

    func setCurrent(_ generation: Int, of name: String) {
        numbers.withLock { $0[name] = generation }
    }

    func catalog(of generations: [String: Int], reusing known: [Policy]) throws -> PolicyCatalog {
        guard broken.isDisjoint(with: generations.values) else { throw Broken() }
        let policy = Policy(
            name: "sft", generation: generations["sft"] ?? 0, adapter: nil, vision: vision, template: .chatml,
            sampling: SamplingParameters(), created: 1_000)
        return PolicyCatalog(default: policy, aliases: aliases)
    }
}
