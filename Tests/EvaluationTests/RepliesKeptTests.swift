import Checkpoints
import Datasets
import Evaluation
import Foundation
import Models
import Support
import Tensors
import TestSupport
import Testing

@Suite struct RepliesKeptTests {
    private let decoder: TransformerDecoder
    private let conversations: [(prompt: [Int32], reply: [Int32])]

    init() throws {
        let file = try TinyLlama.file(.q4_1)
        let decoder = try TransformerDecoder(file, compute: Compute(threads: 2))
        self.decoder = decoder
        conversations = (1...4).map { start in
            let prompt = (0..<9).map { Int32(3 + (start + $0) * 37 % 300) }
            var ids = prompt
            for _ in 0..<6 { ids.append(Self.next(after: ids, decoder)) }
            return (prompt, Array(ids.dropFirst(prompt.count)))
        }
    }

    /// The most likely token after `ids`, computed from the beginning.
    private static func next(after ids: [Int32], _ decoder: TransformerDecoder) -> Int32 {
        let cache = decoder.makeCache(bytes: 0, minimumPositions: ids.count)
        let slice = SequenceSlice(
            rows: ids.indices, start: 0, blockTable: (0..<cache.blocks).map { Int32($0) })
        let logits = decoder.forward(
            DecoderBatch(tokens: ids, sequences: [slice], outputRows: [ids.count - 1]), cache: cache)
        let best = (0..<logits.columns).max { (logits[0, $0], $1) < (logits[0, $1], $0) }
        return Int32(best ?? 0)
    }

    private func kept(deviation: Float) -> RepliesKept {
        var generator = SplitMix64(seed: 3)
        var adapter = LowRankAdapter(starting: decoder.configuration, rank: 4, alpha: 8, using: &generator)
        for layer in adapter.layers.indices {
            for (module, pair) in adapter.layers[layer] {
                let b = Tensor(normal: deviation, pair.b.shape, using: &generator)
                adapter.layers[layer][module] = .init(a: pair.a, b: b)
            }
        }
        return RepliesKept(
            conversations, decoder: decoder,
            adapter: ServingAdapter(adapter, configuration: decoder.configuration, compute: decoder.compute))
    }

    @Test func anAdapterWithoutEffectKeepsAll() {
        let all = kept(deviation: 0)
        #expect(all.replies == 4 && all.tokens == 24)
        #expect(all.kept == Proportion(4, of: 4) && all.agreeing == Proportion(24, of: 24))
        #expect(abs(all.divergence) < 1e-4)
    }

    @Test func aStrongAdapterKeepsLess() {
        let (weak, strong) = (kept(deviation: 0.05), kept(deviation: 1))
        #expect(strong.agreeing.count < 24 && strong.kept.count < 4)
        #expect(strong.divergence > weak.divergence && weak.divergence > 0)
    }
}
