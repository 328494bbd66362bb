import Engine
import Synchronization

/// Plays events that a test scripts.
final class ScriptedEngine: InferenceEngine {
    typealias Script = @Sendable (EngineRequest, AsyncStream<EngineEvent>.Continuation) -> Void

    private let script: Script
    private let limit: Int
    private let contextLength: Int
    private let stepSeconds: Double
    private let waiting = Mutex(0)
    private let seen = Mutex<[EngineRequest]>([])
    private let open = Mutex<[AsyncStream<EngineEvent>.Continuation]>([])
    /// An element for each request that was submitted.
    let submissions: AsyncStream<AsyncStream<EngineEvent>.Continuation>
    private let submitted: AsyncStream<AsyncStream<EngineEvent>.Continuation>.Continuation
    /// An element for each request that was cancelled.
    let cancellations: AsyncStream<Void>
    private let cancelled: AsyncStream<Void>.Continuation
    /// An element for each call of `stop`.
    let stops: AsyncStream<Void>
    private let stopped: AsyncStream<Void>.Continuation

    /// - Parameter stepSeconds: the duration of its one step, in which one request ended.
    init(
        limit: Int = 16, contextLength: Int = 1_024, stepSeconds: Double = 0.02, _ script: @escaping Script
    ) {
        self.script = script
        self.stepSeconds = stepSeconds
        self.limit = limit
        self.contextLength = contextLength
        (submissions, submitted) = AsyncStream.makeStream()
        (cancellations, cancelled) = AsyncStream.makeStream()
        (stops, stopped) = AsyncStream.makeStream()
    }

    /// The requests so far.
    var requests: [EngineRequest] { seen.withLock { $0 } }

    func reserve(hasImages: Bool) throws(AdmissionError) -> Reservation {
        let isFree = waiting.withLock { waiting in
            guard waiting < limit else { return false }
            waiting += 1
            return true
        }
        guard isFree else { throw .queueFull(limit: limit) }
        return Reservation { [self] in waiting.withLock { $0 -= 1 } }
    }

    func submit(_ request: EngineRequest, in place: Reservation) throws(AdmissionError) -> AsyncStream<EngineEvent> {
        guard request.prompt.count < contextLength else {
            throw .contextLengthExceeded(limit: contextLength, count: request.prompt.count)
        }
        let (stream, continuation) = AsyncStream<EngineEvent>.makeStream()
        continuation.onTermination = { [cancelled] reason in
            if case .cancelled = reason { cancelled.yield() }
        }
        seen.withLock { $0.append(request) }
        open.withLock { $0.append(continuation) }
        script(request, continuation)
        submitted.yield(continuation)
        return stream
    }

    /// Finished requests ignore it.
    func stop() {
        stopped.yield()
        for continuation in open.withLock({ $0 }) {
            continuation.yield(.failed(.stopped))
            continuation.finish()
        }
    }

    var load: EngineLoad {
        var load = EngineLoad()
        load.running = 2
        load.runningWithImages = 1
        load.blockSize = 16
        load.runningAdapters = ["ppo", "sft"]
        load.adaptersChanged = 12
        load.stepSeconds.observe(stepSeconds)
        load.ended = 1
        load.waiting = waiting.withLock { $0 }
        load.blocks = 8
        load.usedBlocks = 2
        return load
    }
}

extension ScriptedEngine {
    /// Generates `words`, one token each, and ends. Given answers get scores from `scoring`.
    static func saying(
        _ words: [String], reason: FinishReason = .endToken,
        scoring: @escaping @Sendable (Scoring) -> [Double] = { $0.answers.map { Double($0.count) } }
    ) -> Script {
        { request, events in
            events.yield(.started)
            if case .score(let answers) = request.task {
                let scores = scoring(answers)
                events.yield(.finished(Completion(reason: .length, tokens: [], generatedTokens: 0, scores: scores)))
                return events.finish()
            }
            if request.echoesPrompt {
                let tokens = request.prompt.enumerated().map { index, id in
                    GeneratedToken(id: id, logprob: index > 0 ? request.topLogprobs.map { _ in -2 } : nil)
                }
                events.yield(.text(TextDelta(text: "hi ", tokens: tokens, isPrompt: true)))
            }
            for (index, word) in words.enumerated() {
                let token = GeneratedToken(
                    id: Int32(index), logprob: request.topLogprobs.map { _ in -0.5 },
                    top: request.topLogprobs.map { _ in [.init(id: Int32(index), logprob: -0.5)] } ?? [])
                events.yield(.text(TextDelta(text: word, tokens: [token])))
            }
            let end = GeneratedToken(id: 2, logprob: request.topLogprobs.map { _ in -1 })
            events.yield(.finished(Completion(reason: reason, tokens: [end], generatedTokens: words.count + 1)))
            events.finish()
        }
    }

    /// Generates `words` and fails.
    static func failing(after words: [String], _ failure: EngineFailure) -> Script {
        { _, events in
            for word in words { events.yield(.text(TextDelta(text: word, tokens: [GeneratedToken(id: 1)]))) }
            events.yield(.failed(failure))
            events.finish()
        }
    }
}

extension EngineRequest {
    /// The answers to be scored; nil if an answer is drawn.
    var scoredAnswers: [[Int32]]? {
        if case .score(let scoring) = task { scoring.answers } else { nil }
    }
}
