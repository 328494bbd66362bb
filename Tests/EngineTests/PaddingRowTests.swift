import Checkpoints
import Engine
import Foundation
import Models
import Policies
import Tensors
import TestSupport
import Testing
import Tokenizers

/// Files whose embedding has more or fewer rows than there are tokens.
@Suite struct PaddingRowTests {
    private let compute = Compute(threads: 1)

    @Test(arguments: TinyLlama.Format.allCases) func rowsWithoutATokenAreNotLoaded(format: TinyLlama.Format) throws {
        try withTemporaryFolder { folder in
            let file = try TinyLlama.file(format, tokens: 300, at: folder.appendingPathComponent("short.gguf"))
            let short = try TransformerDecoder(file, compute: compute)
            let whole = try TransformerDecoder(TinyLlama.file(format), compute: compute)
            #expect(short.configuration.vocabulary == 300)
            func logits(_ decoder: TransformerDecoder) -> Tensor {
                let rows = 0..<KVCache.blockSize
                let batch = DecoderBatch(
                    tokens: rows.map { Int32(17 * $0) },
                    sequences: [SequenceSlice(rows: rows, start: 0, blockTable: [0])], outputRows: Array(rows))
                return decoder.forward(batch, cache: decoder.makeCache(bytes: 0, minimumPositions: rows.count))
            }
            let (found, expected) = (logits(short), logits(whole))
            #expect(found.shape == [16, 300])
            for row in 0..<16 {
                #expect(found.elements(ofRow: row) == Array(expected.elements(ofRow: row).prefix(300)))
            }
            let frozen = try FrozenDecoder(DecoderFiles(file), compute: compute)
            #expect(frozen.logits(Tensor(zeros: [1, 64])).shape == [1, 300])
        }
    }

    @Test func rowsWithoutATokenAreNeverDrawn() async throws {
        try await withTemporaryFolder { folder in
            let file = try TinyLlama.file(.q4_1, tokens: 260, at: folder.appendingPathComponent("short.gguf"))
            var request = EngineRequest(
                prompt: [5, 6, 7],
                policy: Policy(
                    name: "base", generation: 0, adapter: nil, vision: nil, template: .chatml,
                    sampling: SamplingParameters(), created: 0))
            request.sampling.temperature = 2
            request.stop.ignoresEndToken = true
            request.topLogprobs = 20
            let engine = Engine(
                decoder: try TransformerDecoder(file, compute: compute), tokenizer: Tokenizer(try Vocabulary(file)),
                endTokens: [2],
                configuration: EngineConfiguration(contextLength: 256))
            let tokens = try await engine.answer(to: request).tokens
            #expect(tokens.count == 253 && tokens.contains { $0.id > 200 })
            #expect(tokens.allSatisfy { $0.id < 260 && $0.top.count == 20 && $0.top.allSatisfy { $0.id < 260 } })
        }
    }

    @Test func moreTokensThanRowsAreRefused() throws {
        try withTemporaryFolder { folder in
            let file = try TinyLlama.file(tokens: 336, at: folder.appendingPathComponent("long.gguf"))
            let error = #expect(throws: ModelError.self) { try TransformerDecoder(file, compute: compute) }
            #expect(
                error?.description
                    == "\(file.path): tokenizer.ggml.tokens: expected 1 to 320 tokens, the rows of token_embd.weight, found 336"
            )
            #expect(throws: ModelError.self) { try DecoderConfiguration(file) }
        }
    }
}
