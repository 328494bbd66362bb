import Checkpoints
import Datasets
import Engine
import Foundation
import Images
import Models
import Policies
import Support
import Tensors
import TestSupport
import Tokenizers
import Training

/// Everything that PPO needs, with the tiny quantised llama: a real engine, and training on the same weights.
struct TinyPPO {
    let compute = Compute(threads: 2)
    let base: FrozenDecoder
    private let engine: Engine
    let reference: LowRankAdapter
    let value: ValueModel
    let tokenizer: Tokenizer
    let vision: VisionWeights

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        let configuration = TinyLlama.configuration
        var generator = SplitMix64(seed: 31, stream: 0)
        base = try FrozenDecoder(DecoderFiles(file), compute: compute)
        tokenizer = Tokenizer(try Vocabulary(file))
        var sizes = EngineConfiguration(contextLength: 256)
        sizes.cacheBytes = 0
        engine = Engine(
            decoder: try TransformerDecoder(file, compute: compute), tokenizer: tokenizer, endTokens: [2],
            configuration: sizes)
        vision = VisionWeights(
            configuration: try VisionConfiguration(
                imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2,
                textHidden: configuration.hidden), using: &generator)
        reference = Self.adapter(&generator)
        value = ValueModel(
            adapter: Self.adapter(&generator), head: ScalarHead(starting: configuration.hidden, using: &generator))
    }

    /// An engine for the tiny llama.
    static func engine(_ sizes: EngineConfiguration) throws -> Engine {
        Engine(
            decoder: try TransformerDecoder(TinyLlama.file(.q4_1), compute: Compute(threads: 2)),
            tokenizer: Tokenizer(try Vocabulary(TinyLlama.file(.q4_1))), endTokens: [2], configuration: sizes)
    }

    /// A sampler of a policy's answers, with `vision` as its vision weights.
    func sampler(seeing vision: VisionWeights) -> RolloutSampler {
        RolloutSampler(
            engine: engine, tokenizer: tokenizer,
            vision: .init(
                generation: 1, encoder: VisionEncoder(vision, on: compute), processor: ImageProcessor(tileSize: 32)),
            template: .chatml, configuration: base.configuration, compute: compute)
    }

    /// An adapter that changes the decoder: `sft` is not the base model either.
    private static func adapter(_ generator: inout SplitMix64) -> LowRankAdapter {
        var adapter = LowRankAdapter(starting: TinyLlama.configuration, rank: 4, alpha: 8, using: &generator)
        for layer in adapter.layers.indices {
            for module in AdapterModule.allCases {
                guard let shape = adapter.layers[layer][module]?.b.shape else { continue }
                adapter.layers[layer][module]?.b = Tensor(normal: 0.02, shape, using: &generator)
            }
        }
        return adapter
    }

    /// Short runs on two images with two questions each, never stopped by a rule.
    static var settings: PPOSettings {
        var settings = PPOSettings()
        settings.iterations = 4
        settings.answersPerQuestion = 4
        settings.maximumTokens = 6
        settings.minibatches = 2
        settings.policyRate = 5e-3
        settings.valueRate = 5e-3
        settings.headRate = 1e-2
        settings.valueIterations = 0
        settings.stop = nil
        return settings
    }

    func stage(
        _ settings: PPOSettings, replay: [ReplayRecord] = [], heldOut: HeldOutPrompts? = nil,
        record: @escaping (RolloutRecord) throws -> Void = { _ in },
        rule: @escaping @Sendable (SampledAnswer) -> Double
    ) -> ProximalPolicyOptimization {
        ProximalPolicyOptimization(
            base: base, reference: reference, value: value, sampler: sampler(seeing: vision),
            scorer: RuleScorer(rule: rule),
            prompts: TwoImages(), replay: replay, settings: settings, heldOut: heldOut, record: record)
    }
}

/// Scores each answer by itself.
struct RuleScorer: AnswerScorer {
    let rule: @Sendable (SampledAnswer) -> Double

    func scores(of images: [AnsweredImage]) throws -> [Double] {
        images.flatMap { $0.questions.flatMap { $0.answers.map(rule) } }
    }
}

/// The same two images and questions in every iteration.
struct TwoImages: PromptSource {
    func images(of iteration: Int) -> [ImagePrompts] {
        [UInt8(20), 200].enumerated().map { index, red in
            ImagePrompts(
                reference: .easyVQA(number: index),
                image: RGBImage(width: 32, height: 32, red: red, green: 90, blue: 40),
                questions: ["what color?", "is it red?"])
        }
    }
}

extension StepReport {
    func metric(_ name: String) -> Double? { metrics.first { $0.name == name }?.value }
}

/// Runs `body` on its own thread, because it blocks on the engine, which the cooperative pool must not do.
func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Swift.Result { try body() }) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}
