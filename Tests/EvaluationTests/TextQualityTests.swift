import Checkpoints
import Datasets
import Evaluation
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite struct TextQualityTests {
    private let decoder: TransformerDecoder
    private let tokenizer: Tokenizer

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        tokenizer = Tokenizer(try Vocabulary(file))
    }

    private var ids: [Int32] { (0..<70).map { Int32(3 + $0 * 37 % 300) } }

    private func adapter(deviation: Float) throws -> ServingAdapter {
        var generator = SplitMix64(seed: 3)
        var adapter = LowRankAdapter(starting: decoder.configuration, rank: 4, alpha: 8, using: &generator)
        for layer in adapter.layers.indices {
            for (module, pair) in adapter.layers[layer] {
                let b = Tensor(normal: deviation, pair.b.shape, using: &generator)
                adapter.layers[layer][module] = .init(a: pair.a, b: b)
            }
        }
        return ServingAdapter(adapter, configuration: decoder.configuration, compute: decoder.compute)
    }

    /// Computed from the softmax of whole rows, written out.
    @Test func isTheExponentialOfTheMeanLoss() throws {
        let cache = decoder.makeCache(bytes: 0, minimumPositions: ids.count)
        let slice = SequenceSlice(
            rows: 0..<ids.count, start: 0, blockTable: (0..<cache.blocks).map { Int32($0) })
        let batch = DecoderBatch(tokens: ids, sequences: [slice], outputRows: Array(ids.indices))
        let logits = decoder.forward(batch, cache: cache)
        var loss = 0.0
        for row in 0..<ids.count - 1 {
            let all = (0..<logits.columns).map { exp(Double(logits[row, $0])) }
            loss -= log(all[Int(ids[row + 1])] / all.reduce(0, +))
        }
        let expected = exp(loss / Double(ids.count - 1))
        let found = TextQuality.perplexity(of: ids, decoder: decoder, adapter: nil)
        #expect(abs(found / expected - 1) < 1e-5, "\(found) \(expected)")
    }

    @Test(arguments: [1, 7, 16, 69, 70])
    func doesNotDependOnTheChunk(chunk: Int) {
        let whole = TextQuality.perplexity(of: ids, decoder: decoder, adapter: nil, chunk: 100)
        #expect(TextQuality.perplexity(of: ids, decoder: decoder, adapter: nil, chunk: chunk) == whole)
    }

    @Test func seesTheAdapter() throws {
        let zero = try TextQuality(decoder: decoder, adapter: adapter(deviation: 0), tokenizer: tokenizer)
        #expect(zero.ratio == 1)
        let strong = try TextQuality(decoder: decoder, adapter: adapter(deviation: 0.5), tokenizer: tokenizer)
        #expect(strong.base == zero.base && abs(strong.ratio - 1) > 0.01)
        #expect(strong.tokens > 900)
    }
}
