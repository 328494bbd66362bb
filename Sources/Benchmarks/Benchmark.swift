import Datasets
public import Engine
import Images
public import Models
public import Policies
import Support
public import Tensors
public import Tokenizers

/// How fast this machine prefills, decodes, encodes images and trains, measured in this process.
public struct Benchmark: Sendable {
    /// The measurements and their number of repeats.
    public struct Settings: Sendable {
        /// Positions of the decoder's context; nil for the length that it was trained for.
        public var contextLength: Int?
        /// Prompt lengths. Lengths beyond the context are skipped.
        public var prefillLengths = [128, 512, 2048, 4096]
        /// Positions that a sequence holds before it is decoded further. Depths beyond the context are skipped.
        public var decodeDepths = [0, 512, 4096, 16_384]
        /// Numbers of sequences that are decoded together.
        public var streams = [8, 32]
        /// The format of keys and values.
        public var cachePrecision = KVCache.Precision.int16
        /// Upper bound on the repeats of each measurement.
        public var repeats = 3
        /// A measurement starts no repeat after this time, so that the benchmark ends on slow machines too.
        public var patience = Duration.seconds(4)
        /// Does the work of the measurement `name` and returns its seconds; nil measures the time.
        package var seconds: (@Sendable (_ name: String, _ work: () -> Void) -> Double)?

        /// Settings for less than a minute on two cores.
        public init() {}
    }

    /// Why a metric is missing.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// The engine did not finish a request.
        case unfinished(String)

        /// The engine's message.
        public var description: String {
            switch self {
            case .unfinished(let reason): "the engine did not answer the benchmark's question: \(reason)"
            }
        }
    }

    private let decoder: TransformerDecoder
    private let engine: any InferenceEngine
    private let tokenizer: Tokenizer
    private let policy: Policy
    private let settings: Settings

    /// A benchmark of `decoder`, and of image questions to `policy` through `engine`, which runs the same decoder.
    ///
    /// A policy that cannot see gets a vision encoder of the usual size with random weights; time does not depend on
    /// weights.
    public init(
        decoder: TransformerDecoder, engine: any InferenceEngine, tokenizer: Tokenizer, policy: Policy,
        settings: Settings = Settings()
    ) throws(VisionError) {
        self.decoder = decoder
        self.engine = engine
        self.tokenizer = tokenizer
        self.settings = settings
        let vision = if let vision = policy.vision { vision } else { try Self.randomVision(for: decoder) }
        self.policy = Policy(
            name: policy.name, generation: policy.generation, adapter: policy.adapter, vision: vision,
            template: policy.template, sampling: SamplingParameters(), created: policy.created)
    }

    /// Measures everything and reports each metric at once. The peaks are measured first and last: the report has
    /// shares of them only if they stayed the same.
    ///
    /// - Throws: `Failure`, `AdmissionError` or `InputProcessor.Failure`.
    public func run(progress: (BenchmarkMetric) -> Void = { _ in }) async throws -> BenchmarkReport {
        var measurements: [BenchmarkMetric] = []
        func add(_ measurement: BenchmarkMetric) {
            measurements.append(measurement)
            progress(measurement)
        }
        let limit = settings.contextLength ?? decoder.configuration.contextLength
        let lengths = settings.prefillLengths.filter { $0 <= limit }
        let depths = settings.decodeDepths.filter { $0 < limit }
        let stopwatch = Stopwatch(
            repeats: settings.repeats, patience: settings.patience, seconds: settings.seconds)
        let roofs = RoofBenchmark(compute: decoder.compute, stopwatch: stopwatch)
        let (integers, memory) = (roofs.integers(), roofs.memory())
        var text = DecoderBenchmark(
            decoder: decoder, positions: max(lengths.max() ?? 1, depths.max() ?? 1),
            streams: settings.streams.max() ?? 1, precision: settings.cachePrecision, stopwatch: stopwatch)
        add(integers)
        add(memory)
        for metric in roofs.products(decoder.configuration, peak: integers) { add(metric) }
        // The first pass maps the memory pages that all later passes reuse.
        _ = text.prefill(lengths.min() ?? 1)
        for length in lengths {
            add(text.prefill(length))
            add(text.share(ofPrefill: length, measurements[measurements.count - 1], peak: integers))
        }
        for depth in depths {
            add(text.decode(depth: depth))
            add(text.share(ofDecodeAt: depth, measurements[measurements.count - 1], memory: memory))
        }
        for streams in settings.streams {
            add(text.decode(streams: streams))
            add(text.share(ofStreams: streams, measurements[measurements.count - 1], peak: integers))
        }
        if let adapter = policy.adapter {
            text.adapter = adapter
            for length in lengths { add(text.prefill(length)) }
            add(text.decode(depth: 0))
            for streams in settings.streams { add(text.decode(streams: streams)) }
        }
        if let vision = policy.vision { add(encoding(vision, stopwatch)) }
        add(try await firstToken())
        let products = ProductBenchmark(
            configuration: decoder.configuration, compute: decoder.compute, stopwatch: stopwatch)
        for metric in products.run() { add(metric) }
        let suffix = BenchmarkReport.endSuffix
        for metric in [roofs.integers(suffix), roofs.memory(suffix)] + products.peaks(suffix) { add(metric) }
        return BenchmarkReport(
            instructionSet: decoder.compute.instructionSet.rawValue, threads: decoder.compute.threads,
            cache: text.cache.precision.rawValue, measurements: measurements)
    }

    private func encoding(_ vision: Policy.Vision, _ stopwatch: Stopwatch) -> BenchmarkMetric {
        let pixels = vision.processor.tiles(of: ShapeScene(seed: 0).image, detail: .auto)
        return stopwatch.milliseconds("image encode") { _ = vision.encoder.encode(pixels) }
    }

    /// From submission to the first token of the answer to a question about one image, on an idle engine.
    private func firstToken() async throws -> BenchmarkMetric {
        let processor = InputProcessor(tokenizer: tokenizer)
        let message = ChatMessage(role: .user, content: [.image(0), .text("What color is the shape?")])
        var milliseconds: [Double] = []
        // The first question wakes the engine and is not counted.
        for seed in 0...UInt64(settings.repeats) {
            let image = InputProcessor.Image(image: ShapeScene(seed: seed).image)
            var request = try processor.request(messages: [message], images: [image], policy: policy)
            request.sampling.temperature = 0
            request.stop.maximumTokens = 1
            let time = try await completion(of: request).timing.firstToken
            if seed > 0 { milliseconds.append(time / .milliseconds(1)) }
        }
        return BenchmarkMetric(name: "first token of a picture question", unit: "ms", values: milliseconds)
    }

    private func completion(of request: EngineRequest) async throws -> Completion {
        do {
            return try await engine.answer(to: request).completion
        } catch let failure as EngineFailure {
            throw Failure.unfinished("\(failure)")
        }
    }

    private static func randomVision(for decoder: TransformerDecoder) throws(VisionError) -> Policy.Vision {
        let configuration = try VisionConfiguration(
            imageSize: 64, patchSize: 8, hidden: 192, layers: 6, heads: 3, feedForward: 768, scale: 2,
            textHidden: decoder.configuration.hidden)
        var generator = SplitMix64(seed: 0)
        let weights = VisionWeights(configuration: configuration, using: &generator)
        return Policy.Vision(
            generation: 0, encoder: VisionEncoder(weights, on: decoder.compute),
            processor: ImageProcessor(tileSize: configuration.imageSize))
    }
}
