import Checkpoints
import Engine
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// The blocks that one engine passes to the next in a file.
@Suite struct PrefixFileTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer
    private let folder: TemporaryFolder
    private var path: String { folder.url.appendingPathComponent("prefixes").path }

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        decoder = try TransformerDecoder(file, compute: Compute(threads: 1))
        tokenizer = Tokenizer(try Vocabulary(file))
        folder = try TemporaryFolder()
    }

    private func policy(_ weights: String = "a") throws -> Policy {
        var generator = SplitMix64(seed: 9, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: decoder.compute)
        return Policy(
            name: "one", generation: 1, adapter: nil,
            vision: .init(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 32)),
            template: .chatml, sampling: SamplingParameters(), created: 0,
            digests: PolicyDigests(adapter: weights, adapterConfiguration: nil, vision: "v", backbone: "b"))
    }

    private func engine(
        _ policy: Policy, at path: String? = nil, _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) -> Engine {
        var configuration = EngineConfiguration(contextLength: 256)
        configuration.cacheBytes = 0
        configuration.prefixFile = path ?? self.path
        change(&configuration)
        return Engine(
            decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: configuration, policies: [policy])
    }

    /// A prompt of 50 positions; positions `4..<8` are an image.
    private func request(by policy: Policy, shade: Float = 0.5) throws -> EngineRequest {
        let random = SplitMix64.Indexed(seed: 3)
        let prompt = (0..<50).map { Int32(3 + random.uniform(at: $0) * 300) }
        let image = Tensor(repeating: shade, [1, 3, 32, 32])
        var request = EngineRequest(
            prompt: prompt, images: [PromptImage(range: 4..<8, tiles: ImageTiles(image))], policy: policy)
        request.stop.maximumTokens = 20
        request.stop.ignoresEndToken = true
        request.topLogprobs = 0
        return request
    }

    private func answer(
        _ request: EngineRequest, from engine: Engine
    ) async throws -> (tokens: [GeneratedToken], cached: Int) {
        let answer = try await engine.answer(to: request)
        return (answer.tokens, answer.completion.cachedTokens)
    }

    /// Writes these bytes to a new file, because an engine overwrites its file when it stops.
    private func file(_ bytes: Data) throws -> String {
        let url = folder.url.appendingPathComponent(UUID().uuidString)
        try bytes.write(to: url)
        return url.path
    }

    private func kept(by engine: Engine) async throws -> Int {
        engine.stop()
        return try #require(await engine.ended()).get()
    }

    /// The blocks that an engine finds in its file. The engine has ended when this returns, and writes nothing later.
    private func restored(
        by policy: Policy, at path: String? = nil, _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) async throws -> Engine.KeptBlocks? {
        let engine = engine(policy, at: path, change)
        _ = try await kept(by: engine)
        return engine.restored
    }

    @Test func theNextEngineGoesOnWhereTheLastOneStopped() async throws {
        let first = engine(try policy())
        #expect(try first.restored?.get() == 0)
        let cold = try await answer(request(by: policy()), from: first)
        #expect(cold.cached == 0)
        // A policy that was not served at the start, but has the same weights: 50 + 19 positions, 4 full blocks.
        #expect(try await kept(by: first) == 4)
        let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(permissions == 0o600)

        let served = try policy()
        let second = engine(served)
        #expect(try second.restored?.get() == 4)
        #expect(second.load.cachedBlocks == 4 && second.load.usedBlocks == 0)
        let warm = try await answer(request(by: served), from: second)
        #expect(warm.cached == 48)
        #expect(warm.tokens == cold.tokens)
        // Another image means other keys and values.
        #expect(try await answer(request(by: served, shade: 0.25), from: second).cached == 0)
        #expect(try await kept(by: second) == 8)
    }

    @Test func blocksOfOtherWeightsStayBehind() async throws {
        let served = try policy()
        let first = engine(served)
        _ = try await answer(request(by: served), from: first)
        _ = try await kept(by: first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try await restored(by: policy("other"), at: file(whole))?.get() == 0)
        let smaller = try await restored(by: served, at: file(whole)) { $0.cachePrecision = .int8 }
        #expect(throws: PrefixFileError.self) { try smaller?.get() }
        #expect("\(try #require(smaller))".contains("int16"))
    }

    @Test func aPolicyWithoutFilesIsNotKept() async throws {
        let unnamed = Policy(
            name: "base", generation: 0, adapter: nil, vision: try policy().vision, template: .chatml,
            sampling: SamplingParameters(), created: 0)
        let first = engine(unnamed)
        _ = try await answer(request(by: unnamed), from: first)
        #expect(try await kept(by: first) == 0)
    }

    @Test func aSmallerCacheTakesWhatWasUsedLast() async throws {
        let served = try policy()
        let first = engine(served) { $0.cacheBytes = 1 << 20 }
        for shade: Float in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7] {
            _ = try await answer(request(by: served, shade: shade), from: first)
        }
        #expect(try await kept(by: first) == 28)
        let second = engine(served)
        #expect(try second.restored?.get() == 16)
        #expect(try await answer(request(by: served, shade: 0.7), from: second).cached == 48)
        #expect(try await answer(request(by: served, shade: 0.1), from: second).cached == 0)
        _ = try await kept(by: second)
    }

    @Test func damageIsFoundAndServingGoesOn() async throws {
        let served = try policy()
        let first = engine(served)
        let cold = try await answer(request(by: served), from: first)
        _ = try await kept(by: first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        for count in [0, 7, 31, 32, 40, 48, 100, whole.count - 1] {
            let restored = try await restored(by: served, at: file(whole.prefix(count)))
            #expect(throws: PrefixFileError.self, "\(count) bytes") { try restored?.get() }
        }
        for reservation in [0, 8, 20, whole.count / 2, whole.count - 40, whole.count - 1] {
            var bytes = whole
            bytes[reservation] ^= 1
            let next = engine(served, at: try file(bytes))
            #expect(throws: PrefixFileError.self, "byte \(reservation)") { try next.restored?.get() }
            #expect(try await answer(request(by: served), from: next).tokens == cold.tokens)
            _ = try await kept(by: next)
        }
    }

    /// Files with a valid digest whose index is impossible.
    @Test(arguments: [
        (#""policy":0"#, #""policy":1"#), (#""policy":0"#, #""policy":-1"#), (#""parent":0"#, #""parent":1"#),
        (#""parent":0"#, #""parent":-1"#), (#""tokens":["#, #""tokens":[1,"#), (#""sha256":""#, #""sha256":"x"#),
        (#""blocks":["#, #""blocks":[{},"#), (#""numerics":3"#, #""numerics":1"#), ("APUSKV01", "APUSKV02"),
    ])
    func anImpossibleIndexIsRefused(_ found: String, _ replacement: String) async throws {
        let served = try policy()
        let first = engine(served)
        _ = try await answer(request(by: served), from: first)
        _ = try await kept(by: first)
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)).dropLast(32))
        let length = whole[8..<16].reversed().reduce(0) { $0 << 8 | Int($1) }
        let head = String(decoding: whole[..<8], as: UTF8.self)
        let index = String(decoding: whole[16..<16 + length], as: UTF8.self)
        #expect((head + index).contains(found))
        func replaced(_ text: String) -> [UInt8] {
            guard let range = text.range(of: found) else { return Array(text.utf8) }
            return Array(text.replacingCharacters(in: range, with: replacement).utf8)
        }
        let json = replaced(index)
        let size = (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) }
        try HashedFile.write([replaced(head), size, json, Array(whole[(16 + length)...])], to: path)
        let restored = try await restored(by: served)
        #expect(throws: PrefixFileError.self) { try restored?.get() }
    }
}
