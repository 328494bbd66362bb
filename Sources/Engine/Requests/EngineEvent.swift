/// The events of a request's stream, in order: `started`, any number of `text`, and exactly one of the terminal events
/// `finished` and `failed`.
public enum EngineEvent: Sendable {
    /// The request left the queue.
    case started
    /// More of the answer.
    case text(TextDelta)
    /// The answer is whole.
    case finished(Completion)
    /// There will be no more of the answer.
    case failed(EngineFailure)
}

/// A piece of the answer: never empty, and never half a character or part of a stop string.
public struct TextDelta: Sendable {
    /// The text.
    public var text: String
    /// The tokens that it comes from.
    public var tokens: [GeneratedToken]
    /// Whether it is the prompt, for a request that echoes it: once, before the answer.
    public var isPrompt: Bool

    /// A piece of text and its tokens.
    public init(text: String, tokens: [GeneratedToken], isPrompt: Bool = false) {
        self.text = text
        self.tokens = tokens
        self.isPrompt = isPrompt
    }
}

/// A token of the answer, or of a prompt that is echoed.
public struct GeneratedToken: Sendable, Equatable {
    /// A token and the natural logarithm of its probability under the full softmax, before sampling changes it.
    public struct Alternative: Sendable, Equatable {
        /// The token.
        public var id: Int32
        /// In nats, at most 0.
        public var logprob: Float

        /// The token of the given log-probability.
        public init(id: Int32, logprob: Float) {
            self.id = id
            self.logprob = logprob
        }
    }

    /// The token.
    public var id: Int32
    /// Its log-probability in nats; nil unless the request asked for log-probabilities, and for a prompt's first token.
    public var logprob: Float?
    /// The most likely tokens at its position, best first.
    public var top: [Alternative]

    /// A token with its log-probability and its alternatives.
    public init(id: Int32, logprob: Float? = nil, top: [Alternative] = []) {
        self.id = id
        self.logprob = logprob
        self.top = top
    }
}

/// Why an answer ended.
public enum FinishReason: Sendable, Equatable {
    /// At the end token, or a stop token.
    case endToken
    /// At this stop string.
    case stopString(String)
    /// It only repeated itself.
    case repetition
    /// At the token limit, or where the context is full; for scoring, once all answers are scored.
    case length
    /// The caller went away.
    case cancelled
}

/// The end of an answer.
public struct Completion: Sendable {
    /// Why it ended.
    public var reason: FinishReason
    /// Tokens that gave no text of their own, the end token among them.
    public var tokens: [GeneratedToken]
    /// All tokens generated, the end token included.
    public var generatedTokens: Int
    /// Prompt positions that were not computed because the cache held them.
    public var cachedTokens: Int
    /// The score of each given answer; none unless the request was to score.
    public var scores: [Double]
    /// Where the time went.
    public var timing: Timing

    /// The end of an answer of `generatedTokens` tokens.
    public init(
        reason: FinishReason, tokens: [GeneratedToken], generatedTokens: Int, cachedTokens: Int = 0,
        scores: [Double] = [], timing: Timing = Timing()
    ) {
        self.reason = reason
        self.tokens = tokens
        self.generatedTokens = generatedTokens
        self.cachedTokens = cachedTokens
        self.scores = scores
        self.timing = timing
    }
}

/// Durations of one request's stages.
public struct Timing: Sendable, Equatable {
    /// From submission until it was first scheduled.
    public var queue: Duration = .zero
    /// Spent in the vision encoder.
    public var images: Duration = .zero
    /// From submission until the first token was drawn.
    public var firstToken: Duration = .zero
    /// From submission until the end.
    public var total: Duration = .zero

    /// No time at all.
    public init() {}
}

/// Why an accepted request ended without an answer.
public enum EngineFailure: Error, Equatable, Sendable {
    /// Its deadline passed.
    case deadlineExceeded
    /// The engine was stopped.
    case stopped
    /// A bug: the message is for the log, not for the caller.
    case `internal`(String)
}

/// A whole answer, as its stream of events told it.
public struct Answer: Sendable {
    /// Its pieces of text, in order. Where the request echoes its prompt, the prompt is the first piece.
    public var deltas: [TextDelta]
    /// Its end, with the scores where the request was to score.
    public var completion: Completion

    /// An answer of the given pieces.
    public init(deltas: [TextDelta], completion: Completion) {
        self.deltas = deltas
        self.completion = completion
    }

    /// All of its text.
    public var text: String { deltas.map(\.text).joined() }

    /// All of its tokens, the end token included.
    public var tokens: [GeneratedToken] { deltas.flatMap(\.tokens) + completion.tokens }
}

extension AsyncStream<EngineEvent> {
    /// Waits for the whole answer.
    ///
    /// - Parameter show: gets each piece of text as it comes.
    /// - Throws: the `EngineFailure` that ended the answer, or `CancellationError`.
    public func answer(_ show: (TextDelta) -> Void = { _ in }) async throws -> Answer {
        var deltas: [TextDelta] = []
        for await event in self {
            switch event {
            case .started: break
            case .text(let delta):
                deltas.append(delta)
                show(delta)
            case .finished(let completion): return Answer(deltas: deltas, completion: completion)
            case .failed(let failure): throw failure
            }
        }
        try Task.checkCancellation()
        throw EngineFailure.internal("the engine's events ended early")
    }
}

extension InferenceEngine {
    /// Submits a request and waits for the whole answer.
    ///
    /// - Parameter show: gets each piece of text as it comes.
    /// - Throws: `AdmissionError`, the `EngineFailure` that ended the answer, or `CancellationError`.
    public func answer(
        to request: EngineRequest, _ show: (TextDelta) -> Void = { _ in }
    ) async throws -> Answer {
        try await submit(request, in: reserve(hasImages: !request.images.isEmpty)).answer(show)
    }

    /// Computes requests for scores one after the other: for each request the score of each of its answers.
    ///
    /// - Throws: as `answer(to:)`.
    public func scores(of requests: [EngineRequest]) async throws -> [[Double]] {
        var scores: [[Double]] = []
        for request in requests { scores.append(try await answer(to: request).completion.scores) }
        return scores
    }
}
