public import Support

/// Writes the answer to one request in the format of one API: as frames of a stream, or as one object.
///
/// A stream calls `begin`, then `text` for each piece and `finish` for each choice, in the order in which they are
/// generated. If the answer fails, it calls `fail` and nothing more. A request without streaming needs `whole` only.
public protocol AnswerEncoder: Sendable {
    /// The format of the stream; events by default.
    var format: StreamFormat { get }
    /// The frames that keep a silent stream alive; by default a comment, and nothing in plain text, where every byte
    /// is part of the answer.
    var keepAlive: [String] { get }
    /// The frames before the answer. `usage` counts the prompt.
    mutating func begin(choices: Int, usage: Usage) -> [String]
    /// The frames of a piece of text. `usage` includes it.
    mutating func text(_ piece: AnswerPiece, usage: Usage) -> [String]
    /// The frames of a step of a function's call; none by default. `usage` includes it.
    mutating func toolCall(_ piece: ToolCallPiece, usage: Usage) -> [String]
    /// The frames at the end of a choice; after the last choice, also the frames that end the stream.
    mutating func finish(_ ending: AnswerEnding, usage: Usage) -> [String]
    /// The frames that end a stream whose answer failed. Nil cuts the stream short; a text stream does so, because a
    /// frame would look like text.
    func fail(_ error: APIError) -> [String]?
    /// The response to a request without streaming.
    func whole(_ choices: [AnswerChoice], usage: Usage) -> JSON
}

extension AnswerEncoder {
    /// The event format.
    public var format: StreamFormat { .events }

    /// A comment between events.
    public var keepAlive: [String] { format == .events ? [EventStream.keepAlive] : [] }

    /// No frames, for APIs without functions.
    public mutating func toolCall(_ piece: ToolCallPiece, usage: Usage) -> [String] { [] }
}

/// The format of a stream.
public enum StreamFormat: Sendable {
    /// `text/event-stream`: frames, with comments to keep the connection alive.
    case events
    /// Plain text. Nothing can be sent in between, and the finish reason is a trailer.
    case text
}

/// A piece of a choice's text.
public struct AnswerPiece: Sendable, Equatable {
    /// The choice's index.
    public var choice: Int
    /// The text.
    public var text: String
    /// The tokens of the text; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?
    /// The ids of the tokens since the piece before; nil if the request did not ask for them.
    public var tokenIDs: [Int32]?

    /// A piece of text of a choice.
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
        /// The time in the vision encoder.
        public var images = 0.0
        /// Until the first token.
        public var firstToken = 0.0
        /// Until the end.
        public var total = 0.0

        /// All durations zero.
        public init() {}
    }

    /// The scores of an answer.
    public struct Scores: Sendable, Equatable {
        /// The reward model's scalar.
        public var reward: Double
        /// The value before the first token; nil without a value model.
        public var value: Double?
        /// Σ log π/π_sft over the answer, in nats; nil if `sft` is not served.
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
    /// Why it ended, under OpenAI's name: `stop`, `length` or `tool_calls`.
    public var reason: String
    /// Whether a text with a form was brought to an early end to fit its maximum length.
    public var isShortened = false
    /// The stop string that ended it; nil if something else did.
    public var stopString: String?
    /// Whether all other choices have ended.
    public var isLast: Bool
    /// The tokens that produced no text, the end token included; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?
    /// The number of `logprobs`, from the first, that belong to the answer: the tokens of a character that was never
    /// completed. The others are the end token or a stop string's.
    public var unfinishedTokens = 0
    /// The ids of the tokens since the last piece, the end token included; nil if the request did not ask for them.
    public var tokenIDs: [Int32]?
    /// The durations of its stages.
    public var timing = Timing()
    /// Its scores; nil unless the request asked for them.
    public var scores: Scores?

    /// An end without durations and scores.
    public init(choice: Int = 0, reason: String, isLast: Bool = true, logprobs: [TokenLogprob]? = nil) {
        self.choice = choice
        self.reason = reason
        self.isLast = isLast
        self.logprobs = logprobs
    }
}

/// One complete answer.
public struct AnswerChoice: Sendable, Equatable {
    /// Its text.
    public var text: String
    /// The tokens of its text; nil if the request did not ask for them.
    public var logprobs: [TokenLogprob]?
    /// The ids of all its tokens; nil if the request did not ask for them.
    public private(set) var tokenIDs: [Int32]?
    /// The functions that it calls, in order.
    public var toolCalls: [ToolCall]
    /// Its end.
    public var ending: AnswerEnding

    /// An answer with the given properties.
    public init(
        text: String = "", toolCalls: [ToolCall] = [], logprobs: [TokenLogprob]? = nil, ending: AnswerEnding
    ) {
        self.text = text
        self.toolCalls = toolCalls
        self.logprobs = logprobs
        self.ending = ending
    }

    /// Adds a piece of its text.
    public mutating func append(_ piece: AnswerPiece) {
        text += piece.text
        if let more = piece.logprobs { logprobs = (logprobs ?? []) + more }
        append(tokenIDs: piece.tokenIDs)
    }

    /// Adds a step of a call of a function.
    public mutating func append(_ piece: ToolCallPiece) {
        toolCalls.append(piece)
        append(tokenIDs: piece.tokenIDs)
    }

    /// Ends it.
    public mutating func finish(_ ending: AnswerEnding) {
        self.ending = ending
        append(tokenIDs: ending.tokenIDs)
    }

    private mutating func append(tokenIDs more: [Int32]?) {
        if let more { tokenIDs = (tokenIDs ?? []) + more }
    }
}

/// Frames of `text/event-stream`. There are no `id` and `retry` lines, because some clients fail on them.
public enum EventStream {
    /// A frame of one line of data.
    public static func frame(event: String? = nil, _ data: JSON) -> String {
        let name = event.map { "event: \($0)\n" } ?? ""
        return "\(name)data: \(data.text)\n\n"
    }

    /// The last frame of OpenAI's streams.
    public static let done = "data: [DONE]\n\n"

    /// A comment that keeps an idle connection open.
    public static let keepAlive = ": keep-alive\n\n"
}
