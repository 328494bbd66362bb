import Checkpoints
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Adapters that PEFT saved become policies.
@Suite struct ImportedAdapterTests {
    private let adapter = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../CheckpointsTests/Fixtures/adapter").path
    private let decoder: TransformerDecoder

    init() throws {
        decoder = try TransformerDecoder(TinyLlama.file(), compute: Compute(threads: 1))
    }

    private func load(_ name: String, from policies: String) throws -> Policy? {
        let loader = PolicyLoader(
            decoder: decoder, base: BaseModel(digest: TinyPolicy.backbone),
            library: .init(published: nil, shipped: policies))
        return try loader.catalog(of: loader.current())[name]
    }

    @discardableResult private func publish(
        _ imported: ImportedAdapter, _ publication: ImportedAdapter.Publication, in policies: String
    ) throws -> PolicyFolder {
        try imported.publish(
            publication, in: policies, library: .init(published: nil, shipped: policies),
            backbone: TinyPolicy.backbone)
    }

    /// A copy of the adapter with other words in its configuration.
    private func changed(_ old: String, to new: String, in folder: URL) throws -> String {
        let copy = folder.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.copyItem(atPath: adapter, toPath: copy)
        let configuration = URL(fileURLWithPath: copy + "/adapter_config.json")
        let text = try String(contentsOf: configuration, encoding: .utf8)
        #expect(text.contains(old))
        try text.replacing(old, with: new).write(to: configuration, atomically: true, encoding: .utf8)
        return copy
    }

    @Test func whatIsImportedIsServed() throws {
        try withTemporaryFolder { folder in
            let policies = folder.path + "/policies"
            let imported = try ImportedAdapter(folder: adapter, for: TinyLlama.configuration, base: "Tiny")
            var publication = ImportedAdapter.Publication(name: "elsewhere", generation: 2)
            publication.temperature = 0.5
            let published = try publish(imported, publication, in: policies)
            // The very weights, in PEFT's names and order.
            let (before, after) = (try PEFTAdapter(folder: adapter), try PEFTAdapter(folder: published.path))
            #expect(before.pairs.keys == after.pairs.keys && before.alpha == after.alpha)
            for (key, pair) in before.pairs {
                #expect(after.pairs[key]?.a.elements == pair.a.elements)
                #expect(after.pairs[key]?.b.elements == pair.b.elements)
            }
            let policy = try #require(try load("elsewhere", from: policies))
            #expect(policy.generation == 2 && policy.template == .chatml && policy.vision == nil)
            #expect(policy.sampling.temperature == 0.5)
            #expect(throws: PolicyError.published(path: published.path)) {
                try publish(imported, publication, in: policies)
            }
        }
    }

    @Test func itSeesWithTheVisionThatItWasTrainedOn() throws {
        try withTemporaryFolder { folder in
            let policies = folder.path + "/policies"
            let imported = try ImportedAdapter(folder: adapter, for: TinyLlama.configuration, base: "Tiny")
            var publication = ImportedAdapter.Publication(name: "elsewhere", generation: 1)
            publication.vision = 3
            #expect(throws: PolicyError.self) {
                try publish(imported, publication, in: policies)
            }
            let sizes = try VisionConfiguration(
                imageSize: 16, patchSize: 4, hidden: 16, layers: 1, heads: 2, feedForward: 32, scale: 2, textHidden: 64)
            var random = SplitMix64(seed: 1, stream: 0)
            let weights = VisionWeights(configuration: sizes, using: &random)
            let vision = PolicyManifest(
                name: "vision", generation: 3, backbone: TinyPolicy.backbone, created: Date(timeIntervalSince1970: 1e9),
                creator: "test")
            try PolicyFolder.publish(vision, in: policies) { try weights.write(to: $0 + "/model.safetensors") }
            try publish(imported, publication, in: policies)
            #expect(try load("elsewhere", from: policies)?.vision?.generation == 3)
        }
    }

    @Test func baseModelsAreToldByName() throws {
        try withTemporaryFolder { folder in
            let none = "\"base_model_name_or_path\": null"
            for name in ["Tiny", "someone/tiny", "/models/TINY"] {
                let path = try changed(none, to: "\"base_model_name_or_path\": \"\(name)\"", in: folder)
                _ = try ImportedAdapter(folder: path, for: TinyLlama.configuration, base: "Tiny")
            }
            for name in ["Tiny-Large", "Tiny/other"] {
                let path = try changed(none, to: "\"base_model_name_or_path\": \"\(name)\"", in: folder)
                #expect(throws: ImportedAdapter.Failure.otherBase(folder: path, expected: "Tiny", found: name)) {
                    try ImportedAdapter(folder: path, for: TinyLlama.configuration, base: "Tiny")
                }
            }
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        try withTemporaryFolder { folder in
            func attempt(_ path: String, _ configuration: DecoderConfiguration = TinyLlama.configuration) throws {
                _ = try ImportedAdapter(folder: path, for: configuration, base: "Tiny")
            }
            let rank = try changed("\"r\": 4", to: "\"r\": 8", in: folder)
            #expect(throws: PEFTError.self) { try attempt(rank) }
            let modules = try changed("\"v_proj\"", to: "\"w_proj\"", in: folder)
            #expect(throws: PEFTError.self) { try attempt(modules) }
            let kind = try changed("\"use_dora\": false", to: "\"use_dora\": true", in: folder)
            #expect(throws: PEFTError.self) { try attempt(kind) }
            let other = DecoderConfiguration(
                layers: 2, hidden: 64, feedForward: 128, heads: 4, kvHeads: 2, headSize: 16, vocabulary: 320,
                contextLength: 1024, ropeTheta: 10_000, normEpsilon: 1e-5)
            #expect(throws: ModelError.self) { try attempt(adapter, other) }
            let infinite = folder.path + "/infinite"
            try FileManager.default.createDirectory(atPath: infinite, withIntermediateDirectories: true)
            let peft = try PEFTAdapter(folder: adapter)
            var pairs = peft.pairs
            let key = try #require(pairs.keys.first)
            pairs[key]?.a[0, 0] = .infinity
            try PEFTAdapter(rank: peft.rank, alpha: peft.alpha, pairs: pairs).write(to: infinite, as: .float32)
            #expect(throws: ImportedAdapter.Failure.notFinite(folder: infinite)) { try attempt(infinite) }
        }
    }
}
