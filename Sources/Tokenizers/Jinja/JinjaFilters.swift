/// The filters that templates may write after a bar.
enum JinjaFilters {
    /// All names.
    static let names: Set<String> = [
        "abs", "attr", "batch", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float",
        "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject",
        "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "sort", "string", "sum", "title",
        "tojson", "trim", "unique", "upper",
    ]

    /// Those that leave markup as it is.
    static let ofMarkup: Set<String> = ["e", "escape", "safe", "string"]
}

extension JinjaRenderer {
    /// The value of `subject | name(arguments)`.
    mutating func filter(
        _ subject: JinjaValue, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        switch name {
        case "map", "select", "reject", "selectattr", "rejectattr":
            return try checked(.list(try selected(subject, name, arguments)))
        case "batch", "dictsort", "first", "items", "join", "last", "list", "max", "min", "reverse", "sort", "sum",
            "unique":
            return try checked(try listFilter(subject, name, arguments))
        case "capitalize", "e", "escape", "indent", "lower", "replace", "safe", "string", "title", "trim", "upper":
            let text = try text(of: subject)
            guard !text.isMarkup || JinjaFilters.ofMarkup.contains(name) else {
                throw failure("the filter \"\(name)\" is not supported on markup")
            }
            return try checked(try textFilter(text, name, arguments))
        case "tojson": return try checked(try json(subject, arguments))
        default: return try valueFilter(subject, name, arguments)
        }
    }

    private func values(
        _ arguments: JinjaCallArguments, of filter: String, _ parameters: String...
    ) throws(JinjaError) -> [JinjaValue?] {
        try arguments.values(of: parameters, of: "filter \"\(filter)\"", line: line)
    }

    // MARK: Values

    private mutating func valueFilter(
        _ subject: JinjaValue, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        switch name {
        case "default", "d":
            let given = try values(arguments, of: name, "default_value", "boolean")
            let replaces = subject.isUndefined || (given[1]?.isTrue == true && !subject.isTrue)
            return replaces ? given[0] ?? .trusted("") : subject
        case "length", "count":
            _ = try values(arguments, of: name)
            switch subject {
            case .text(let text): return .integer(text.count)
            case .list(let list): return .integer(list.elements.count)
            case .mapping(let mapping): return .integer(mapping.keys.count)
            case .undefined: return .integer(0)
            default: throw failure("a \(subject.typeName) has no length")
            }
        case "attr":
            let given = try text(try values(arguments, of: name, "name")[0], "")
            if case .mapping = subject {
                return try item(.text(given), of: .mapping(JinjaMapping()))
            }
            return try member(given.string, of: subject)
        default: return try number(subject, name, arguments)
        }
    }

    private mutating func number(
        _ subject: JinjaValue, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        if case .undefined(let what) = subject { throw failure("\(what) is undefined") }
        let trimmed = if case .text(let text) = subject { text.trimming(where: \.isPythonSpace).string } else { "" }
        let number = subject.number ?? Double(trimmed)
        switch name {
        case "int":
            let given = try values(arguments, of: name, "default", "base")
            guard try integer(given[1], 10) == 10 else { throw failure("the filter \"int\" takes base 10 only") }
            if let integer = subject.integer ?? Int(trimmed) { return .integer(integer) }
            return number.flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .integer($0) } ?? given[0]
                ?? .integer(0)
        case "float":
            let standard = try values(arguments, of: name, "default")[0]
            return number.map { .float($0) } ?? standard ?? .float(0)
        case "abs":
            _ = try values(arguments, of: name)
            guard let number = subject.number else { throw failure("a \(subject.typeName) has no absolute value") }
            if let integer = subject.integer { return integer < 0 ? try negative(subject) : .integer(integer) }
            return .float(number.magnitude)
        default: return try rounded(subject, arguments)
        }
    }

    private func rounded(_ subject: JinjaValue, _ arguments: JinjaCallArguments) throws(JinjaError) -> JinjaValue {
        let given = try values(arguments, of: "round", "precision", "method")
        let (precision, method) = (try integer(given[0], 0), try text(given[1], "common").string)
        let rules: [String: FloatingPointRoundingRule] = ["common": .toNearestOrEven, "ceil": .up, "floor": .down]
        guard let number = subject.number, let rule = rules[method], (0...15).contains(precision) else {
            throw failure("the filter \"round\" takes a number, a precision of 0 to 15 and common, ceil or floor")
        }
        if let integer = subject.integer, method == "common" { return .integer(integer) }
        let scale = (0..<precision).reduce(1.0) { scale, _ in scale * 10 }
        return .float((number * scale).rounded(rule) / scale)
    }

    private func json(_ subject: JinjaValue, _ arguments: JinjaCallArguments) throws(JinjaError) -> JinjaValue {
        let given = try values(arguments, of: "tojson", "ensure_ascii", "indent", "separators", "sort_keys")
        var writer = JinjaJSONWriter()
        writer.isASCII = given[0]?.isTrue ?? false
        writer.sortsKeys = given[3]?.isTrue ?? false
        switch given[1] {
        case nil, .some(.null): break
        case .text(let text): writer.indent = text.string
        case let value?:
            let width = try integer(value, 0)
            guard width <= 16 else { throw failure("the filter \"tojson\" indents by at most 16 blanks") }
            writer.indent = String(repeating: " ", count: max(0, width))
        }
        if writer.indent != nil { writer.separator = "," }
        if case .list(let list) = given[2], list.elements.count == 2 {
            writer.separator = try text(list.elements[0], "").string
            writer.colon = try text(list.elements[1], "").string
        } else if let separators = given[2], separators != .null {
            throw failure("the filter \"tojson\" takes two separators")
        }
        let blanks = writer.indent.map(\.utf8.count) ?? 0
        let separators = writer.separator.utf8.count + writer.colon.utf8.count
        // An upper bound on the size of the result: escapes have 6 bytes, surrogate pairs 12.
        let size = subject.weight.multipliedReportingOverflow(by: 12 + separators + blanks * (subject.depth + 1))
        guard !size.overflow, size.partialValue <= 16 * JinjaLimits.text else {
            throw .tooMuch(line: line, "a value is too large for JSON")
        }
        guard let text = writer.text(of: subject) else { throw failure("a \(subject.typeName) has no JSON") }
        return .text(MarkedText(text, isTrusted: false))
    }

    // MARK: Text

    private mutating func textFilter(
        _ text: MarkedText, _ name: String, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        switch name {
        case "trim": return .text(try trimmed(text, try values(arguments, of: name, "chars")[0]))
        case "replace":
            return try replaced(text, try values(arguments, of: name, "old", "new", "count"))
        case "indent":
            let given = try values(arguments, of: name, "width", "first", "blank")
            return .text(try indented(text, given))
        default: _ = try values(arguments, of: name)
        }
        switch name {
        case "capitalize": return .text(text.capitalized)
        case "lower": return .text(text.lowercased)
        case "title": return .text(text.filterTitled)
        case "upper": return .text(text.uppercased)
        case "e", "escape": return .text(text.escaped)
        case "safe": return .text(text.asMarkup)
        default: return .text(text)
        }
    }

    private mutating func indented(_ text: MarkedText, _ given: [JinjaValue?]) throws(JinjaError) -> MarkedText {
        var blanks: MarkedText
        if case .text(let text) = given[0] {
            blanks = text
        } else {
            let width = try integer(given[0], 4)
            guard width <= 1_000 else { throw .tooMuch(line: line, "the filter \"indent\" takes at most 1000 blanks") }
            blanks = MarkedText(String(repeating: " ", count: max(0, width)), isTrusted: true)
        }
        // Jinja adds a line end first, so that a last line that is empty counts.
        let lines = (text + "\n").lines
        try charge(lines.count * blanks.count)
        var result = MarkedText("", isTrusted: true)
        for (index, line) in lines.enumerated() {
            if index > 0 { result += "\n" }
            let takesBlanks = index == 0 ? given[1]?.isTrue == true : given[2]?.isTrue == true || !line.isEmpty
            result += (takesBlanks ? blanks : "") + line
        }
        return result
    }
}
