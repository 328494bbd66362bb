/// The methods of values that templates may call. A method that would change a value is refused, as in Jinja's
/// immutable sandbox.
enum JinjaMethods {
    private static let ofText: Set<String> = [
        "capitalize", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "islower", "isspace", "isupper",
        "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rpartition",
        "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper",
    ]
    private static let ofMappings: Set<String> = ["copy", "get", "items", "keys", "values"]
    private static let ofLists: Set<String> = ["copy", "count", "index"]
    private static let ofTuples: Set<String> = ["count", "index"]
    private static let ofLoops: Set<String> = ["changed", "cycle"]

    /// All names. A namespace's member may be a macro with any name, but no template calls one so.
    static let names = ofText.union(ofMappings).union(ofLists).union(ofLoops)

    /// The methods of a value.
    static func names(of value: JinjaValue) -> Set<String> {
        switch value {
        case .text: ofText
        case .mapping: ofMappings
        case .list(let list): list.isTuple ? ofTuples : ofLists
        case .loop: ofLoops
        default: []
        }
    }

    /// The methods that would change a value.
    static func changing(_ value: JinjaValue) -> Set<String> {
        switch value {
        case .mapping: ["clear", "pop", "popitem", "setdefault", "update"]
        case .list(let list) where !list.isTuple:
            ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"]
        default: []
        }
    }
}

extension JinjaRenderer {
    /// The result of a method.
    mutating func call(
        method name: String, of subject: JinjaValue, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        func values(_ parameters: String...) throws(JinjaError) -> [JinjaValue?] {
            try arguments.values(of: parameters, of: "method \(name)", line: line)
        }
        switch (subject, name) {
        case (.text(let text), _):
            try charge(text.count)
            guard !text.isMarkup else { throw failure("the method \"\(name)\" is not supported on markup") }
            return try checked(try call(method: name, of: text, arguments))
        case (.loop(let state), "cycle"):
            let values = arguments.positional
            guard !values.isEmpty else { throw failure("no items for cycling given") }
            return values[state.index % values.count]
        case (.loop(let state), _):
            defer { changes[state.number] = arguments.positional }
            return .boolean(changes[state.number] != arguments.positional)
        case (.mapping, "copy"), (.list, "copy"): return subject
        case (.mapping(let mapping), "get"):
            let given = try values("key", "default")
            return mapping[try key(given[0] ?? .null)] ?? given[1] ?? .null
        case (.mapping(let mapping), "items"):
            _ = try values()
            return try items(of: mapping)
        case (.mapping(let mapping), _):
            _ = try values()
            return try checked(.list(name == "keys" ? mapping.keys : mapping.values))
        case (.list(let list), _):
            let element = try values("value")[0] ?? .null
            try charge(list.weight)
            if name == "count" { return .integer(list.elements.count { $0 == element }) }
            guard let index = list.elements.firstIndex(of: element) else {
                throw failure("the value is not in the list")
            }
            return .integer(index)
        default: throw failure("a \(subject.typeName) has no method \(name)")
        }
    }

    /// Pairs of keys and values.
    mutating func items(of mapping: JinjaMapping) throws(JinjaError) -> JinjaValue {
        try checked(.list(mapping.items.map { .list(JinjaList([$0.key, $0.value], isTuple: true)) }))
    }

    private mutating func call(
        method name: String, of text: MarkedText, _ arguments: JinjaCallArguments
    ) throws(JinjaError) -> JinjaValue {
        func values(_ parameters: String...) throws(JinjaError) -> [JinjaValue?] {
            try arguments.values(of: parameters, of: "method \(name)", line: line)
        }
        switch name {
        case "capitalize": return .text(text.capitalized)
        case "lower": return .text(text.lowercased)
        case "upper": return .text(text.uppercased)
        case "title": return .text(text.titled)
        case "strip", "lstrip", "rstrip":
            let characters = try values("characters")[0]
            return .text(
                try trimmed(text, characters, leading: name != "rstrip", trailing: name != "lstrip"))
        case "startswith": return .boolean(try starts(text, try values("prefix")[0]))
        case "endswith": return .boolean(try ends(text, try values("suffix")[0]))
        case "removeprefix", "removesuffix":
            let part = try self.text(try values("part")[0], "")
            if name == "removeprefix" {
                return .text(text.starts(with: part) ? text.dropping(first: part.count) : text)
            }
            return .text(!part.isEmpty && text.ends(with: part) ? text.dropping(last: part.count) : text)
        case "replace":
            let given = try values("old", "new", "count")
            return try replaced(text, given)
        case "split", "rsplit":
            let given = try values("sep", "maxsplit")
            return try split(text, at: given[0], limit: try integer(given[1], -1), fromEnd: name == "rsplit")
        case "splitlines": return .list(text.lines.map { .text($0) })
        case "partition", "rpartition": return try partition(text, try values("sep")[0], fromEnd: name == "rpartition")
        case "join":
            return .text(try joined(try elements(of: try values("iterable")[0] ?? .null), with: text))
        case "find", "rfind", "count": return try found(name, try self.text(try values("sub")[0], ""), in: text)
        default: return .boolean(text.isClass(name))
        }
    }

    private func found(_ name: String, _ part: MarkedText, in text: MarkedText) throws(JinjaError) -> JinjaValue {
        switch name {
        case "find": return .integer(text.firstIndex(of: part) ?? -1)
        case "rfind": return .integer(text.lastIndex(of: part) ?? -1)
        default: return .integer(part.isEmpty ? text.count + 1 : text.split(at: part, limit: -1).count - 1)
        }
    }

    /// The text without the given characters, or without spaces, at its ends.
    func trimmed(
        _ text: MarkedText, _ characters: JinjaValue?, leading: Bool = true, trailing: Bool = true
    ) throws(JinjaError) -> MarkedText {
        guard let characters, characters != .null else {
            return text.trimming(leading: leading, trailing: trailing, where: \.isPythonSpace)
        }
        let set = Set(try self.text(characters, "").characters.map(\.scalar))
        return text.trimming(leading: leading, trailing: trailing) { set.contains($0) }
    }

    private func starts(_ text: MarkedText, _ prefix: JinjaValue?) throws(JinjaError) -> Bool {
        if case .list(let list) = prefix {
            for choice in list.elements where text.starts(with: try self.text(choice, "")) { return true }
            return false
        }
        return text.starts(with: try self.text(prefix, ""))
    }

    private func ends(_ text: MarkedText, _ suffix: JinjaValue?) throws(JinjaError) -> Bool {
        if case .list(let list) = suffix {
            for choice in list.elements where text.ends(with: try self.text(choice, "")) { return true }
            return false
        }
        return text.ends(with: try self.text(suffix, ""))
    }

    /// The text with `old`, `new` and `count` as given to `replace`.
    mutating func replaced(_ text: MarkedText, _ given: [JinjaValue?]) throws(JinjaError) -> JinjaValue {
        let (old, new) = (try self.text(given[0], ""), try self.text(given[1], ""))
        let limit = given[2] == JinjaValue.null ? -1 : try integer(given[2], -1)
        // An upper bound on the size of the result.
        let most = (text.count / max(1, old.count) + 1).multipliedReportingOverflow(by: new.count)
        guard !most.overflow, most.partialValue <= JinjaLimits.work else {
            throw .tooMuch(line: line, "a value is too large")
        }
        return .text(text.replacing(old, with: new, limit: limit))
    }

    private mutating func split(
        _ text: MarkedText, at separator: JinjaValue?, limit: Int, fromEnd: Bool
    ) throws(JinjaError) -> JinjaValue {
        guard let separator, separator != .null else {
            return .list(text.words(limit: limit, fromEnd: fromEnd).map { .text($0) })
        }
        let mark = try self.text(separator, "")
        guard !mark.isEmpty else { throw failure("empty separator") }
        guard fromEnd else { return .list(text.split(at: mark, limit: limit).map { .text($0) }) }
        let parts = text.reversed.split(at: mark.reversed, limit: limit)
        return .list(parts.reversed().map { .text($0.reversed) })
    }

    private func partition(_ text: MarkedText, _ separator: JinjaValue?, fromEnd: Bool) throws(JinjaError)
        -> JinjaValue
    {
        let separator = try self.text(separator, "")
        guard !separator.isEmpty else { throw failure("empty separator") }
        var parts: [MarkedText]
        if let index = fromEnd ? text.lastIndex(of: separator) : text.firstIndex(of: separator) {
            let end = index + separator.count
            parts = [MarkedText(text.characters[..<index]), MarkedText(text.characters[index..<end])]
            parts.append(MarkedText(text.characters[end...]))
        } else {
            parts = fromEnd ? ["", "", text] : [text, "", ""]
        }
        return .list(JinjaList(parts.map { .text($0) }, isTuple: true))
    }

    /// The texts of the elements with `separator` between them.
    mutating func joined(_ elements: [JinjaValue], with separator: MarkedText) throws(JinjaError) -> MarkedText {
        var result = MarkedText("", isTrusted: true)
        for (index, element) in elements.enumerated() {
            if index > 0 { result += separator }
            result += try text(of: element)
            guard result.count <= JinjaLimits.text else { throw .tooMuch(line: line, "a value is too large") }
        }
        return result
    }
}
