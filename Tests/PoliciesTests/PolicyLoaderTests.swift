import Checkpoints
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct PolicyLoaderTests {
    private let decoder: TransformerDecoder
    private let backbone = String(repeating: "ab", count: 32)
    private let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    init() throws {
        decoder = try TransformerDecoder(TinyLlama.file(.q4_1), compute: Compute(threads: 1))
    }

    private func publish(
        in folder: String, textHidden: Int = 64, image: PolicyManifest.Image? = nil,
        textSampling: PolicyManifest.Sampling? = nil
    ) throws {
        let sizes = try VisionConfiguration(
            imageSize: 16, patchSize: 4, hidden: 16, layers: 1, heads: 2, feedForward: 32, scale: 2,
            textHidden: textHidden)
        var random = SplitMix64(seed: 1, stream: 0)
        let weights = VisionWeights(configuration: sizes, using: &random)
        let vision = PolicyManifest(
            name: "vision", generation: 3, backbone: backbone, created: Date(timeIntervalSince1970: 1e9),
            creator: "test")
        try PolicyFolder.publish(vision, in: folder) { try weights.write(to: $0 + "/model.safetensors") }
        try publishPolicy(in: folder, image: image, textSampling: textSampling)
    }

    /// Publishes `sft` alone, over generation 3 of the vision.
    private func publishPolicy(
        in folder: String, image: PolicyManifest.Image?, textSampling: PolicyManifest.Sampling? = nil
    ) throws {
        let sft = PolicyManifest(
            name: "sft", generation: 1, backbone: backbone, created: Date(timeIntervalSince1970: 1e9), creator: "test",
            vision: .init(name: "vision", generation: 3), chatTemplate: .chatml, image: image,
            sampling: .init(temperature: 0), textSampling: textSampling)
        let adapter = tests.appendingPathComponent("CheckpointsTests/Fixtures/adapter")
        try PolicyFolder.publish(sft, in: folder) { target in
            for name in ["adapter_config.json", "adapter_model.safetensors"] {
                try FileManager.default.copyItem(
                    atPath: adapter.appendingPathComponent(name).path, toPath: "\(target)/\(name)")
            }
        }
    }

    private func loader(
        _ folder: String, backbone: String? = nil, preferred: String? = nil, aliases: [String: String] = [:]
    ) -> PolicyLoader {
        PolicyLoader(
            decoder: decoder, base: BaseModel(digest: backbone ?? self.backbone),
            library: .init(published: nil, shipped: folder),
            preferred: preferred, aliases: aliases)
    }

    private func catalog(_ loader: PolicyLoader) throws -> PolicyCatalog {
        try loader.catalog(of: loader.current())
    }

    private let image = PolicyManifest.Image(tileSize: 16, maximumTiles: 1, fit: .stretch)

    @Test func policiesComeWithTheirEyesAndDefaults() throws {
        try withTemporaryFolder { folder in
            try publish(in: folder.path, image: image)
            let catalog = try self.catalog(loader(folder.path))
            #expect(catalog.policies.map(\.name) == ["sft", "base"])
            let sft = catalog.defaultPolicy
            #expect(sft.generation == 1 && sft.created == 1_000_000_000 && sft.template == .chatml)
            #expect(sft.sampling.temperature == 0 && sft.adapter != nil && sft.vision?.generation == 3)
            func digest(_ file: String) throws -> String { try FileDigest(path: "\(folder.path)/\(file)").sha256 }
            let digests = PolicyDigests(
                adapter: try digest("sft/1/adapter_model.safetensors"),
                adapterConfiguration: try digest("sft/1/adapter_config.json"),
                vision: image.digest(weights: try digest("vision/3/model.safetensors")), backbone: backbone)
            #expect(sft.digests == digests)
            var wider = image
            wider.maximumTiles = 4
            #expect(wider.digest(weights: "a") != image.digest(weights: "a"))
            #expect(image.digest(weights: "b") != image.digest(weights: "a"))
            let base = try #require(catalog["base"])
            #expect(base.digests?.adapter == nil && base.digests?.vision == digests.vision)
            #expect(base.adapter == nil && base.vision?.generation == 3 && base.template == .smollm2)
            let preferred = try self.catalog(loader(folder.path, preferred: "base"))
            #expect(preferred.defaultPolicy.name == "base")
        }
    }

    @Test func theDefaultIsTheMostCapablePolicy() throws {
        try withTemporaryFolder { folder in
            for name in ["mine", "sft", "ppo", "reader"] {
                try TinyPolicy.publish(name, generation: 1, in: folder.path)
                let expected = name == "mine" ? "base" : name
                #expect(try catalog(loader(folder.path)).defaultPolicy.name == expected)
            }
        }
    }

    /// Policies with the same encoder share its reader, so that an image is read once for all of them.
    @Test func anEncoderThatReadsIsLoadedWithItsReader() throws {
        try withTemporaryFolder { folder in
            let vision = PolicyManifest(
                name: "vision", generation: 3, backbone: backbone, created: Date(timeIntervalSince1970: 1e9),
                creator: "test")
            let weights = try VisionWeights.reading("A")
            try PolicyFolder.publish(vision, in: folder.path) { try weights.write(to: $0 + "/model.safetensors") }
            let image = PolicyManifest.Image(for: weights.configuration)
            #expect(image == .init(tileSize: 32, maximumTiles: 1, fit: .pad))
            try publishPolicy(in: folder.path, image: image)
            let catalog = try self.catalog(loader(folder.path))
            let reader = try #require(catalog.defaultPolicy.vision?.reader)
            let again = try loader(folder.path).catalog(of: ["sft": 1, "vision": 3], reusing: catalog.policies)
            #expect(again.policies.allSatisfy { $0.vision?.reader === reader })
        }
    }

    @Test func dialoguesWithoutAnImageMayHaveSamplingDefaultsOfTheirOwn() throws {
        for sampling in [nil, PolicyManifest.Sampling(temperature: 0.75, topP: 0.5)] {
            try withTemporaryFolder { folder in
                try publish(in: folder.path, image: image, textSampling: sampling)
                let sft = try self.catalog(loader(folder.path)).defaultPolicy
                #expect(sft.sampling.temperature == 0 && sft.sampling.topP == 1)
                #expect(sft.textSampling.temperature == (sampling == nil ? 0 : 0.75))
                #expect(sft.textSampling.topP == (sampling == nil ? 1 : 0.5))
                #expect(
                    sft.sampling(hasImages: true) == sft.sampling && sft.sampling(hasImages: false) == sft.textSampling)
            }
        }
    }

    /// Blocks are kept under the digests: a checkpoint's must tell it from every other, in weights and in sizes.
    @Test func aCheckpointOfEyesHasADigest() throws {
        try withTemporaryFolder { folder in
            let original = tests.appendingPathComponent("ModelsTests/Fixtures/smolvlm")
            func digest(_ change: (URL) throws -> Void) throws -> String {
                let checkpoint = folder.appendingPathComponent(UUID().uuidString)
                try FileManager.default.copyItem(at: original, to: checkpoint)
                try Data(#"{"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 32}}"#.utf8)
                    .write(to: checkpoint.appendingPathComponent("preprocessor_config.json"))
                try change(checkpoint)
                var base = BaseModel(digest: backbone)
                let (files, digest) = try VisionFiles.open(path: checkpoint.path)
                base.vision = try .init(
                    files, digest: digest, arithmetic: .integers, width: decoder.configuration.hidden,
                    on: decoder.compute)
                let loader = PolicyLoader(
                    decoder: decoder, base: base, library: .init(published: nil, shipped: folder.path + "/none"))
                return try #require(catalog(loader).defaultPolicy.digests?.vision)
            }
            let same = try digest { _ in }
            #expect(try digest { _ in } == same)
            let weights = try digest { checkpoint in
                let file = checkpoint.appendingPathComponent("model.safetensors")
                var bytes = try Data(contentsOf: file)
                bytes[bytes.count - 3] ^= 1
                try bytes.write(to: file)
            }
            let sizes = try digest { checkpoint in
                let file = checkpoint.appendingPathComponent("config.json")
                let text = try String(contentsOf: file, encoding: .utf8)
                try text.replacingOccurrences(of: "1e-06", with: "1e-05")
                    .write(to: file, atomically: true, encoding: .utf8)
            }
            let tiling = try digest { checkpoint in
                try Data(#"{"size": {"longest_edge": 96}, "max_image_size": {"longest_edge": 32}}"#.utf8)
                    .write(to: checkpoint.appendingPathComponent("preprocessor_config.json"))
            }
            #expect(Set([same, weights, sizes, tiling]).count == 4)
        }
    }

    @Test func withoutPoliciesTheBackboneAnswers() throws {
        try withTemporaryFolder { folder in
            let catalog = try self.catalog(loader(folder.path + "/none"))
            #expect(catalog.policies.map(\.name) == ["base"])
        }
    }

    @Test func whatDoesNotFitIsNamed() throws {
        try withTemporaryFolder { folder in
            try publish(in: folder.path)
            #expect(throws: PolicyLoadingError.missingField(policy: "sft", field: "image")) {
                try catalog(loader(folder.path))
            }
            // Policies of another base model are not served, and no such generation can be asked for.
            let other = loader(folder.path, backbone: String(repeating: "cd", count: 32))
            #expect(try catalog(other).policies.map(\.name) == ["base"])
            #expect(try other.ofOtherModels() == ["sft", "vision"])
            #expect(try loader(folder.path).ofOtherModels() == [])
            try FileManager.default.createDirectory(atPath: folder.path + "/lost", withIntermediateDirectories: true)
            try Data("3".utf8).write(to: folder.appendingPathComponent("lost/current"))
            #expect(throws: PolicyError.self) { try catalog(other) }
            #expect(throws: PolicyError.self) { try other.catalog(of: loader(folder.path).current()) }
        }
        try withTemporaryFolder { folder in
            try publish(in: folder.path, image: image)
            #expect(throws: PolicyLoadingError.unknownDefault("ppo", known: ["sft", "base"])) {
                try catalog(loader(folder.path, preferred: "ppo"))
            }
            let weights = folder.path + "/vision/3/model.safetensors"
            var bytes = try #require(FileManager.default.contents(atPath: weights))
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: URL(fileURLWithPath: weights))
            #expect(throws: PolicyError.self) { try catalog(loader(folder.path)) }
        }
        try withTemporaryFolder { folder in
            try publish(in: folder.path, image: .init(tileSize: 20, maximumTiles: 1, fit: .stretch))
            #expect(throws: ModelError.self) { try catalog(loader(folder.path)) }
        }
        try withTemporaryFolder { folder in
            try publish(in: folder.path, textHidden: 32, image: image)
            #expect(throws: ModelError.self) { try catalog(loader(folder.path)) }
        }
    }
}
