import Checkpoints
import Datasets
import Engine
import Evaluation
import Foundation
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// On the tiny quantised llama and the serving engine.
@Suite struct PolicyDivergenceTests {
    private let decoder: TransformerDecoder
    private let engine: Engine
    private let tokenizer: Tokenizer
    private let vision: Policy.Vision
    private let settings: PolicyDivergence.Settings

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        let decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        self.decoder = decoder
        tokenizer = Tokenizer(try Vocabulary(file))
        var sizes = EngineConfiguration(contextLength: 256)
        sizes.cacheBytes = 0
        engine = Engine(decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: sizes)
        var generator = SplitMix64(seed: 5)
        let weights = VisionWeights(
            configuration: try VisionConfiguration(
                imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2,
                textHidden: decoder.configuration.hidden), using: &generator)
        vision = .init(
            generation: 1, encoder: VisionEncoder(weights, on: decoder.compute),
            processor: ImageProcessor(tileSize: 32))
        var settings = PolicyDivergence.Settings(families: [.counts, .counts, .absence], maximumTokens: 6)
        settings.count = 12
        self.settings = settings
    }

    /// A policy whose adapter changes the decoder by about `deviation`.
    private func policy(_ name: String, deviation: Float) -> Policy {
        var generator = SplitMix64(seed: 3)
        var adapter = LowRankAdapter(starting: decoder.configuration, rank: 4, alpha: 8, using: &generator)
        for layer in adapter.layers.indices {
            for (module, pair) in adapter.layers[layer] {
                adapter.layers[layer][module] = .init(
                    a: pair.a, b: Tensor(normal: deviation, pair.b.shape, using: &generator))
            }
        }
        return Policy(
            name: name, generation: 1,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: decoder.compute),
            vision: vision, template: .chatml, sampling: SamplingParameters(), created: 0,
            digests: .scripted(name))
    }

    private func divergence(_ policy: Policy, from reference: Policy) async throws -> PolicyDivergence {
        let answers = try await PolicyDivergence.answers(
            of: policy, settings: settings, engine: engine, tokenizer: tokenizer)
        #expect(answers.count == 12 && answers.allSatisfy { (1...6).contains($0.reply.count) })
        #expect(answers.allSatisfy { $0.request.sampling.temperature == 1 && $0.request.images.count == 1 })
        #expect(Set(answers.map(\.request.sampling.seed)).count == 12)
        return PolicyDivergence(answers, policy: policy, reference: reference, decoder: decoder)
    }

    @Test func growsWithTheDistance() async throws {
        let reference = policy("sft", deviation: 0)
        let (same, near, far) = (
            try await divergence(policy("same", deviation: 0), from: reference),
            try await divergence(policy("near", deviation: 0.05), from: reference),
            try await divergence(policy("far", deviation: 0.5), from: reference)
        )
        #expect(abs(same.nats) < 1e-3)
        #expect(near.nats > same.nats && far.nats > near.nats, "\(near.nats), \(far.nats)")
        #expect(far.policy == .scripted("far") && far.reference == .scripted("sft"))
        #expect(far.answers == 12 && far.tokens >= 12)
    }

    /// The exact sum over an answer is the expectation of the sampled tokens' log-ratios.
    @Test func agreesWithTheLogRatiosOfDrawnTokens() async throws {
        let (policy, reference) = (policy("near", deviation: 0.2), policy("sft", deviation: 0))
        var settings = settings
        settings.count = 300
        let answers = try await PolicyDivergence.answers(
            of: policy, settings: settings, engine: engine, tokenizer: tokenizer)
        let exact = PolicyDivergence(answers, policy: policy, reference: reference, decoder: decoder).nats
        var ratios: [Double] = []
        for answer in answers {
            let (request, reply) = (answer.request, answer.reply)
            func logProb(_ policy: Policy) -> Double {
                let ids = request.prompt + reply.dropLast()
                let cache = decoder.makeCache(bytes: 0, minimumPositions: ids.count)
                var batch = DecoderBatch(
                    tokens: ids,
                    sequences: [.init(rows: ids.indices, start: 0, blockTable: (0..<Int32(cache.blocks)).map { $0 })],
                    outputRows: Array(ids.indices.suffix(reply.count)))
                if let adapter = policy.adapter { batch.adapters = [.init(rows: ids.indices, adapter: adapter)] }
                batch.injections = request.images.map {
                    .init(row: $0.range.lowerBound, embeddings: vision.encoder.encode($0.pixels))
                }
                let loss = decoder.compute.crossEntropy(decoder.forward(batch, cache: cache), targets: reply)
                return -loss.losses.reduce(0.0) { $0 + Double($1) }
            }
            ratios.append(logProb(policy) - logProb(reference))
        }
        let mean = ratios.reduce(0, +) / Double(ratios.count)
        let variance = ratios.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(ratios.count - 1)
        let error = (variance / Double(ratios.count)).squareRoot()
        #expect(exact > 0.01 && abs(mean - exact) < 4 * error, "\(exact), \(mean) ± \(error)")
    }
}
