import Foundation
public import Models
public import Tensors
public import Tokenizers

/// Whether a policy still writes like its base model: the perplexity of a fixed text with the adapter on and off.
public struct TextQuality: Codable, Sendable, Equatable {
    /// The number of the text's tokens.
    public let tokens: Int
    /// The base model's perplexity.
    public let base: Double
    /// The perplexity with the policy's adapter.
    public let policy: Double

    /// The policy's perplexity divided by the base model's.
    public var ratio: Double { policy / base }

    /// One line for a person.
    public var summary: String {
        String(
            format: "perplexity over %d tokens: adapter off %.3f, on %.3f, ratio %.4f", tokens, base, policy, ratio)
    }

    /// Measures `ReferenceText` under the decoder alone and under an adapter.
    ///
    /// - Parameter cache: the format of keys and values during the measurement.
    public init(
        decoder: TransformerDecoder, adapter: ServingAdapter, tokenizer: Tokenizer, cache: KVCache.Precision = .fp16
    ) {
        let ids = tokenizer.encode(ReferenceText.text, special: .asText)
        tokens = ids.count
        base = Self.perplexity(of: ids, decoder: decoder, adapter: nil, cache: cache)
        policy = Self.perplexity(of: ids, decoder: decoder, adapter: adapter, cache: cache)
    }

    /// `exp` of the mean cross entropy in nats over all ids but the first, each given the ids before it.
    ///
    /// - Parameter chunk: ids that go through the decoder at once; the result does not depend on it.
    public static func perplexity(
        of ids: [Int32], decoder: TransformerDecoder, adapter: ServingAdapter?, chunk: Int = 256,
        cache precision: KVCache.Precision = .fp16
    ) -> Double {
        precondition(ids.count > 1 && chunk > 0)
        let cache = decoder.makeCache(bytes: 0, minimumPositions: ids.count, precision: precision)
        let table = (0..<Int32(cache.blocks)).map { $0 }
        // The last id has no target.
        let targets = ids.dropFirst() + [-1]
        var loss = 0.0
        for start in stride(from: 0, to: ids.count, by: chunk) {
            let range = start..<min(ids.count, start + chunk)
            let rows = 0..<range.count
            let batch = DecoderBatch(
                tokens: Array(ids[range]),
                sequences: [SequenceSlice(rows: rows, start: start, blockTable: table)],
                adapters: adapter.map { [.init(rows: rows, adapter: $0)] } ?? [], outputRows: Array(rows))
            let logits = decoder.forward(batch, cache: cache)
            let shifted = range.map { targets[targets.startIndex + $0] }
            loss += decoder.compute.crossEntropy(logits, targets: shifted).losses.reduce(0) { $0 + Double($1) }
        }
        return exp(loss / Double(ids.count - 1))
    }
}
