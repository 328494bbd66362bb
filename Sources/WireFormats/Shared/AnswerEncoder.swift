/// Writes the answer to one request as one API has it: as frames of a stream, or whole.
///
/// A stream calls `begin`, then `text` for each piece and `finish` for each choice as they come; if the answer fails,
/// it calls `fail` and nothing more. A request that is not streamed needs `whole` alone.
public protocol AnswerEncoder: Sendable {
    /// The format of the stream; events unless an encoder says otherwise.
    var format: StreamFormat { get }
    /// Frames before anything of the answer. `usage` counts the prompt.
    mutating func begin(choices: Int, usage: Usage) -> [String]
    /// Frames of a piece of text. `usage` counts it.
    mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String]
    /// Frames of the end of a choice, and of the stream behind the last one.
    mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String]
    /// Frames that end a stream whose answer failed; nil cuts the stream short, where no frame could be told from text.
    func fail(_ error: APIError) -> [String]?
    /// The response of a request that is not streamed.
    func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON
}

extension AnswerEncoder {
    /// Events.
    public var format: StreamFormat { .events }
}

/// The format of a stream.
public enum StreamFormat: Sendable {
    /// `text/event-stream`: frames, with comments as a sign of life.
    case events
    /// Text alone. Nothing can be sent in between, and the reason of the end is a trailer.
    case text
}

/// A piece of a choice's text.
public struct AnswerPiece: Sendable, Equatable {
    /// The choice's index.
    public var choice: Int
    /// The text.
    public var text: String
    /// Its tokens; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?

    /// A piece of the given parts.
    public init(choice: Int = 0, text: String, logprobs: [TokenLogprob]? = nil) {
        self.choice = choice
        self.text = text
        self.logprobs = logprobs
    }
}

/// The end of a choice, with its cost.
public struct AnswerEnding: Sendable, Equatable {
    /// Durations of an answer's stages, in milliseconds.
    public struct Timing: Sendable, Equatable {
        /// Until the request left the queue.
        public var queue = 0.0
        /// In the vision encoder.
        public var images = 0.0
        /// Until the first token.
        public var firstToken = 0.0
        /// Until the end.
        public var total = 0.0

        /// No time at all.
        public init() {}
    }

    /// The scores of an answer.
    public struct Scores: Sendable, Equatable {
        /// The reward model's scalar.
        public var reward: Double
        /// The value before the first token; nil without a value model.
        public var value: Double?
        /// Σ log π/π_sft over the answer, in nats; nil where `sft` is not served.
        public var kl: Double?

        /// The given scores.
        public init(reward: Double, value: Double?, kl: Double?) {
            self.reward = reward
            self.value = value
            self.kl = kl
        }
    }

    /// The choice's index.
    public var choice: Int
    /// Why it ended, in OpenAI's words.
    public var reason: String
    /// Whether all other choices have ended.
    public var isLast: Bool
    /// The tokens that gave no text, the end token among them; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?
    /// The time that it took.
    public var timing = Timing()
    /// Its scores; nil unless the request asked for them.
    public var scores: Scores?

    /// An end without times and scores.
    public init(choice: Int = 0, reason: String, isLast: Bool = true, logprobs: [TokenLogprob]? = nil) {
        self.choice = choice
        self.reason = reason
        self.isLast = isLast
        self.logprobs = logprobs
    }
}

/// One whole answer.
public struct AnswerChoice: Sendable, Equatable {
    /// Its text.
    public var text: String
    /// The tokens of its text; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?
    /// Its end.
    public var ending: AnswerEnding

    /// An answer of the given parts.
    public init(text: String = "", logprobs: [TokenLogprob]? = nil, ending: AnswerEnding) {
        self.text = text
        self.logprobs = logprobs
        self.ending = ending
    }

    /// Adds a piece of its text.
    public mutating func append(_ piece: AnswerPiece) {
        text += piece.text
        if let more = piece.logprobs { logprobs = (logprobs ?? []) + more }
    }
}

/// Frames of `text/event-stream`. There are no `id` and `retry` lines: clients stumble over them.
public enum EventStream {
    /// A frame of one line of data.
    public static func frame(event: String? = nil, _ data: JSON) -> String {
        let name = event.map { "event: \($0)\n" } ?? ""
        return "\(name)data: \(data.text)\n\n"
    }

    /// The last frame of OpenAI's streams.
    public static let done = "data: [DONE]\n\n"

    /// A comment that keeps the connection from looking dead.
    public static let keepAlive = ": keep-alive\n\n"
}
