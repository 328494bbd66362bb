import Foundation
public import Models
public import Policies
import Synchronization
public import Tensors
public import Tokenizers

/// Sizes of an engine.
public struct EngineConfiguration: Sendable {
    /// Positions of one sequence, prompt and answer together.
    public var contextLength: Int
    /// Bytes of the KV cache; room for one full context is always made.
    public var cacheBytes = 2 << 30
    /// The element type of the KV cache.
    public var cachePrecision = KVCache.Precision.int16
    /// Where the prefix cache is kept from one process to the next; nil for nowhere.
    public var prefixFile: String?
    /// Bytes of encoded images that are kept.
    public var embeddingBytes = 64 << 20
    /// Positions that one step computes at most: fewer far behind the beginning of a sequence, where they take
    /// longer.
    public var tokenBudget = 512
    /// Tokens that an answer may guess ahead where that is cheap; 0 for none.
    public var draftTokens = 4
    /// Sequences that are answered at the same time.
    public var maximumSequences = 64
    /// Requests that may wait.
    public var maximumWaiting = 256
    /// Requests with images among them. Images wait for memory too: half of the queue stays free for text by default.
    public var maximumWaitingWithImages: Int?

    /// The defaults for a context of the given length.
    public init(contextLength: Int) {
        self.contextLength = contextLength
    }
}

/// Answers many requests at once on a thread of its own.
///
/// Callers leave requests and cancellations in a mailbox; the thread empties it once a step, plans one ragged batch,
/// runs it and sends each sequence's events. None of this runs on Swift's cooperative pool.
public final class Engine: InferenceEngine {
    private let configuration: EngineConfiguration
    private let mailbox = Mailbox()
    private let waiting = Counter()
    private let waitingWithImages = Counter()
    private let published: Published
    private let nextID = Atomic<UInt64>(0)
    private let clock = ContinuousClock()
    private let ending: AsyncStream<KeptBlocks>
    /// The blocks that were restored from `prefixFile` at the start, or the error; nil if there is no file.
    public let restored: KeptBlocks?

    /// Blocks that were read or written, or why none were.
    public typealias KeptBlocks = Result<Int, PrefixFileError>

    /// Starts the engine's thread.
    ///
    /// - Parameters:
    ///   - endToken: the id that ends a turn.
    ///   - policies: the policies whose blocks may be restored.
    public init(
        decoder: TransformerDecoder, tokenizer: Tokenizer, endToken: Int32, configuration: EngineConfiguration,
        policies: [Policy] = []
    ) {
        self.configuration = configuration
        self.published = Published()
        let (ending, end) = AsyncStream<KeptBlocks>.makeStream()
        self.ending = ending
        let loop = EngineLoop(
            decoder: decoder, tokenizer: tokenizer, endToken: endToken, configuration: configuration, mailbox: mailbox,
            published: published, end: end)
        restored = loop.restorePrefixes(of: policies)
        loop.start()
    }

    deinit {
        mailbox.stop()
    }

    /// Takes a place among `maximumWaiting`.
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
        // No bound is needed: an answer has at most as many events as the context has positions.
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

    /// The account of the engine's last step, with the places that are reserved now.
    public var load: EngineLoad {
        var load = published.load
        load.waiting = waiting.value
        load.waitingWithImages = waitingWithImages.value
        load.waitingLimit = configuration.maximumWaiting
        return load
    }

    /// Ends the engine's thread after its running step; requests that are not finished end with
    /// `EngineFailure.stopped`.
    public func stop() {
        mailbox.stop()
    }

    /// Waits until the engine's thread has ended; for one caller.
    ///
    /// - Returns: the blocks that were written to `prefixFile`, or the error; nil if there is no file.
    public func ended() async -> KeptBlocks? {
        for await kept in ending { return kept }
        return nil
    }
}

/// The count of reserved places.
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

/// The engine's last account of itself; the lock is held only to copy it.
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

    /// A request that was accepted.
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

    /// Leaves a request; returns false, and leaves nothing, once the engine is stopping.
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

    /// Empties the mailbox; with `waiting`, waits until there is something in it.
    func collect(waiting: Bool) -> Contents {
        condition.withLock {
            while waiting && contents.isEmpty { condition.wait() }
            defer { contents = Contents(isStopping: contents.isStopping) }
            return contents
        }
    }
}
