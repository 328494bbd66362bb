import Foundation
package import Support

/// A template in the Jinja language, as chat templates of checkpoints are written.
///
/// It renders as `jinja2` does in the environment of `transformers`: an immutable sandbox with `trim_blocks`,
/// `lstrip_blocks`, loop controls, `{% generation %}`, `raise_exception`, `strftime_now`, and a `tojson` that escapes
/// nothing for HTML. Templates and their variables are untrusted: size, depth and work are bounded (`JinjaLimits`).
package struct JinjaTemplate: Sendable {
    /// The template's statements.
    let statements: [JinjaStatement]

    /// Reads a template.
    ///
    /// - Throws: `JinjaError` for text that is no template, or uses what is not supported.
    package init(_ source: String) throws(JinjaError) {
        statements = try JinjaParser.statements(of: source)
    }

    /// The text for these variables.
    ///
    /// - Parameter now: the time that `strftime_now` tells, in Unix seconds.
    func text(variables: [String: JinjaValue], now: Int) throws(JinjaError) -> MarkedText {
        try JinjaRenderer.text(of: statements, variables: variables, now: now)
    }

    /// The text for variables that all stem from the caller.
    package func text(variables: [JSON.Member], now: Int = Int(Date().timeIntervalSince1970)) throws(JinjaError)
        -> String
    {
        var values: [String: JinjaValue] = [:]
        for member in variables { values[member.name] = try JinjaValue(member.value) }
        return try text(variables: values, now: now).string
    }
}

extension JinjaValue {
    /// A value of the caller.
    init(_ json: JSON, depth: Int = 0) throws(JinjaError) {
        guard depth < JinjaLimits.valueDepth else {
            throw .tooMuch(line: 0, "a value is nested over \(JinjaLimits.valueDepth) levels deep")
        }
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .boolean(flag)
        case .integer(let integer): self = .integer(Int(integer))
        case .number(let number): self = .float(number)
        case .string(let text): self = .text(MarkedText(text, isTrusted: false))
        case .array(let elements):
            var values: [JinjaValue] = []
            for element in elements { values.append(try JinjaValue(element, depth: depth + 1)) }
            self = .list(values)
        case .object(let members):
            var mapping = JinjaMapping()
            for member in members {
                let key = JinjaValue.text(MarkedText(member.name, isTrusted: false))
                mapping.set(key, try JinjaValue(member.value, depth: depth + 1))
            }
            self = .mapping(mapping)
        }
    }
}
