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

/// Random mixes of answers, scoring, embeddings, echoed prompts and images. Some streams are dropped, and some requests
/// exceed their deadline. Every other request gets exactly the answer that it gets alone, each request ends once, and
/// no resource stays in use.
@Suite struct EngineMixTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer
    private let policies: [Policy]
    private let head: RewardHead

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        // One thread: tests of other suites run at the same time.
        let compute = Compute(threads: 1)
        let decoder = try TransformerDecoder(file, compute: compute)
        self.decoder = decoder
        tokenizer = Tokenizer(try Vocabulary(file))
        let folder = #filePath.replacingOccurrences(
            of: "EngineTests/EngineMixTests.swift", with: "CheckpointsTests/Fixtures/adapter")
        let adapter = try LowRankAdapter(PEFTAdapter(folder: folder), configuration: decoder.configuration)
        var generator = SplitMix64(seed: 9, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 96, layers: 4, heads: 2, feedForward: 192, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        head = RewardHead(score: ScalarHead(starting: 64, using: &generator), logProbWeight: 0.05)
        let vision = Policy.Vision(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 32))
        policies = [nil, ServingAdapter(adapter, configuration: decoder.configuration, compute: compute)].map {
            Policy(
                name: $0 == nil ? "base" : "sft", generation: 0, adapter: $0, vision: vision, template: .chatml,
                sampling: SamplingParameters(), created: 0)
        }
    }

    private func engine(_ change: (inout EngineConfiguration) -> Void) -> Engine {
        var configuration = EngineConfiguration(contextLength: 256)
        configuration.maximumWaiting = 1_000
        change(&configuration)
        return Engine(decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: configuration)
    }

    /// Few beginnings and many ends; some prompts repeat themselves, so that guesses are right. Every third request
    /// scores given answers.
    private func request(_ number: Int) -> EngineRequest {
        var generator = SplitMix64(seed: UInt64(number), stream: 0)
        func draw(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        let beginning = (0..<48).map { Int32(3 + ($0 * 7 + number % 3 * 31) % 300) }
        var prompt = Array(beginning.prefix(draw(0...48))) + (0..<draw(1...40)).map { _ in Int32(draw(3...40)) }
        if draw(0...2) == 0 { prompt += prompt.suffix(12) + prompt.suffix(12) }
        // Several of the images are equal. They have one tile or two, and cost much compared with the tiny decoder, so
        // their layers are spread over steps.
        let images = (0..<draw(0...2)).compactMap { reservation -> PromptImage? in
            let tiles = draw(1...2)
            let first = reservation * (prompt.count / 2)
            guard first + 4 * tiles <= (reservation + 1) * (prompt.count / 2) else { return nil }
            let pixels = Tensor(repeating: Float(draw(0...3)) / 4, [tiles, 3, 32, 32])
            return PromptImage(range: first..<first + 4 * tiles, tiles: ImageTiles(pixels))
        }
        var request = EngineRequest(prompt: prompt, images: images, policy: policies[number % 2])
        request.sampling.temperature = [0, 0.5, 1][draw(0...2)]
        request.sampling.topK = [nil, 5][draw(0...1)]
        request.sampling.repetitionPenalty = [1, 1.3][draw(0...1)]
        request.sampling.seed = UInt64(number)
        request.stop.maximumTokens = draw(0...24)
        request.stop.minimumTokens = draw(0...4)
        request.topLogprobs = 1
        request.echoesPrompt = draw(0...5) == 0
        if number % 4 == 2 {
            // Greedy answers of a random model end in cycles.
            request.sampling.temperature = 0
            request.sampling.repetitionPenalty = 1
            request.stop.maximumTokens = 80
            request.stop.ignoresEndToken = true
        }
        if number % 3 == 1 {
            let answers = (0..<draw(1...4)).map { _ in (0..<draw(0...30)).map { _ in Int32(draw(3...40)) } }
            let quantities = [.logProbability, .head(RewardHead(score: head.score)), Scoring.Quantity.head(head)]
            request.task = .score(Scoring(quantities[draw(0...2)], of: answers))
        }
        if number % 7 == 5 { request.task = .embed }
        return request
    }

    private struct Result: Equatable {
        var tokens: [GeneratedToken] = []
        var scores: [Double] = []
        var embedding: [Float] = []
        var ends: [FinishReason] = []
        var failures: [EngineFailure] = []
    }

    /// - Parameter limit: the number of events after which the stream is dropped; nil reads the whole stream.
    private func result(_ stream: AsyncStream<EngineEvent>, limit: Int? = nil) async -> Result {
        var result = Result()
        var left = limit ?? .max
        for await event in stream {
            if left == 0 { return result }
            left -= 1
            switch event {
            case .started: break
            case .text(let delta): result.tokens += delta.tokens
            case .finished(let completion):
                result.tokens += completion.tokens
                result.scores = completion.scores
                result.embedding = completion.embedding
                result.ends.append(completion.reason)
            case .failed(let failure): result.failures.append(failure)
            }
        }
        return result
    }

    @Test func everyMixGivesWhatEachRequestGivesAlone() async throws {
        let count = 90
        var alone: [Result] = []
        for number in 0..<count {
            let engine = engine {
                $0.cacheBytes = 0
                $0.draftTokens = 0
            }
            alone.append(await result(try engine.submit(request(number), in: engine.reserve())))
        }
        var generator = SplitMix64(seed: 77, stream: 0)
        #expect(Set(alone.flatMap(\.scores)).count > 50)
        #expect(alone.count { $0.embedding.count == 64 } > 10)
        #expect(alone.allSatisfy { $0.ends.count + $0.failures.count == 1 })
        var (dropped, late, whole, guesses) = (0, 0, 0, 0)
        for round in 0..<10 {
            let engine = engine {
                $0.cacheBytes = round % 2 << 20
                $0.tokenBudget = Int.random(in: 5...80, using: &generator)
                $0.draftTokens = round % 3 * 4
                $0.maximumSequences = 2 + round * 4
            }
            for _ in 0..<20 {
                let numbers = (0..<Int.random(in: 1...32, using: &generator)).map { _ in
                    Int.random(in: 0..<count, using: &generator)
                }
                let fates = numbers.map { _ in Int.random(in: 0..<10, using: &generator) }
                await withTaskGroup(of: (number: Int, fate: Int, result: Result).self) { group in
                    for (number, fate) in zip(numbers, fates) {
                        var request = request(number)
                        if fate == 0 { request.deadline = .now - .seconds(1) }
                        guard let reservation = try? engine.reserve(),
                            let stream = try? engine.submit(request, in: reservation)
                        else {
                            Issue.record("request \(number) was refused")
                            continue
                        }
                        group.addTask {
                            (number, fate, await self.result(stream, limit: fate <= 2 && fate > 0 ? number % 6 : nil))
                        }
                    }
                    for await (number, fate, result) in group {
                        switch fate {
                        case 0:
                            #expect(result == Result(failures: [.deadlineExceeded]))
                            late += 1
                        case 1...2:
                            #expect(result.tokens.elementsEqual(alone[number].tokens.prefix(result.tokens.count)))
                            dropped += 1
                        default:
                            #expect(result == alone[number], "request \(number) in round \(round)")
                            whole += 1
                        }
                    }
                }
            }
            while engine.load.running > 0 || engine.load.waiting > 0 { await Task.yield() }
            #expect(engine.load.usedBlocks == 0 && engine.load.cachedBlocks <= engine.load.blocks)
            guesses += engine.load.draftedTokens
        }
        #expect(whole > 1_500 && dropped > 300 && late > 150)
        #expect(guesses > 500, "\(guesses)")
    }
}
