/// When an answer ends, apart from the model's own end token.
public struct StopConditions: Sendable, Equatable {
    /// The answer ends before the first of these; none of it is shown.
    public var strings: [String] = []
    /// Whether the string that ended the answer is shown after all.
    public var includesString = false
    /// Tokens that end the answer like the end token does.
    public var tokenIDs: Set<Int32> = []
    /// Goes on after the end token: benchmarks need exact lengths.
    public var ignoresEndToken = false
    /// Tokens before which no end or stop token is drawn.
    public var minimumTokens = 0
    /// Tokens after which the answer ends; 0 computes the prompt only, nil means when the context is full.
    public var maximumTokens: Int?
    /// Whether an answer ends that repeats one line or phrase again and again.
    public var endsRepetition = false

    /// No conditions.
    public init() {}
}
