import Checkpoints
import Engine
import Foundation
import Images
import Models
import Policies
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Scores of given answers: rewards compared with the training forward pass, and log-probabilities.
@Suite struct ScoreTests {
    private let tokenizer: Tokenizer
    private let adapter: LowRankAdapter
    private let head: RewardHead
    private let policy: Policy
    private let decoder: TransformerDecoder
    private let image: InputProcessor.Image
    private let compute = Compute(threads: 2)
    private let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        decoder = try TransformerDecoder(file, compute: compute)
        tokenizer = Tokenizer(try Vocabulary(file))
        adapter = try LowRankAdapter(
            PEFTAdapter(folder: tests.appending(path: "CheckpointsTests/Fixtures/adapter").path),
            configuration: decoder.configuration)
        var generator = SplitMix64(seed: 9, stream: 0)
        head = RewardHead(score: ScalarHead(starting: 64, using: &generator), logProbWeight: 0.05)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        policy = Policy(
            name: "reward", generation: 1,
            adapter: ServingAdapter(
                adapter, configuration: decoder.configuration, precision: .float32, compute: compute),
            vision: .init(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 32)), template: .chatml,
            sampling: SamplingParameters(), created: 0, head: head)
        image = .init(
            image: RGBImage(width: 32, height: 32, pixels: (0..<32 * 32 * 3).map { UInt8(truncatingIfNeeded: $0 * 7) }))
    }

    private func engine(
        _ decoder: TransformerDecoder? = nil, _ tokenizer: Tokenizer? = nil,
        _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) -> Engine {
        var configuration = EngineConfiguration(contextLength: 256)
        configuration.cacheBytes = 0
        change(&configuration)
        return Engine(
            decoder: decoder ?? self.decoder, tokenizer: tokenizer ?? self.tokenizer, endTokens: [2],
            configuration: configuration)
    }

    /// The scores of a request. It must draw no tokens and send no text.
    private func scores(_ request: EngineRequest, by engine: Engine) async throws -> [Double] {
        let answer = try await engine.answer(to: request)
        #expect(answer.deltas.isEmpty && answer.completion.generatedTokens == 0)
        return answer.completion.scores
    }

    private func request(_ answers: [[Int32]], image: InputProcessor.Image? = nil) throws -> EngineRequest {
        try InputProcessor(tokenizer: tokenizer)
            .request(messages: messages, images: [image ?? self.image], policy: policy).scoring(answers)
    }

    private let messages = [
        ChatMessage(role: .user, content: [.image(0), .text("what color is the large thing on the left of it?")])
    ]

    /// The reward by the training forward pass for the same tokens and images.
    private func trainingReward(
        _ answer: [Int32], _ base: FrozenDecoder, adapter: LowRankAdapter, head: RewardHead, policy: Policy,
        tokenizer: Tokenizer, messages: [ChatMessage], images: [InputProcessor.Image]
    ) throws -> Float {
        let request = try InputProcessor(tokenizer: tokenizer)
            .request(messages: messages, images: images, policy: policy)
        var rows = PackedRows()
        let node = rows.append(request.prompt + answer)
        var embeddings = base.embeddings(of: rows.tokens)
        for image in request.images {
            let vision = try #require(policy.vision)
            embeddings.replaceRows(from: image.range.lowerBound, with: vision.encoder.encode(image.pixels))
        }
        let outputs = Array(node.rows.suffix(answer.count + 1))
        let hidden = TrainableDecoder(base, adapter: adapter).forward(embeddings, rows: rows, outputs: outputs).hidden
        let losses = compute.crossEntropy(base.logits(hidden.rows(0..<answer.count)), targets: answer).losses
        let score = head.score.scores(hidden.rows(answer.count..<answer.count + 1), on: compute)[0]
        return score - head.logProbWeight * losses.reduce(0, +)
    }

    /// With 32-bit weights only keys and values are rounded, to 16 or 12 bits; with quantised weights, activations are
    /// rounded to 8 bits too.
    @Test(arguments: [
        (TinyLlama.Format.float32, TransformerDecoder.Precision.float32, KVCache.Precision.fp16, Float(2e-3)),
        (.float32, .float32, .int16, 4e-3), (.q4_1, .asStored, .int16, 0.1),
    ])
    func rewardsEqualTheTrainingForward(
        format: TinyLlama.Format, precision: TransformerDecoder.Precision, cache: KVCache.Precision, gap: Float
    ) async throws {
        let file = try TinyLlama.file(format)
        let decoder = try TransformerDecoder(file, precision: precision, compute: compute)
        let base = try FrozenDecoder(DecoderFiles(file), compute: compute)
        let texts = ["red", "it is blue", "there is a red circle", "x"]
        let prompt = try request([])
        let answers = texts.map { InputProcessor(tokenizer: tokenizer).answer($0, to: prompt) }
        let served = try await scores(request(answers), by: engine(decoder) { $0.cachePrecision = cache })
        let trained = try texts.map {
            try trainingReward(
                tokenizer.encode($0, special: .asText) + [2], base, adapter: adapter, head: head, policy: policy,
                tokenizer: tokenizer, messages: messages, images: [image])
        }
        for (one, other) in zip(served, trained) { #expect(abs(Float(one) - other) < gap, "\(one) \(other)") }
        #expect((trained.max() ?? 0) - (trained.min() ?? 0) > 0.2)
    }

    /// The base model with the shipped adapter, whose rewards have a deviation of about 1: 8-bit activations change a
    /// reward by 0.05 on average, and by 0.12 at most.
    @Test(arguments: [
        (TransformerDecoder.Precision.float32, KVCache.Precision.fp16, Float(5e-3)), (.float32, .int16, 1e-2),
        (.asStored, .int16, 0.2),
    ])
    func rewardsOfTheBaseModelEqualTheTrainingForward(
        precision: TransformerDecoder.Precision, cache: KVCache.Precision, gap: Float
    ) async throws {
        let file = try GGUFFile(path: baseModelPath())
        let decoder = try TransformerDecoder(file, precision: precision, compute: compute)
        let tokenizer = Tokenizer(try Vocabulary(file))
        let policies = tests.deletingLastPathComponent().appending(path: "Deploy/policies").path
        let generation = try PolicyFolder.current(of: "sft", in: policies)
        let adapter = try LowRankAdapter(
            PEFTAdapter(folder: "\(policies)/sft/\(generation)"), configuration: decoder.configuration)
        var generator = SplitMix64(seed: 3, stream: 0)
        let head = RewardHead(
            score: ScalarHead(starting: decoder.configuration.hidden, using: &generator), logProbWeight: 0.05)
        let policy = Policy(
            name: "reward", generation: 1,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: compute), vision: nil,
            template: .chatml, sampling: SamplingParameters(), created: 0, head: head)
        let base = try FrozenDecoder(DecoderFiles(file), compute: compute)
        let question = [ChatMessage(role: .user, text: "What is the capital of France?")]
        let texts = ["Paris", "The capital of France is Paris.", "No.", "I cannot see that.", "blue", "Rome, I think"]
        let processor = InputProcessor(tokenizer: tokenizer)
        let prompt = try processor.request(messages: question, images: [], policy: policy)
        let request = prompt.scoring(texts.map { processor.answer($0, to: prompt) })
        let served = try await scores(request, by: engine(decoder, tokenizer) { $0.cachePrecision = cache })
        let trained = try texts.map {
            try trainingReward(
                tokenizer.encode($0, special: .asText) + [2], base, adapter: adapter, head: head, policy: policy,
                tokenizer: tokenizer, messages: question, images: [])
        }
        for (one, other) in zip(served, trained) { #expect(abs(Float(one) - other) < gap, "\(one) \(other)") }
        #expect((trained.max() ?? 0) - (trained.min() ?? 0) > 0.5)
    }

    private let answers: [[Int32]] = [[70, 2], [70, 71, 72, 2], Array(repeating: 75, count: 40), [], [70, 2]]

    private func logProbability(of answers: [[Int32]]) throws -> EngineRequest {
        var request = try request(answers)
        request.task = .score(Scoring(.logProbability, of: answers))
        return request
    }

    /// Scores do not depend on other requests, on the split of prompts into steps, or on preemption.
    @Test func aNumberIsTheSameAloneAndInACrowd() async throws {
        let quiet = engine()
        var rewards: [Double] = []
        var logProbabilities: [Double] = []
        for answer in answers {
            rewards += try await scores(request([answer]), by: quiet)
            logProbabilities += try await scores(logProbability(of: [answer]), by: quiet)
        }
        #expect(rewards[0] == rewards[4] && Set(rewards).count == 4)
        #expect(logProbabilities[3] == 0 && logProbabilities[0] < 0 && logProbabilities[2] < logProbabilities[0])
        let busy = engine {
            $0.tokenBudget = 24
            $0.cacheBytes = 1
        }
        var drawn = try request([])
        drawn.task = .generate
        drawn.stop.ignoresEndToken = true
        drawn.stop.maximumTokens = 150
        let streams = try (0..<6).map { _ in try busy.submit(drawn, in: busy.reserve()) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { [rewards, logProbabilities] in
                    let found = try await scores(request(answers), by: busy)
                    #expect(found == rewards)
                    let logs = try await scores(logProbability(of: answers), by: busy)
                    #expect(logs == logProbabilities)
                }
            }
            try await group.waitForAll()
        }
        for stream in streams { for await _ in stream {} }
        #expect(busy.load.preemptions > 0)
        #expect(busy.load.usedBlocks == 0 && busy.load.running == 0 && busy.load.waiting == 0)
    }

    /// An image matters.
    @Test func rewardsDependOnTheImage() async throws {
        let blank = InputProcessor.Image(image: RGBImage(width: 32, height: 32, red: 9, green: 9, blue: 9))
        let engine = engine()
        let seen = try await scores(request(answers), by: engine)
        #expect(try await scores(request(answers, image: blank), by: engine) != seen)
    }

    /// The log-probability of a drawn answer is the sum of the log-probabilities that its tokens were drawn with.
    @Test func logProbabilitiesAreThoseOfTheDraws() async throws {
        let engine = engine()
        for seed in 0..<4 as Range<UInt64> {
            var drawn = try request([])
            drawn.task = .generate
            drawn.sampling.seed = seed
            drawn.stop.maximumTokens = 20
            drawn.topLogprobs = 0
            let tokens = try await engine.answer(to: drawn).tokens
            let sum = tokens.reduce(0) { $0 + Double($1.logprob ?? .nan) }
            #expect(try await scores(logProbability(of: [tokens.map(\.id)]), by: engine) == [sum])
        }
    }

    /// 64 answers alternate with a stream: no step exceeds the budget, so none delays the stream for long.
    @Test func scoringComesInSteps() async throws {
        let engine = engine { $0.tokenBudget = 32 }
        let before = engine.load
        _ = try await scores(request(Array(repeating: answers[2], count: 64)), by: engine)
        let load = engine.load
        #expect(load.steps - before.steps >= 64)
        let within = zip(load.batchTokens.bounds, load.batchTokens.counts).filter { $0.0 <= 32 }.reduce(0) { $0 + $1.1 }
        #expect(within == load.batchTokens.count)
    }

    @Test func droppedScoringGivesEverythingBack() async throws {
        let engine = engine()
        var stream: AsyncStream<EngineEvent>? = try engine.submit(
            request(Array(repeating: answers[2], count: 200_000)), in: engine.reserve())
        // Without a suspension: while other tests run, resuming can take longer than all of the answers.
        while engine.load.prefilledTokens == 0 { sched_yield() }
        #expect(stream != nil)
        stream = nil
        #expect(try await scores(request(answers), by: engine).count == answers.count)
        while engine.load.running > 0 { await Task.yield() }
        #expect(engine.load.usedBlocks == 0 && engine.load.waiting == 0)
        #expect(engine.load.prefilledTokens < 200_000 * 40)
    }

    @Test func answersThatDoNotFitAreRefused() async throws {
        let engine = engine()
        let prompt = try request([[]]).prompt.count
        let most = [Int32](repeating: 70, count: 256 - prompt)
        #expect(try await scores(request([most, []]), by: engine).count == 2)
        #expect(throws: AdmissionError.contextLengthExceeded(limit: 256, count: 257)) {
            try engine.submit(request([[], most + [2]]), in: engine.reserve())
        }
    }
}
