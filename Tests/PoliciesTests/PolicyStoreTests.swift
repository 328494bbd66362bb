import Checkpoints
import Foundation
import Models
import Policies
import Tensors
import TestSupport
import Testing

@Suite struct PolicyStoreTests {
    private let decoder: TransformerDecoder

    init() throws {
        decoder = try TransformerDecoder(TinyLlama.file(), compute: Compute(threads: 1))
    }

    private func store(published: String?, shipped: String) throws -> PolicyStore {
        try PolicyStore(
            PolicyLoader(
                decoder: decoder, base: BaseModel(digest: TinyPolicy.backbone),
                library: PolicyLibrary(published: published, shipped: shipped)))
    }

    @Test func whatIsPublishedGoesFirst() throws {
        try withTemporaryFolder { folder in
            let (shipped, published) = (folder.path + "/shipped", folder.path + "/published")
            try TinyPolicy.publish(generation: 1, in: shipped)
            let store = try store(published: published, shipped: shipped)
            #expect(store.catalog.generations == ["sft": 1])
            try TinyPolicy.publish(generation: 2, in: published)
            #expect(store.catalog.generations == ["sft": 1])
            #expect(try store.reload(applies: false) == [PolicyChange(name: "sft", generation: 2, previous: 1)])
            #expect(store.catalog.generations == ["sft": 1])
            #expect(try store.reload() == [PolicyChange(name: "sft", generation: 2, previous: 1)])
            #expect(store.catalog.generations == ["sft": 2] && store.catalog.defaultPolicy.generation == 2)
            #expect(try store.generations() == ["sft": [1, 2]])
            // Back to what was shipped, and so after the next start.
            #expect(
                try store.publish("sft", generation: 1) == PolicyChange(name: "sft", generation: 1, previous: 2))
            #expect(try self.store(published: published, shipped: shipped).catalog.generations == ["sft": 1])
            #expect(try PolicyFolder.current(of: "sft", in: shipped) == 1)
        }
    }

    @Test func whatDidNotChangeIsKept() throws {
        try withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path)
            let store = try store(published: nil, shipped: folder.path)
            let before = store.catalog.defaultPolicy
            #expect(try store.reload().isEmpty)
            #expect(store.catalog.defaultPolicy === before)
            // A generation that someone still holds is not loaded again.
            try TinyPolicy.publish(generation: 3, in: folder.path)
            _ = try store.publish("sft", generation: 3)
            #expect(store.catalog.defaultPolicy !== before)
            _ = try store.publish("sft", generation: 1)
            #expect(store.catalog.defaultPolicy === before)
            // Without a folder to publish into, a change lasts as long as the server.
            try TinyPolicy.publish(generation: 2, in: folder.path)
            _ = try store.publish("sft", generation: 1)
            #expect(store.catalog.defaultPolicy === before)
            #expect(try PolicyFolder.current(of: "sft", in: folder.path) == 2)
        }
    }

    /// A rollback where nothing can be written outlives a reload, until the folders say something new.
    @Test func aReloadKeepsWhatWasPublishedInMemory() throws {
        try withTemporaryFolder { folder in
            for generation in 1...2 {
                try TinyPolicy.publish(
                    "value", generation: generation, in: folder.path, head: TinyPolicy.head(seed: UInt64(generation)))
                try TinyPolicy.publish(
                    generation: generation, in: folder.path, value: .init(name: "value", generation: generation))
            }
            let store = try store(published: nil, shipped: folder.path)
            #expect(store.catalog.generations == ["sft": 2, "value": 2])
            _ = try store.publish("sft", generation: 1)
            #expect(try store.reload().isEmpty)
            #expect(store.catalog.generations == ["sft": 1, "value": 1])
            // The folders' own news are not held up by it.
            try TinyPolicy.publish("ppo", generation: 1, in: folder.path)
            #expect(try store.reload() == [PolicyChange(name: "ppo", generation: 1, previous: nil)])
            #expect(store.catalog.generations == ["ppo": 1, "sft": 1, "value": 1])
            try TinyPolicy.publish(generation: 3, in: folder.path)
            #expect(try store.reload() == [PolicyChange(name: "sft", generation: 3, previous: 1)])
        }
    }

    /// Reward and value model come and go like policies, but nobody is answered by them.
    @Test func modelsThatReadAnswersAreServedBesidePolicies() throws {
        try withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path)
            let store = try store(published: folder.path, shipped: folder.path + "/none")
            #expect(store.catalog.reward == nil && store.catalog.value == nil)
            try TinyPolicy.publish("reward", generation: 1, in: folder.path, head: TinyPolicy.head(seed: 1))
            #expect(try store.reload() == [PolicyChange(name: "reward", generation: 1, previous: nil)])
            let reward = try #require(store.catalog.reward)
            #expect(reward.head?.score.weight.elements == TinyPolicy.head(seed: 1).score.weight.elements)
            #expect(store.catalog["reward"] == nil && store.catalog.policies.map(\.name) == ["sft", "base"])
            try TinyPolicy.publish("value", generation: 1, in: folder.path, head: TinyPolicy.head(seed: 2))
            try TinyPolicy.publish("reward", generation: 2, in: folder.path, head: TinyPolicy.head(seed: 3))
            _ = try store.publish("value", generation: 1)
            #expect(store.catalog.reward === reward && store.catalog.generations["value"] == 1)
            #expect(
                try store.publish("reward", generation: 2) == PolicyChange(name: "reward", generation: 2, previous: 1))
            #expect(store.catalog.generations == ["sft": 1, "reward": 2, "value": 1])
            // One without a head, of another width, or not finite is none.
            try TinyPolicy.publish("reward", generation: 3, in: folder.path)
            #expect(throws: PolicyLoadingError.missingFile(policy: "reward", file: "head.safetensors")) {
                try store.publish("reward", generation: 3)
            }
            let narrow = RewardHead(score: ScalarHead(weight: Tensor(zeros: [1, 32]), bias: Tensor(zeros: [1])))
            try TinyPolicy.publish("reward", generation: 4, in: folder.path, head: narrow)
            #expect(throws: SafetensorsError.self) { try store.publish("reward", generation: 4) }
            let broken = TinyPolicy.head(seed: 1).normalized(shift: 0, gain: .infinity)
            try TinyPolicy.publish("reward", generation: 5, in: folder.path, head: broken)
            #expect(throws: PolicyLoadingError.notFinite(policy: "reward")) {
                try store.publish("reward", generation: 5)
            }
            #expect(store.catalog.generations["reward"] == 2)
            // A value is of an answer that is not there yet, so it cannot weigh its log-probability.
            let weighing = RewardHead(score: TinyPolicy.head(seed: 1).score, logProbWeight: 0.5)
            try TinyPolicy.publish("reward", generation: 6, in: folder.path, head: weighing)
            try TinyPolicy.publish("value", generation: 6, in: folder.path, head: weighing)
            _ = try store.publish("reward", generation: 6)
            #expect(throws: ModelError.unknownTensor("score.likelihood")) { try store.publish("value", generation: 6) }
        }
    }

    @Test func aPolicyBringsTheValueModelThatWasTrainedBesideIt() throws {
        try withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path)
            let store = try store(published: folder.path, shipped: folder.path + "/none")
            for generation in 1...2 {
                try TinyPolicy.publish(
                    "value", generation: generation, in: folder.path, head: TinyPolicy.head(seed: UInt64(generation)))
                try TinyPolicy.publish(
                    "ppo", generation: generation, in: folder.path,
                    value: .init(name: "value", generation: generation))
            }
            for generation in [2, 1, 2] {
                _ = try store.publish("ppo", generation: generation)
                #expect(store.catalog.generations == ["sft": 1, "ppo": generation, "value": generation])
                #expect(try store.reload().isEmpty)
            }
        }
    }

    @Test func aFailedCheckChangesNothing() throws {
        try withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path)
            let store = try store(published: folder.path, shipped: folder.path + "/none")
            let before = store.catalog.defaultPolicy
            try TinyPolicy.publish(generation: 2, in: folder.path)
            try TinyPolicy.damage(generation: 2, in: folder.path)
            #expect(throws: PolicyError.self) { try store.publish("sft", generation: 2) }
            #expect(throws: PolicyError.self) { try store.reload() }
            try TinyPolicy.publish(generation: 3, in: folder.path, alpha: 3e38)
            #expect(throws: PolicyLoadingError.notFinite(policy: "sft")) { try store.publish("sft", generation: 3) }
            #expect(throws: PolicyLoadingError.unknownGeneration(policy: "sft", 4, known: [1, 2, 3])) {
                try store.publish("sft", generation: 4)
            }
            #expect(throws: PolicyLoadingError.self) { try store.publish("base", generation: 1) }
            #expect(store.catalog.defaultPolicy === before)
        }
    }

    @Test func aliasesMustStandForSomething() throws {
        try withTemporaryFolder { folder in
            try TinyPolicy.publish(generation: 1, in: folder.path)
            func catalog(_ aliases: [String: String]) throws -> PolicyCatalog {
                let loader = PolicyLoader(
                    decoder: decoder, base: BaseModel(digest: TinyPolicy.backbone),
                    library: PolicyLibrary(published: nil, shipped: folder.path), aliases: aliases)
                return try loader.catalog(of: loader.current())
            }
            #expect(try catalog(["x": "sft", "y": "base"])["x"]?.name == "sft")
            for (alias, policy) in [("x", "ppo"), ("base", "sft"), ("sft", "base")] {
                #expect(throws: PolicyLoadingError.badAlias(alias, policy: policy)) { try catalog([alias: policy]) }
            }
        }
    }
}
