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

/// The engine with a tiny random model: guarantees that hold for any answers.
@Suite struct EngineTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer
    private let policy: Policy

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        tokenizer = Tokenizer(try Vocabulary(file))
        policy = Policy(
            name: "base", generation: 0, adapter: nil, vision: nil, template: .chatml, sampling: SamplingParameters(),
            created: 0)
    }

    private func engine(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Engine {
        var configuration = EngineConfiguration(contextLength: 256)
        configuration.cacheBytes = 0
        configuration.tokenBudget = 24
        change(&configuration)
        return Engine(decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: configuration)
    }

    private func request(_ prompt: Int, length: Int, tokens: Int, seed: UInt64) -> EngineRequest {
        let random = SplitMix64.Indexed(seed: UInt64(prompt))
        let ids = (0..<length).map { Int32(3 + random.uniform(at: $0) * 300) }
        var request = EngineRequest(prompt: ids, policy: policy)
        request.sampling.seed = seed
        request.stop.maximumTokens = tokens
        request.stop.ignoresEndToken = true
        request.topLogprobs = 0
        return request
    }

    /// All tokens with their log-probabilities, and the terminal events.
    private func collect(
        _ stream: AsyncStream<EngineEvent>
    ) async -> (tokens: [GeneratedToken], completions: [Completion], failures: [EngineFailure]) {
        var result: ([GeneratedToken], [Completion], [EngineFailure]) = ([], [], [])
        for await event in stream {
            switch event {
            case .started: break
            case .text(let delta): result.0 += delta.tokens
            case .finished(let completion):
                result.0 += completion.tokens
                result.1.append(completion)
            case .failed(let failure): result.2.append(failure)
            }
        }
        return result
    }

    @Test func timesCountWhatImagesTookBefore() async throws {
        let engine = engine()
        var request = request(0, length: 8, tokens: 2, seed: 1)
        request.imagePreparation = .seconds(100)
        let timing = try #require(await collect(try engine.submit(request, in: engine.reserve())).completions.first)
            .timing
        #expect(timing.imagePreparation == .seconds(100) && timing.images == .zero)
        #expect(timing.queue < .seconds(100) && timing.firstToken >= .seconds(100))
        #expect(timing.total >= timing.firstToken)
    }

    @Test func anAnswerIsTheSameAloneAndInACrowd() async throws {
        var alone: [[GeneratedToken]] = []
        let requests = (0..<12).map { request($0, length: 1 + 17 * $0 % 90, tokens: 20, seed: UInt64($0)) }
        let quiet = engine()
        for request in requests { alone.append(await collect(try quiet.submit(request, in: quiet.reserve())).tokens) }
        // A small cache: prompts come in chunks, with many sequences, and preemption.
        let busy = engine { $0.cacheBytes = 1 }
        let streams = try requests.map { try busy.submit($0, in: busy.reserve()) }
        for (stream, expected) in zip(streams, alone) {
            let (tokens, completions, failures) = await collect(stream)
            #expect(tokens == expected)
            #expect(completions.map(\.reason) == [.length] && failures.isEmpty)
        }
        #expect(busy.load.preemptions > 0)
        #expect(busy.load.usedBlocks == 0 && busy.load.running == 0 && busy.load.waiting == 0)
    }

    /// Prompts repeat themselves, so that there are guesses.
    @Test(arguments: [Float(0), 0.4, 1]) func guessesChangeNoAnswer(temperature: Float) async throws {
        let requests = (0..<6).map { number in
            var request = request(number % 3, length: 9, tokens: 60, seed: UInt64(number))
            request.prompt += request.prompt + request.prompt
            request.sampling.temperature = temperature
            request.topLogprobs = 2
            return request
        }
        func answers(draftTokens: Int) async throws -> (tokens: [[GeneratedToken]], load: EngineLoad) {
            let engine = engine { $0.draftTokens = draftTokens }
            let streams = try requests.map { try engine.submit($0, in: engine.reserve()) }
            var tokens: [[GeneratedToken]] = []
            for stream in streams { tokens.append(await collect(stream).tokens) }
            return (tokens, engine.load)
        }
        let (plain, guessing) = (try await answers(draftTokens: 0), try await answers(draftTokens: 4))
        #expect(guessing.tokens == plain.tokens && plain.tokens.allSatisfy { $0.count == 60 })
        #expect(plain.load.draftedTokens == 0 && guessing.load.draftedTokens > 0)
        #expect(guessing.load.acceptedTokens <= guessing.load.draftedTokens)
        #expect(guessing.load.usedBlocks == 0)
    }

    @Test func rightGuessesSaveSteps() async throws {
        let engine = engine()
        // Greedy answers of a random model end in cycles.
        var request = request(1, length: 9, tokens: 240, seed: 0)
        request.sampling.temperature = 0
        let tokens = await collect(try engine.submit(request, in: engine.reserve())).tokens
        #expect(tokens.count == 240 && engine.load.acceptedTokens > 20, "\(engine.load.acceptedTokens)")
        #expect(engine.load.steps == 240 - engine.load.acceptedTokens)
    }

    @Test func aDroppedStreamGivesEverythingBack() async throws {
        let engine = engine()
        var stream: AsyncStream<EngineEvent>? = try engine.submit(
            request(1, length: 10, tokens: 200, seed: 1), in: engine.reserve())
        let task = Task { [taken = stream] in
            guard let taken else { return }
            for await event in taken { if case .text = event { return } }
        }
        stream = nil
        await task.value
        // The next request is answered as if it were alone, and then no blocks are held.
        let after = await collect(try engine.submit(request(2, length: 5, tokens: 5, seed: 1), in: engine.reserve()))
        #expect(after.completions.count == 1)
        while engine.load.running > 0 { await Task.yield() }
        #expect(engine.load.usedBlocks == 0 && engine.load.waiting == 0)
    }

    /// The tokens of an echoed prompt have the same log-probabilities as answers to the tokens before them.
    @Test func echoedPromptsAreScored() async throws {
        let busy = engine { $0.cacheBytes = 1 }
        var echoed = request(3, length: 90, tokens: 5, seed: 1)
        echoed.echoesPrompt = true
        echoed.topLogprobs = 2
        let streams = try [echoed, echoed, echoed].map { try busy.submit($0, in: busy.reserve()) }
        for stream in streams {
            var deltas: [TextDelta] = []
            for await event in stream { if case .text(let delta) = event { deltas.append(delta) } }
            let prompt = try #require(deltas.first)
            #expect(deltas.map(\.isPrompt) == [true] + deltas.dropFirst().map { _ in false })
            #expect(prompt.text == tokenizer.decode(echoed.prompt) && prompt.tokens.map(\.id) == echoed.prompt)
            #expect(prompt.tokens[0].logprob == nil && prompt.tokens[0].top.isEmpty)
            for reservation in [1, 2, 23, 24, 25, 63, 64, 65, 89] {
                var request = echoed
                request.prompt = Array(echoed.prompt[..<reservation])
                request.echoesPrompt = false
                request.topLogprobs = decoder.configuration.vocabulary
                request.stop.maximumTokens = 1
                let drawn = await collect(try busy.submit(request, in: busy.reserve())).tokens[0]
                let expected = drawn.top.first { $0.id == echoed.prompt[reservation] }
                #expect(prompt.tokens[reservation].logprob == expected?.logprob)
                #expect(prompt.tokens[reservation].top == Array(drawn.top[..<2]))
            }
        }
    }

    @Test func noTokensAreDrawnWhereNoneAreWanted() async throws {
        let engine = engine()
        var request = request(1, length: 30, tokens: 0, seed: 1)
        request.echoesPrompt = true
        let result = await collect(try engine.submit(request, in: engine.reserve()))
        #expect(result.tokens.map(\.id) == request.prompt)
        #expect(result.completions.map(\.reason) == [.length] && result.completions[0].generatedTokens == 0)
    }

    @Test func aFullQueueIsRefused() throws {
        let engine = engine { $0.maximumWaiting = 2 }
        var places = [try engine.reserve(), try engine.reserve()]
        #expect(throws: AdmissionError.queueFull(limit: 2)) { try engine.reserve() }
        places.removeLast()
        places.append(try engine.reserve())
        #expect(engine.load.waiting == 2)
    }

    @Test func requestsWithImagesLeaveHalfOfTheQueueToText() throws {
        let engine = engine { $0.maximumWaiting = 4 }
        var places = try (0..<2).map { _ in try engine.reserve(hasImages: true) }
        #expect(throws: AdmissionError.queueFull(limit: 2)) { try engine.reserve(hasImages: true) }
        places += try (0..<2).map { _ in try engine.reserve(hasImages: false) }
        #expect(throws: AdmissionError.queueFull(limit: 4)) { try engine.reserve(hasImages: false) }
        places.removeFirst()
        places.append(try engine.reserve(hasImages: true))
        #expect(engine.load.waiting == 4 && engine.load.waitingWithImages == 2)
    }

    /// With three waiting requests, the estimated wait is three times the duration of the first request.
    @Test func theWaitIsExpectedFromWhatWasAnswered() async throws {
        let engine = engine { $0.maximumWaiting = 3 }
        #expect(engine.load.expectedWait == nil)
        _ = await collect(try engine.submit(request(1, length: 10, tokens: 5, seed: 0), in: engine.reserve()))
        let places = try (0..<3).map { _ in try engine.reserve() }
        let load = engine.load
        #expect(load.ended == 1 && load.stepSeconds.sum > 0 && load.waiting == places.count)
        #expect(load.expectedWait == .seconds(3 * load.stepSeconds.sum))
    }

    @Test func aPromptThatLeavesNoRoomIsRefused() throws {
        let engine = engine()
        #expect(throws: AdmissionError.contextLengthExceeded(limit: 256, count: 256)) {
            try engine.submit(request(1, length: 256, tokens: 1, seed: 0), in: engine.reserve())
        }
        #expect(engine.load.waiting == 0)
    }

    @Test func theContextEndsAnAnswer() async throws {
        let engine = engine()
        let result = await collect(
            try engine.submit(request(1, length: 250, tokens: 99, seed: 0), in: engine.reserve()))
        #expect(result.tokens.count == 6)
        #expect(result.completions.map(\.reason) == [.length])
    }

    @Test func deadlinesAndStoppingEndEveryRequestOnce() async throws {
        let engine = engine()
        var late = request(1, length: 10, tokens: 200, seed: 1)
        late.deadline = ContinuousClock.now - .seconds(1)
        #expect(await collect(try engine.submit(late, in: engine.reserve())).failures == [.deadlineExceeded])
        let streams = try (0..<5).map {
            try engine.submit(request($0, length: 10, tokens: 240, seed: 1), in: engine.reserve())
        }
        engine.stop()
        for stream in streams {
            let (_, completions, failures) = await collect(stream)
            #expect(completions.count + failures.count == 1)
        }
        #expect(throws: AdmissionError.stopping) { try engine.submit(late, in: engine.reserve()) }
    }
}
