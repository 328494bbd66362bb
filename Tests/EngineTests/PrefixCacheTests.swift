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

/// The blocks that the engine keeps of finished requests, and the requests that may use them.
@Suite struct PrefixCacheTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer
    private let vision: Policy.Vision
    private let policy: Policy

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        // One thread: tests of other suites run at the same time.
        let compute = Compute(threads: 1)
        decoder = try TransformerDecoder(file, compute: compute)
        tokenizer = Tokenizer(try Vocabulary(file))
        var generator = SplitMix64(seed: 9, stream: 0)
        let sizes = try VisionConfiguration(
            imageSize: 32, patchSize: 8, hidden: 8, layers: 1, heads: 2, feedForward: 16, scale: 2, textHidden: 64)
        let encoder = VisionEncoder(VisionWeights(configuration: sizes, using: &generator), on: compute)
        vision = .init(generation: 1, encoder: encoder, processor: ImageProcessor(tileSize: 32))
        policy = Self.policy("one", vision)
    }

    private static func policy(_ name: String, _ vision: Policy.Vision) -> Policy {
        Policy(
            name: name, generation: 1, adapter: nil, vision: vision, template: .chatml,
            sampling: SamplingParameters(), created: 0)
    }

    private func engine(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Engine {
        var configuration = EngineConfiguration(contextLength: 256)
        configuration.cacheBytes = 0
        change(&configuration)
        return Engine(decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: configuration)
    }

    private func request(_ prompt: [Int32], by policy: Policy? = nil, tokens: Int = 6) -> EngineRequest {
        var request = EngineRequest(prompt: prompt, policy: policy ?? self.policy)
        request.stop.maximumTokens = tokens
        request.stop.ignoresEndToken = true
        request.topLogprobs = 0
        return request
    }

    private func ids(_ seed: UInt64, count: Int) -> [Int32] {
        let random = SplitMix64.Indexed(seed: seed)
        return (0..<count).map { Int32(3 + random.uniform(at: $0) * 300) }
    }

    private func answer(_ request: EngineRequest, from engine: Engine) async throws -> Answer {
        try await engine.answer(to: request)
    }

    @Test func whatWasComputedOnceIsFoundAgain() async throws {
        let engine = engine()
        let prompt = ids(1, count: 70)
        let cold = try await answer(request(prompt), from: engine)
        let warm = try await answer(request(prompt), from: engine)
        #expect(cold.completion.cachedTokens == 0 && warm.completion.cachedTokens == 64)
        #expect(cold.tokens == warm.tokens)
        // The next turn: the prompt, the answer, and more.
        let next = prompt + cold.tokens.map(\.id) + ids(2, count: 40)
        let turn = try await answer(request(next), from: engine)
        #expect(turn.completion.cachedTokens == 64)
        let alone = self.engine()
        #expect(try await answer(request(next), from: alone).tokens == turn.tokens)
        #expect(engine.load.usedBlocks == 0 && engine.load.cachedBlocks > 0)
        #expect(engine.load.cachedTokens == 128 && engine.load.admittedTokens == 70 + 70 + next.count)
    }

    /// Even if the prompt fills whole blocks, one position must be computed to draw a token from.
    @Test(arguments: [(16, 0), (17, 16), (32, 16), (33, 32)])
    func theLastPositionIsAlwaysComputed(length: Int, cached: Int) async throws {
        let engine = engine()
        let prompt = ids(3, count: length)
        _ = try await answer(request(prompt, tokens: 1), from: engine)
        #expect(try await answer(request(prompt, tokens: 1), from: engine).completion.cachedTokens == cached)
    }

    @Test func samplesOfOnePromptThatComeTogetherShareIt() async throws {
        let engine = engine { $0.cacheBytes = 1 << 20 }
        let requests = (0..<4).map { seed in
            var request = request(ids(4, count: 90))
            request.sampling.seed = UInt64(seed)
            return request
        }
        var streams: [AsyncStream<EngineEvent>] = []
        for request in requests { streams.append(try engine.submit(request, in: engine.reserve())) }
        var cached: [Int] = []
        for (stream, request) in zip(streams, requests) {
            let shared = try await stream.answer()
            cached.append(shared.completion.cachedTokens)
            #expect(try await answer(request, from: self.engine()).tokens == shared.tokens)
        }
        #expect(cached == [0, 80, 80, 80])
    }

    @Test func policiesShareNothing() async throws {
        let engine = engine()
        let prompt = ids(5, count: 40)
        _ = try await answer(request(prompt), from: engine)
        let other = Self.policy("one", vision)
        #expect(try await answer(request(prompt, by: other), from: engine).completion.cachedTokens == 0)
    }

    @Test func imagesAreToldByTheirPixels() async throws {
        let engine = engine()
        func ask(_ shade: UInt8, _ text: String) async throws -> Completion {
            let image = InputProcessor.Image(image: RGBImage(width: 32, height: 32, red: shade, green: 9, blue: 9))
            var request = try InputProcessor(tokenizer: tokenizer).request(
                messages: [ChatMessage(role: .user, content: [.image(0), .text(text)])], images: [image],
                policy: policy)
            request.stop.maximumTokens = 2
            return try await answer(request, from: engine).completion
        }
        let question = "what color is the large thing on the left of it?"
        #expect(try await ask(10, question).cachedTokens == 0)
        #expect(try await ask(10, question).cachedTokens > 0)
        #expect(try await ask(200, question).cachedTokens == 0)
        #expect(engine.load.imageMisses == 2)
        // With another beginning, no block of the answer is found, but the image is.
        var turned = try InputProcessor(tokenizer: tokenizer).request(
            messages: [ChatMessage(role: .user, content: [.text("look at this picture and say: "), .image(0)])],
            images: [.init(image: RGBImage(width: 32, height: 32, red: 200, green: 9, blue: 9))], policy: policy)
        turned.stop.maximumTokens = 1
        #expect(try await answer(turned, from: engine).completion.cachedTokens == 0)
        #expect(engine.load.imageMisses == 2 && engine.load.imageHits == 1)
    }

    @Test func anEchoedPromptIsComputedAnew() async throws {
        let engine = engine()
        var request = request(ids(6, count: 50))
        _ = try await answer(request, from: engine)
        request.echoesPrompt = true
        let echoed = try await answer(request, from: engine)
        #expect(echoed.completion.cachedTokens == 0)
        #expect(echoed.tokens.count == 56 && echoed.tokens[1...].allSatisfy { $0.logprob != nil })
    }

    @Test func whatIsLeastUsedGoesFirst() async throws {
        // The cache has room for one full context: old blocks make way, and the most recently used ones stay.
        let engine = engine()
        for seed in 10..<40 as Range<UInt64> {
            _ = try await answer(request(ids(seed, count: 60)), from: engine)
            #expect(engine.load.usedBlocks == 0 && engine.load.cachedBlocks <= engine.load.blocks)
        }
        #expect(try await answer(request(ids(39, count: 60)), from: engine).completion.cachedTokens == 48)
        #expect(try await answer(request(ids(10, count: 60)), from: engine).completion.cachedTokens == 0)
    }

    /// Random block tables share, extend and release blocks; the contents are compared with the expected ones.
    @Test func blocksKeepTheirContentUnderRandomUse() {
        let random = SplitMix64.Indexed(seed: 8)
        var pool = BlockPool(count: 24)
        var tables: [[Int32]] = Array(repeating: [], count: 5)
        var chains = Array(repeating: BlockChain(of: policy), count: 5)
        var contents: [Int32: BlockKey] = [:]
        var found = 0
        for step in 0..<4_000 {
            func draw(_ reservation: Int, _ count: Int) -> Int {
                Int(random.uniform(at: 4 * step + reservation) * Double(count))
            }
            let owner = draw(0, 5)
            pool.release(&tables[owner])
            chains[owner] = BlockChain(of: policy)
            // Few different beginnings, so that many prompts begin alike.
            let tokens = (0..<8).flatMap { Array(repeating: Int32(draw(1, 3) * ($0 / 3 + 1)), count: 16) }
            let wanted = 1 + draw(2, 8)
            var key = BlockKey(0, of: tokens, images: [], after: chains[owner].end)
            while chains[owner].count < wanted, let entry = pool[key] {
                #expect(pool.isFinished(entry))
                tables[owner].append(entry.block)
                chains[owner].append(entry.id)
                key = BlockKey(min(7, chains[owner].count), of: tokens, images: [], after: chains[owner].end)
                found += 1
            }
            pool.hold(tables[owner])
            for (index, block) in tables[owner].enumerated() { #expect(contents[block] != nil, "block \(index)") }
            if pool.extend(&tables[owner], to: 16 * wanted) {
                while chains[owner].count < wanted {
                    let block = tables[owner][chains[owner].count]
                    let key = BlockKey(chains[owner].count, of: tokens, images: [], after: chains[owner].end)
                    contents[block] = key
                    chains[owner].append(pool.register(key, block: block))
                }
            }
            pool.finish()
            #expect(pool.isConsistent(holding: tables), "after step \(step)")
        }
        #expect(found > 1_000)
    }

    @Test func embeddingsStayWithinTheirBudget() {
        var cache = EmbeddingCache(bytes: 4 * 4 * 3)
        let vision = PolicyIdentity()
        func ask(_ number: Int) -> Bool {
            let key = EmbeddingCache.Key(image: TensorDigest(Tensor([Float(number)], shape: [1])), vision: vision)
            if let tensor = cache.find(key) {
                #expect(tensor.elements == [Float](repeating: Float(number), count: 4))
                return false
            }
            cache.insert(Tensor(repeating: Float(number), [2, 2]), for: key)
            return true
        }
        #expect([1, 2, 3, 1, 2, 3].map(ask) == [true, true, true, false, false, false])
        #expect(ask(1) == false && ask(4) && cache.byteCount == 48)
        // The second one was used longest ago.
        #expect([1, 3, 4, 2].map(ask) == [false, false, false, true])
        #expect(cache.hits == 7 && cache.misses == 5)
    }

    @Test func recencyIsThatOfTheLastUse() {
        var queue = RecencyQueue<Int>()
        for _ in 0..<100 { for key in 0..<5 { queue.use(key) } }
        queue.use(0)
        queue.remove(1)
        #expect(queue.count == 4 && queue.contains(0) && !queue.contains(1))
        #expect((0..<5).map { _ in queue.removeOldest() } == [2, 3, 4, 0, nil])
    }
}
