import Datasets
import Models
import Support
import Tensors

/// Times the decoder alone, without sampling and scheduling. The inputs follow from a fixed seed.
struct DecoderBenchmark {
    let decoder: TransformerDecoder
    let stopwatch: Stopwatch
    /// The adapter of all rows, which the metrics' names mention; nil for the backbone alone.
    var adapter: ServingAdapter?
    let cache: KVCache
    private let ids: [Int32]
    /// Positions that one step of a prefill computes, as in the engine.
    private static let chunk = 512
    /// Tokens that one repeat of a decode computes.
    private static let steps = 24

    /// A benchmark of up to `positions` positions, without the decoded ones.
    init(decoder: TransformerDecoder, positions: Int, streams: Int, precision: KVCache.Precision, stopwatch: Stopwatch)
    {
        self.decoder = decoder
        self.stopwatch = stopwatch
        let perStream = (Self.steps + KVCache.blockSize - 1) / KVCache.blockSize * KVCache.blockSize
        let all = max(positions + Self.steps, streams * perStream)
        cache = decoder.makeCache(bytes: 0, minimumPositions: all, precision: precision)
        var generator = SplitMix64(seed: 0)
        ids = (0..<all).map { _ in Int32(generator.draw(0...(decoder.configuration.vocabulary - 1))) }
    }

    /// Prefill of `length` tokens with the logits of the last one, in tokens per second.
    func prefill(_ length: Int) -> BenchmarkMetric {
        rate("prefill \(length)", count: length, on: "prefill by length", at: length) { read(length) }
    }

    /// Decode of one sequence after `depth` positions, in tokens per second.
    func decode(depth: Int) -> BenchmarkMetric {
        read(depth)
        return rate("decode at \(depth)", count: Self.steps, on: "decode by depth", at: depth) {
            for step in 0..<Self.steps { advance([depth + step], tables: [table]) }
        }
    }

    /// Decode of `streams` short sequences in one batch, in tokens per second.
    func decode(streams: Int) -> BenchmarkMetric {
        let share = cache.blocks / streams
        let tables = (0..<streams).map { stream in (0..<share).map { Int32(stream * share + $0) } }
        return rate(
            "decode \(streams) streams at 0", count: streams * Self.steps, on: "decode by streams", at: streams
        ) {
            for step in 0..<Self.steps {
                advance([Int](repeating: step, count: streams), tables: tables)
            }
        }
    }

    private func rate(
        _ name: String, count: Int, on curve: String, at x: Int, _ work: () -> Void
    ) -> BenchmarkMetric {
        let suffix = adapter == nil ? "" : " with an adapter"
        return stopwatch.rate(name + suffix, count: count, on: curve + suffix, at: x, work)
    }

    // MARK: Shares

    /// The prefill's operations per second, attention included, as a share of the processor's integer peak.
    func share(ofPrefill length: Int, _ metric: BenchmarkMetric, peak: BenchmarkMetric) -> BenchmarkMetric {
        let operations = decoder.configuration.operations(for: 0..<length, outputs: 1)
        return metric.share(Double(operations) / Double(length) / 1e9, of: peak, name: "of the integer peak")
    }

    /// The operations per second of a batched decode, as a share of the processor's integer peak.
    func share(ofStreams streams: Int, _ metric: BenchmarkMetric, peak: BenchmarkMetric) -> BenchmarkMetric {
        let operations = decoder.configuration.operations(for: 0..<Self.steps, outputs: Self.steps)
        return metric.share(Double(operations) / Double(Self.steps) / 1e9, of: peak, name: "of the integer peak")
    }

    /// The bytes of weights, keys and values that decoding reads per second, as a share of the memory's bandwidth.
    func share(ofDecodeAt depth: Int, _ metric: BenchmarkMetric, memory: BenchmarkMetric) -> BenchmarkMetric {
        let bytes = decoder.weightBytes + decoder.cacheBytes(for: depth + Self.steps / 2, precision: cache.precision)
        return metric.share(Double(bytes) / 1e9, of: memory, name: "of the memory's rate")
    }

    private var table: [Int32] { (0..<cache.blocks).map { Int32($0) } }

    private func read(_ length: Int) {
        for start in stride(from: 0, to: length, by: Self.chunk) {
            let range = start..<min(length, start + Self.chunk)
            let slice = SequenceSlice(rows: 0..<range.count, start: start, blockTable: table)
            let outputs = range.upperBound == length ? [range.count - 1] : []
            run(DecoderBatch(tokens: Array(ids[range]), sequences: [slice], outputRows: outputs))
        }
    }

    /// Computes one more position of each sequence.
    private func advance(_ positions: [Int], tables: [[Int32]]) {
        let slices = positions.indices.map {
            SequenceSlice(rows: $0..<$0 + 1, start: positions[$0], blockTable: tables[$0])
        }
        run(
            DecoderBatch(
                tokens: positions.map { ids[$0] }, sequences: slices, outputRows: Array(positions.indices)))
    }

    private func run(_ batch: DecoderBatch) {
        var batch = batch
        if let adapter { batch.adapters = [.init(rows: 0..<batch.tokens.count, adapter: adapter)] }
        _ = decoder.forward(batch, cache: cache)
    }
}
