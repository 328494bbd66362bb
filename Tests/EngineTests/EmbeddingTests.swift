import Checkpoints
import Engine
import Models
import Policies
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Embeddings compared with hidden states that the test computes itself.
@Suite struct EmbeddingTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer
    private let policy: Policy

    init() throws {
        let file = try TinyLlama.file(.float32)
        decoder = try TransformerDecoder(file, precision: .float32, compute: Compute(threads: 1))
        tokenizer = Tokenizer(try Vocabulary(file))
        policy = Policy(
            name: "base", generation: 0, adapter: nil, vision: nil, template: .chatml, sampling: SamplingParameters(),
            created: 0)
    }

    private func engine(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Engine {
        var configuration = EngineConfiguration(contextLength: 256)
        configuration.cacheBytes = 1 << 20
        change(&configuration)
        return Engine(decoder: decoder, tokenizer: tokenizer, endTokens: [2], configuration: configuration)
    }

    private func request(_ prompt: [Int32]) -> EngineRequest {
        var request = EngineRequest(prompt: prompt, policy: policy)
        request.task = .embed
        return request
    }

    private let prompt = (0..<100).map { Int32(3 + $0 * 7 % 300) }

    @Test func anEmbeddingIsTheMeanOfTheLastHiddenStates() async throws {
        let answer = try await engine().answer(to: request(prompt))
        #expect(answer.deltas.isEmpty && answer.completion.generatedTokens == 0)
        let cache = decoder.makeCache(bytes: 0, minimumPositions: prompt.count, precision: .int16)
        let batch = DecoderBatch(
            tokens: prompt,
            sequences: [
                SequenceSlice(rows: 0..<prompt.count, start: 0, blockTable: (0..<Int32(cache.blocks)).map { $0 })
            ],
            outputRows: Array(0..<prompt.count))
        let hidden = decoder.hiddenStates(batch, cache: cache)
        var mean = [Double](repeating: 0, count: 64)
        for row in 0..<prompt.count {
            for (index, value) in hidden.elements(ofRow: row).enumerated() { mean[index] += Double(value) / 100 }
        }
        let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let embedding = answer.completion.embedding
        #expect(embedding.count == 64)
        for (one, other) in zip(embedding, mean) { #expect(abs(Double(one) - other / length) < 1e-6) }
        #expect(abs(embedding.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }

    /// Whatever shares its steps, and however they cut the prompt.
    @Test func anEmbeddingDoesNotDependOnItsNeighbours() async throws {
        let alone = try await engine().answer(to: request(prompt)).completion.embedding
        for budget in [1, 7, 64, 512] {
            let engine = engine { $0.tokenBudget = budget }
            try await withThrowingTaskGroup(of: [Float]?.self) { group in
                for length in [3, 30, 99, 100, 100] {
                    let request = request(Array(prompt.prefix(length)))
                    group.addTask {
                        let embedding = try await engine.answer(to: request).completion.embedding
                        return length == 100 ? embedding : nil
                    }
                }
                group.addTask {
                    var request = EngineRequest(prompt: prompt, policy: policy)
                    request.stop.maximumTokens = 8
                    _ = try await engine.answer(to: request)
                    return nil
                }
                for try await embedding in group { #expect(embedding == nil || embedding == alone) }
            }
            // The cache has the prompt now, but not its hidden states.
            #expect(try await engine.answer(to: request(prompt)).completion.embedding == alone)
        }
    }

    @Test func aPromptBeyondTheContextIsRefused() async throws {
        let engine = engine()
        let whole = [Int32](repeating: 5, count: 256)
        #expect(try await engine.answer(to: request(whole)).completion.embedding.count == 64)
        await #expect(throws: AdmissionError.contextLengthExceeded(limit: 256, count: 257)) {
            try await engine.answer(to: request(whole + [5]))
        }
    }
}
