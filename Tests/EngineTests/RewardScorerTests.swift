import Checkpoints
import Engine
import Foundation
import Images
import Models
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Rewards by the serving decoder, against those of the training forward.
@Suite struct RewardScorerTests {
    private let tokenizer: Tokenizer
    private let adapter: LowRankAdapter
    private let head: ScalarHead
    private let policy: Policy
    private let scorer: RewardScorer
    private let picture: InputProcessor.Picture
    private let compute = Compute(threads: 2)
    private let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    init() throws {
        let file = try GGUFFile(path: tests.appending(path: "ModelsTests/Fixtures/tiny-llama-q4_1.gguf").path)
        let decoder = try Decoder(file, compute: compute)
        tokenizer = Tokenizer(try Vocabulary(file))
        adapter = try LowRankAdapter(
            PEFTAdapter(folder: tests.appending(path: "CheckpointsTests/Fixtures/adapter").path),
            configuration: decoder.configuration)
        var generator = SeededGenerator(seed: 9)
        head = ScalarHead(starting: 64, using: &generator)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        policy = Policy(
            name: "reward", generation: 1,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: compute),
            vision: .init(generation: 1, encoder: encoder, processor: ImageProcessor(viewSize: 32)), template: .chatml,
            sampling: SamplingParameters(), created: 0)
        picture = .init(
            image: RGBImage(width: 32, height: 32, pixels: (0..<32 * 32 * 3).map { UInt8(truncatingIfNeeded: $0 * 7) }))
        scorer = RewardScorer(
            decoder: decoder, policy: policy, head: head, tokenizer: tokenizer, endToken: 2, contextLength: 256)
    }

    private func file(_ name: String) throws -> GGUFFile {
        try GGUFFile(path: tests.appending(path: "ModelsTests/Fixtures/\(name).gguf").path)
    }

    private let messages = [
        ChatMessage(role: .user, content: [.image(0), .text("what color is the large thing on the left of it?")])
    ]

    /// What the training forward gives for the same tokens and pictures.
    private func trainingReward(
        _ answer: [Int32], _ base: FrozenDecoder, adapter: LowRankAdapter, head: ScalarHead, policy: Policy,
        tokenizer: Tokenizer, messages: [ChatMessage], pictures: [InputProcessor.Picture]
    ) throws -> Float {
        let request = try InputProcessor(tokenizer: tokenizer)
            .request(messages: messages, pictures: pictures, policy: policy)
        var rows = PackedRows()
        let node = rows.append(request.prompt + answer)
        var embeddings = base.embeddings(of: rows.tokens)
        for image in request.images {
            let vision = try #require(policy.vision)
            embeddings.replaceRows(from: image.range.lowerBound, with: vision.encoder.encode(image.pixels))
        }
        let hidden = TrainableDecoder(base, adapter: adapter)
            .forward(embeddings, rows: rows, outputs: [node.rows.upperBound - 1]).hidden
        return head.scores(hidden, on: compute)[0]
    }

    /// In 32 bits only keys and values are rounded, to 16; with quantised weights activations are too, to 8.
    @Test(arguments: [("tiny-llama", Decoder.Precision.float32, Float(2e-3)), ("tiny-llama-q4_1", .asStored, 0.1)])
    func rewardsEqualTheTrainingForward(name: String, precision: Decoder.Precision, gap: Float) throws {
        let file = try file(name)
        let decoder = try Decoder(file, precision: precision, compute: compute)
        let scorer = RewardScorer(
            decoder: decoder, policy: policy, head: head, tokenizer: tokenizer, endToken: 2, contextLength: 256)
        let base = try FrozenDecoder(gguf: file, configuration: TinyLlama.configuration, compute: compute)
        let texts = ["red", "it is blue", "there is a red circle", "x"]
        let served = try texts.map { try scorer.reward(messages: messages, pictures: [picture], answer: $0) }
        let trained = try texts.map {
            try trainingReward(
                tokenizer.encode($0, special: .asText) + [2], base, adapter: adapter, head: head, policy: policy,
                tokenizer: tokenizer, messages: messages, pictures: [picture])
        }
        for (one, other) in zip(served, trained) { #expect(abs(one - other) < gap, "\(one) \(other)") }
        #expect((trained.max() ?? 0) - (trained.min() ?? 0) > 0.2)
    }

    /// The base model under the shipped adapter, where rewards have a deviation of about 1: 8-bit activations move one by
    /// 0.05 on average, at most by 0.12.
    @Test(arguments: [(Decoder.Precision.float32, Float(5e-3)), (.asStored, 0.2)])
    func rewardsOfTheBaseModelEqualTheTrainingForward(precision: Decoder.Precision, gap: Float) throws {
        let file = try GGUFFile(path: baseModelPath())
        let decoder = try Decoder(file, precision: precision, compute: compute)
        let tokenizer = Tokenizer(try Vocabulary(file))
        let policies = tests.deletingLastPathComponent().appending(path: "Deploy/policies").path
        let generation = try PolicyFolder.current(of: "sft", in: policies)
        let adapter = try LowRankAdapter(
            PEFTAdapter(folder: "\(policies)/sft/\(generation)"), configuration: decoder.configuration)
        var generator = SeededGenerator(seed: 3)
        let head = ScalarHead(starting: decoder.configuration.hidden, using: &generator)
        let policy = Policy(
            name: "reward", generation: 1,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: compute), vision: nil,
            template: .chatml, sampling: SamplingParameters(), created: 0)
        let scorer = RewardScorer(
            decoder: decoder, policy: policy, head: head, tokenizer: tokenizer, endToken: 2, contextLength: 256)
        let base = try FrozenDecoder(gguf: file, configuration: decoder.configuration, compute: compute)
        let question = [ChatMessage(role: .user, text: "What is the capital of France?")]
        let texts = ["Paris", "The capital of France is Paris.", "No.", "I cannot see that.", "blue", "Rome, I think"]
        let served = try texts.map { try scorer.reward(messages: question, pictures: [], answer: $0) }
        let trained = try texts.map {
            try trainingReward(
                tokenizer.encode($0, special: .asText) + [2], base, adapter: adapter, head: head, policy: policy,
                tokenizer: tokenizer, messages: question, pictures: [])
        }
        for (one, other) in zip(served, trained) { #expect(abs(one - other) < gap, "\(one) \(other)") }
        #expect((trained.max() ?? 0) - (trained.min() ?? 0) > 0.5)
    }

    @Test func answersScoredTogetherEqualThoseScoredAlone() throws {
        let answers: [[Int32]] = [[70, 2], [70, 71, 72, 2], Array(repeating: 75, count: 40), [70, 2]]
        let together = try scorer.rewards(messages: messages, pictures: [picture], answers: answers)
        let alone = try answers.map {
            try scorer.rewards(messages: messages, pictures: [picture], answers: [$0])[0]
        }
        #expect(together == alone)
        #expect(together[0] == together[3] && together[0] != together[1])
        // A picture matters.
        let blank = InputProcessor.Picture(image: RGBImage(width: 32, height: 32, red: 9, green: 9, blue: 9))
        #expect(try scorer.rewards(messages: messages, pictures: [blank], answers: answers) != together)
    }

    @Test func answersThatHaveNoRewardAreRefused() throws {
        #expect(throws: RewardScorer.Failure.emptyAnswer(index: 1)) {
            try scorer.rewards(messages: messages, pictures: [picture], answers: [[2], []])
        }
        let prompt = try InputProcessor(tokenizer: tokenizer)
            .request(messages: messages, pictures: [picture], policy: policy).prompt.count
        let most = [Int32](repeating: 70, count: 256 - prompt)
        #expect(try scorer.rewards(messages: messages, pictures: [picture], answers: [most]).count == 1)
        #expect(throws: RewardScorer.Failure.tooLong(index: 0, tokens: 257, limit: 256)) {
            try scorer.rewards(messages: messages, pictures: [picture], answers: [most + [2]])
        }
    }
}
