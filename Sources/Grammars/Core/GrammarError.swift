/// Why a grammar, a regular expression or a schema cannot be enforced.
public struct GrammarError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path inside the schema, such as `.properties.name.pattern`; empty for other sources.
    public var path: String
    /// What is wrong, and where.
    public var message: String

    /// An error at a path inside a schema.
    public init(_ message: String, path: String = "") {
        self.message = message
        self.path = path
    }

    /// The message.
    public var description: String { message }

    static let tooLarge = GrammarError(
        "it is too large: it would have more than \(GrammarBuilder.maximumNodes) states")

    static let tooMuchWork = GrammarError(
        "it takes too much work: more than \(WorkBudget.limit) steps; a smaller or simpler one is needed")
}
