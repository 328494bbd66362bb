/// The events of a request's stream, in order: `started`, any number of `text`, and exactly one of the terminal events
/// `finished` and `failed`.
public enum EngineEvent: Sendable {
    /// The request left the queue.
    case started
    /// More of the answer.
    case text(TextDelta)
    /// The answer is complete.
    case finished(Completion)
    /// The answer ends without completion.
    case failed(EngineFailure)
}

/// A piece of the answer: never empty, and never half a character or part of a stop string.
public struct TextDelta: Sendable {
    /// The text.
    public var text: String
    /// The tokens that produced the text.
    public var tokens: [GeneratedToken]
    /// Whether it is the prompt. A request that echoes its prompt gets this piece once, before the answer.
    public var isPrompt: Bool

    /// A piece of text with its tokens.
    public init(text: String, tokens: [GeneratedToken], isPrompt: Bool = false) {
        self.text = text
        self.tokens = tokens
        self.isPrompt = isPrompt
    }
}

/// A token of the answer, or of an echoed prompt.
public struct GeneratedToken: Sendable, Equatable {
    /// A token and the natural logarithm of its probability under the full softmax, before any sampling parameter.
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
    /// Its log-probability in nats; nil if the request did not ask for log-probabilities, and for a prompt's first
    /// token.
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
    /// The answer ended before, or with, this stop string.
    case stopString(String)
    /// The answer repeated itself without end.
    case repetition
    /// At the token limit, or because the context is full; for scoring and embedding, once all is computed.
    case length
    /// The caller disconnected or cancelled.
    case cancelled
}

/// The end of an answer.
public struct Completion: Sendable {
    /// Why it ended.
    public var reason: FinishReason
    /// Whether a text that follows a grammar was brought to an early end to fit the token limit.
    public var isShortened: Bool
    /// Tokens that produced no text of their own, the end token included.
    public var tokens: [GeneratedToken]
    /// The number of generated tokens, the end token included.
    public var generatedTokens: Int
    /// Prompt positions that were found in the cache and not computed.
    public var cachedTokens: Int
    /// The score of each given answer; empty unless the request's task is scoring.
    public var scores: [Double]
    /// The embedding of the prompt; empty unless the request's task is embedding.
    public var embedding: [Float]
    /// The durations of its stages.
    public var timing: Timing

    /// The end of an answer of `generatedTokens` tokens.
    public init(
        reason: FinishReason, isShortened: Bool = false, tokens: [GeneratedToken], generatedTokens: Int,
        cachedTokens: Int = 0, scores: [Double] = [], embedding: [Float] = [], timing: Timing = Timing()
    ) {
        self.reason = reason
        self.isShortened = isShortened
        self.tokens = tokens
        self.generatedTokens = generatedTokens
        self.cachedTokens = cachedTokens
        self.scores = scores
        self.embedding = embedding
        self.timing = timing
    }

    /// The number of `tokens`, from the first, that belong to the answer: the tokens of a character that was never
    /// completed. The others are the end token or a stop string's.
    public var unfinishedTokens: Int {
        switch reason {
        case .endToken: max(0, tokens.count - 1)
        case .stopString: 0
        case .length, .repetition, .cancelled: tokens.count
        }
    }
}

/// Durations of one request's stages.
public struct Timing: Sendable, Equatable {
    /// From submission until the request was first scheduled.
    public var queue: Duration = .zero
    /// Spent on decoding and reading images before submission.
    public var imagePreparation: Duration = .zero
    /// Spent in the vision encoder.
    public var images: Duration = .zero
    /// From submission until the first token, plus `imagePreparation`.
    public var firstToken: Duration = .zero
    /// From submission until the end, plus `imagePreparation`.
    public var total: Duration = .zero

    /// All durations zero.
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

/// A complete answer, collected from its stream of events.
public struct Answer: Sendable {
    /// Its pieces of text, in order. If the request echoes its prompt, the prompt is the first piece.
    public var deltas: [TextDelta]
    /// Its end, with the scores if the task was scoring.
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
    /// - Parameter show: receives each piece of text as it arrives.
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
    /// - Parameter show: receives each piece of text as it arrives.
    /// - Throws: `AdmissionError`, the `EngineFailure` that ended the answer, or `CancellationError`.
    public func answer(
        to request: EngineRequest, _ show: (TextDelta) -> Void = { _ in }
    ) async throws -> Answer {
        try await submit(request, in: reserve(hasImages: !request.images.isEmpty)).answer(show)
    }

    /// Runs scoring requests one after the other, and returns for each request the scores of its answers.
    ///
    /// - Throws: the errors of `answer(to:)`.
    public func scores(of requests: [EngineRequest]) async throws -> [[Double]] {
        var scores: [[Double]] = []
        for request in requests { scores.append(try await answer(to: request).completion.scores) }
        return scores
    }
}
