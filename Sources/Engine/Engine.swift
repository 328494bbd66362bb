import Foundation
public import Models
public import Policies
import Synchronization
public import Tensors
public import Tokenizers

/// The limits and sizes of an engine.
public struct EngineConfiguration: Sendable {
    /// Positions of one sequence, prompt and answer together.
    public var contextLength: Int
    /// Bytes of the KV cache, which always has room for one full context.
    public var cacheBytes = 2 << 30
    /// The element type of the KV cache.
    public var cachePrecision = KVCache.Precision.int16
    /// The file that keeps the prefix cache from one process to the next; nil for none.
    public var prefixFile: String?
    /// Limit of cached image embeddings, in bytes.
    public var embeddingBytes = 64 << 20
    /// Maximum number of positions in one step. Positions far from the beginning of a sequence take longer, so a step
    /// has fewer of them.
    public var tokenBudget = 512
    /// Tokens that an answer may guess ahead where guessing is cheap; 0 turns guessing off.
    public var draftTokens = 4
    /// Maximum number of sequences that run at the same time.
    public var maximumSequences = 64
    /// Maximum number of waiting requests.
    public var maximumWaiting = 256
    /// Maximum number of waiting requests with images. Images wait for memory too: by default half of the queue stays
    /// free for text.
    public var maximumWaitingWithImages: Int?

    /// The defaults for a context of the given length.
    public init(contextLength: Int) {
        self.contextLength = contextLength
    }
}

/// Answers many requests at once on a thread of its own.
///
/// Callers leave requests and cancellations in a mailbox. Once a step, the thread empties the mailbox, plans one ragged
/// batch, runs it and sends each sequence's events. None of this runs on Swift's cooperative pool.
public final class Engine: InferenceEngine {
    private let configuration: EngineConfiguration
    private let mailbox = Mailbox()
    private let waiting = Counter()
    private let waitingWithImages = Counter()
    private let published: Published
    private let nextID = Atomic<UInt64>(0)
    private let clock = ContinuousClock()
    private let ending: AsyncStream<KeptBlocks>
    /// The number of blocks restored from `prefixFile` at the start, or the error; nil if there is no file.
    public let restored: KeptBlocks?

    /// The number of blocks that were read or written, or the error.
    public typealias KeptBlocks = Result<Int, PrefixFileError>

    /// Starts the engine's thread.
    ///
    /// - Parameters:
    ///   - endTokens: the ids that end a turn.
    ///   - policies: the policies whose blocks may be restored.
    public init(
        decoder: TransformerDecoder, tokenizer: Tokenizer, endTokens: [Int32], configuration: EngineConfiguration,
        policies: [Policy] = []
    ) {
        self.configuration = configuration
        self.published = Published()
        let (ending, end) = AsyncStream<KeptBlocks>.makeStream()
        self.ending = ending
        let loop = EngineLoop(
            decoder: decoder, tokenizer: tokenizer, endTokens: endTokens, configuration: configuration,
            mailbox: mailbox,
            published: published, end: end)
        restored = loop.restorePrefixes(of: policies)
        loop.start()
    }

    deinit {
        mailbox.stop()
    }

    /// Reserves a slot in the queue of `maximumWaiting` requests.
    public func reserve(hasImages: Bool) throws(AdmissionError) -> Reservation {
        let limit = configuration.maximumWaitingWithImages ?? max(1, configuration.maximumWaiting / 2)
        if hasImages, !waitingWithImages.increment(upTo: limit) { throw .queueFull(limit: limit) }
        guard waiting.increment(upTo: configuration.maximumWaiting) else {
            if hasImages { waitingWithImages.decrement() }
            throw .queueFull(limit: configuration.maximumWaiting)
        }
        return Reservation { [waiting, waitingWithImages] in
            waiting.decrement()
            if hasImages { waitingWithImages.decrement() }
        }
    }

    /// Leaves the request in the mailbox; the engine's next step sees it.
    public func submit(
        _ request: EngineRequest, in reservation: Reservation
    ) throws(AdmissionError) -> AsyncStream<EngineEvent> {
        try request.checkLength(limit: configuration.contextLength)
        // The stream needs no bound: the context length limits the number of events.
        let (stream, continuation) = AsyncStream<EngineEvent>.makeStream()
        let id = nextID.add(1, ordering: .relaxed).oldValue
        continuation.onTermination = { [mailbox] termination in
            if case .cancelled = termination { mailbox.cancel(id) }
        }
        let submission = Mailbox.Submission(
            id: id, request: request, continuation: continuation, submitted: clock.now, reservation: reservation)
        guard mailbox.submit(submission) else { throw .stopping }
        return stream
    }

    /// The gauges and counters of the last step, with the current reservations.
    public var load: EngineLoad {
        var load = published.load
        load.waiting = waiting.value
        load.waitingWithImages = waitingWithImages.value
        load.waitingLimit = configuration.maximumWaiting
        return load
    }

    /// Ends the engine's thread after the running step. Unfinished requests fail with `EngineFailure.stopped`.
    public func stop() {
        mailbox.stop()
    }

    /// Waits until the engine's thread has ended. Only one caller may wait.
    ///
    /// - Returns: the number of blocks written to `prefixFile`, or the error; nil if there is no file.
    public func ended() async -> KeptBlocks? {
        for await kept in ending { return kept }
        return nil
    }
}

/// Counts reservations.
private final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }

    func increment(upTo limit: Int) -> Bool {
        if count.add(1, ordering: .relaxed).newValue <= limit { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    func decrement() {
        count.subtract(1, ordering: .relaxed)
    }
}

/// The last load that the engine published; the lock is held only to copy it.
final class Published: Sendable {
    private let value = Mutex(EngineLoad())

    var load: EngineLoad {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}

/// Requests and cancellations that callers on any thread leave for the engine's thread.
final class Mailbox: @unchecked Sendable {
    // Sendable: everything mutable is guarded by `condition`.

    /// An accepted request.
    struct Submission: Sendable {
        let id: EngineSequence.ID
        let request: EngineRequest
        let continuation: AsyncStream<EngineEvent>.Continuation
        let submitted: ContinuousClock.Instant
        let reservation: Reservation
    }

    struct Contents {
        var submissions: [Submission] = []
        var cancellations: Set<EngineSequence.ID> = []
        var isStopping = false

        fileprivate var isEmpty: Bool { submissions.isEmpty && cancellations.isEmpty && !isStopping }
    }

    private let condition = NSCondition()
    private var contents = Contents()

    /// Leaves a request. Returns false, without leaving it, once the engine is stopping.
    func submit(_ submission: Submission) -> Bool {
        condition.withLock {
            if contents.isStopping { return false }
            contents.submissions.append(submission)
            condition.signal()
            return true
        }
    }

    func cancel(_ id: EngineSequence.ID) {
        condition.withLock {
            contents.cancellations.insert(id)
            condition.signal()
        }
    }

    func stop() {
        condition.withLock {
            contents.isStopping = true
            condition.signal()
        }
    }

    /// Empties the mailbox. With `waiting`, first waits until it has contents.
    func collect(waiting: Bool) -> Contents {
        condition.withLock {
            while waiting && contents.isEmpty { condition.wait() }
            defer { contents = Contents(isStopping: contents.isStopping) }
            return contents
        }
    }
}
