/// Why a chat template cannot be read or rendered.
package enum JinjaError: Error, Equatable, Sendable {
    /// The template's text is not Jinja.
    case syntax(line: Int, String)
    /// The template uses a construct of Jinja that is not supported.
    case unsupported(line: Int, String)
    /// Rendering failed.
    case failed(line: Int, String)
    /// The template is larger, deeper or costlier than is allowed.
    case tooMuch(line: Int, String)
    /// The template refused the dialogue by calling `raise_exception`.
    case raised(String)
}

extension JinjaError: CustomStringConvertible {
    /// Names the line of the template and the reason; the template's own words for what it refused.
    package var description: String {
        switch self {
        case .syntax(let line, let reason): "line \(line): \(reason)"
        case .unsupported(let line, let construct): "line \(line): \(construct) is not supported"
        case .failed(let line, let reason): "line \(line): \(reason)"
        case .tooMuch(let line, let reason): "line \(line): \(reason)"
        case .raised(let message): message
        }
    }
}

/// What a template, which is untrusted, may use.
enum JinjaLimits {
    /// Bytes of a template's text.
    static let source = 1 << 20
    /// Statements, parentheses and operators inside each other.
    static let nesting = 96
    /// Evaluations inside each other, calls of macros included.
    static let depth = 160
    /// Lists and dictionaries inside each other, in arguments and results.
    static let valueDepth = 64
    /// Scalars of a text.
    static let text = 4 << 20
    /// Elements of `range`, as in Jinja's sandbox.
    static let range = 100_000
    /// The work of one rendering: evaluations count 4, scalars and elements that are written 1.
    static let work = 16 << 20
}
