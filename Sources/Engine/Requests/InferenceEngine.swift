/// Answers requests: the engine, or a scripted replacement in tests.
public protocol InferenceEngine: Sendable {
    /// Reserves a slot in the queue, before any work is done for the request.
    ///
    /// - Parameter hasImages: whether the request has images, for the counts of waiting requests.
    /// - Throws: `AdmissionError.queueFull` or `.stopping`.
    func reserve(hasImages: Bool) throws(AdmissionError) -> Reservation

    /// Queues a request in its reserved slot.
    ///
    /// Dropping the stream, or cancelling the task that reads it, cancels the request within one step.
    /// - Throws: `AdmissionError.contextLengthExceeded` or `.stopping`; the slot is free again then.
    func submit(_ request: EngineRequest, in reservation: Reservation) throws(AdmissionError) -> AsyncStream<
        EngineEvent
    >

    /// A snapshot of gauges and counters. Any thread can read it without waiting for the engine.
    var load: EngineLoad { get }

    /// Ends all unfinished requests with `EngineFailure.stopped`, and refuses new ones.
    func stop()
}

extension InferenceEngine {
    /// Reserves a slot for a request without images.
    public func reserve() throws(AdmissionError) -> Reservation {
        try reserve(hasImages: false)
    }
}

/// A slot in the queue. It is free again once the reservation is dropped, or its request is first scheduled.
public final class Reservation: Sendable {
    private let release: @Sendable () -> Void

    /// A slot that calls `release` once it is free.
    public init(release: @escaping @Sendable () -> Void) {
        self.release = release
    }

    deinit {
        release()
    }
}

/// A snapshot of the engine's gauges and counters.
public struct EngineLoad: Sendable, Equatable {
    /// Requests being answered.
    public var running = 0
    /// Requests with images being answered.
    public var runningWithImages = 0
    /// Waiting requests, reserved slots included.
    public var waiting = 0
    /// Waiting requests with images.
    public var waitingWithImages = 0
    /// Maximum number of waiting requests.
    public var waitingLimit = 0
    /// Positions in a KV block.
    public var blockSize = 0
    /// The number of KV blocks.
    public var blocks = 0
    /// KV blocks that sequences hold.
    public var usedBlocks = 0
    /// KV blocks that no sequence holds, kept for sequences that begin with the same tokens.
    public var cachedBlocks = 0
    /// Given tokens of the requests scheduled since the start.
    public var admittedTokens = 0
    /// Given tokens that were found in the cache.
    public var cachedTokens = 0
    /// Images since the start whose embeddings were found in the cache.
    public var imageHits = 0
    /// Images encoded since the start.
    public var imageMisses = 0
    /// Steps run since the start.
    public var steps = 0
    /// Prompt positions computed since the start.
    public var prefilledTokens = 0
    /// Tokens drawn since the start.
    public var generatedTokens = 0
    /// Tokens guessed since the start.
    public var draftedTokens = 0
    /// Guessed tokens that were then drawn.
    public var acceptedTokens = 0
    /// Requests that ended since the start.
    public var ended = 0
    /// Sequences preempted since the start.
    public var preemptions = 0
    /// The duration of each step, in seconds.
    public var stepSeconds = Histogram(
        bounds: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1])
    /// The number of positions of each step.
    public var batchTokens = Histogram(bounds: (0...12).map { Double(1 << $0) })
    /// The names of the policies whose adapters are running.
    public var runningAdapters: [String] = []
    /// The names of the policies whose adapters waiting requests need.
    public var waitingAdapters: [String] = []
    /// When either list last changed, in Unix seconds; 0 if never.
    public var adaptersChanged = 0.0

    /// An idle engine.
    public init() {}

    /// Adds the gauges and counters of another engine.
    public mutating func add(_ other: EngineLoad) {
        for sum in Self.counters + Self.gauges { self[keyPath: sum] += other[keyPath: sum] }
        blockSize = max(blockSize, other.blockSize)
        stepSeconds.add(other.stepSeconds)
        batchTokens.add(other.batchTokens)
        runningAdapters += other.runningAdapters
        waitingAdapters += other.waitingAdapters
        adaptersChanged = max(adaptersChanged, other.adaptersChanged)
    }

    /// Keeps only what counts from an engine's start, for an engine that has ended.
    public mutating func forgetGauges() {
        for gauge in Self.gauges { self[keyPath: gauge] = 0 }
        (runningAdapters, waitingAdapters) = ([], [])
    }

    private static var gauges: [WritableKeyPath<EngineLoad, Int>] {
        [
            \.running, \.runningWithImages, \.waiting, \.waitingWithImages, \.waitingLimit, \.blocks, \.usedBlocks,
            \.cachedBlocks,
        ]
    }

    private static var counters: [WritableKeyPath<EngineLoad, Int>] {
        [
            \.admittedTokens, \.cachedTokens, \.imageHits, \.imageMisses, \.steps, \.prefilledTokens,
            \.generatedTokens, \.draftedTokens, \.acceptedTokens, \.ended, \.preemptions,
        ]
    }

    /// Estimated queue wait: waiting requests times the mean engine seconds of a finished request. Nil until one has
    /// finished.
    public var expectedWait: Duration? { ended > 0 ? .seconds(Double(waiting) * stepSeconds.sum / Double(ended)) : nil }
}

/// Counts values in buckets, like Prometheus' histograms.
public struct Histogram: Sendable, Equatable {
    /// Upper bounds of the buckets, ascending.
    public let bounds: [Double]
    /// The number of values in each bucket; values above the last bound are in `count` only.
    public private(set) var counts: [Int]
    /// The number of values.
    public private(set) var count = 0
    /// The sum of all values.
    public private(set) var sum = 0.0

    /// An empty histogram.
    public init(bounds: [Double]) {
        self.bounds = bounds
        self.counts = Array(repeating: 0, count: bounds.count)
    }

    /// Counts a value.
    public mutating func observe(_ value: Double) {
        count += 1
        sum += value
        if let index = bounds.firstIndex(where: { value <= $0 }) { counts[index] += 1 }
    }

    /// Adds the counts of a histogram with the same bounds.
    public mutating func add(_ other: Histogram) {
        precondition(bounds == other.bounds, "histograms of different bounds")
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        sum += other.sum
    }
}
