/// The values of a call's arguments.
struct JinjaCallArguments {
    var positional: [JinjaValue] = []
    var named: [(name: String, value: JinjaValue)] = []

    /// The arguments in the order of a function's parameters; nil for a parameter without an argument. Any other
    /// argument is an error.
    func values(of parameters: [String], of function: String, line: Int) throws(JinjaError) -> [JinjaValue?] {
        guard positional.count <= parameters.count else {
            throw .failed(line: line, "the \(function) takes at most \(parameters.count) arguments")
        }
        var values: [JinjaValue?] = positional
        values += Array(repeating: nil, count: parameters.count - positional.count)
        for (name, value) in named {
            guard let index = parameters.firstIndex(of: name) else {
                throw .failed(line: line, "the \(function) takes no argument \"\(name)\"")
            }
            guard values[index] == nil else {
                throw .failed(line: line, "the \(function) has two values for \"\(name)\"")
            }
            values[index] = value
        }
        return values
    }
}

extension JinjaRenderer {
    /// The argument as an integer; `standard` if it is not given.
    func integer(_ value: JinjaValue?, _ standard: Int) throws(JinjaError) -> Int {
        guard let value else { return standard }
        guard let integer = value.integer else { throw failure("expected an integer, found a \(value.typeName)") }
        return integer
    }

    /// The argument as text; `standard` if it is not given.
    func text(_ value: JinjaValue?, _ standard: MarkedText) throws(JinjaError) -> MarkedText {
        guard let value else { return standard }
        guard case .text(let text) = value else { throw failure("expected text, found a \(value.typeName)") }
        return text
    }
}
