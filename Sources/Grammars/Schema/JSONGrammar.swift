import Support

/// JSON text as models write it: on one line, with at most one blank behind a comma or colon. So a model cannot write
/// white space without end.
extension GrammarBuilder {
    /// A comma or colon, and perhaps a blank.
    mutating func separated(_ mark: String, next: Int32) throws(GrammarError) -> Int32 {
        let blank = try bytes(ByteSet(UInt8(ascii: " ")), next: next)
        return try literal(mark, next: try choice([blank, next]))
    }

    /// A member's name and colon.
    mutating func member(_ name: String, next: Int32) throws(GrammarError) -> Int32 {
        let content = JSONEscape.content(of: name)
        return try literal(
            [UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")], next: try separated(":", next: next))
    }

    /// The content of strings that are none of `names`.
    ///
    /// - Parameters:
    ///   - free: the rest of any string.
    ///   - end: what follows the closing quote.
    mutating func otherString(than names: [String], free: Int32, end: Int32) throws(GrammarError) -> Int32 {
        var tree = WordTree<Unicode.Scalar>()
        for name in names {
            try work.spend(1 + name.utf8.count)
            tree.add(name.unicodeScalars)
        }
        return try tree.fold { isName, branches throws(GrammarError) in
            guard isName || !branches.isEmpty else { return free }
            var choices: [Int32] = []
            for (scalar, node) in branches {
                choices.append(try pattern(.set(ScalarSet(scalar)), .jsonString, next: node))
            }
            let listed = ScalarSet(branches.map { $0.letter.value...$0.letter.value })
            choices.append(try pattern(.set(listed.inverted), .jsonString, next: free))
            if !isName { choices.append(try literal("\"", next: end)) }
            return try choice(choices)
        }
    }

    /// A given value.
    mutating func value(_ value: JSON, next: Int32) throws(GrammarError) -> Int32 {
        switch value {
        case .null, .bool, .integer, .number: return try literal(value.text, next: next)
        case .string(let text):
            let content = JSONEscape.content(of: text)
            return try literal([UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")], next: next)
        case .array(let elements):
            var node = try literal("]", next: next)
            for (index, element) in elements.enumerated().reversed() {
                node = try self.value(element, next: node)
                if index > 0 { node = try separated(",", next: node) }
            }
            return try literal("[", next: node)
        case .object(let members):
            var node = try literal("}", next: next)
            for (index, member) in members.enumerated().reversed() {
                node = try self.member(member.name, next: try self.value(member.value, next: node))
                if index > 0 { node = try separated(",", next: node) }
            }
            return try literal("{", next: node)
        }
    }

    /// One of these values. Those without parts share their beginnings.
    mutating func values(_ values: [JSON], next: Int32) throws(GrammarError) -> Int32 {
        var choices: [Int32] = []
        var words: [[UInt8]] = []
        for value in values {
            switch value {
            case .null, .bool, .integer, .number: words.append(Array(value.text.utf8))
            case .string(let text):
                words.append([UInt8(ascii: "\"")] + JSONEscape.content(of: text) + [UInt8(ascii: "\"")])
            case .array, .object: choices.append(try self.value(value, next: next))
            }
        }
        if !words.isEmpty { choices.append(try self.words(words, next: next)) }
        return try choice(choices)
    }

    /// A rule for numbers. The digits are limited, so that every number is one for readers of 64-bit floats too.
    mutating func numberRule(isInteger: Bool) throws(GrammarError) -> Int32 {
        let integer = "-?(?:0|[1-9][0-9]{0,14})"
        let text = isInteger ? integer : integer + "(?:\\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?"
        let rule = declareRule()
        define(rule, start: try pattern(try RegexParser.whole(text, work), .plain, next: Self.end))
        return rule
    }

    /// A rule for any value.
    mutating func anyValue() throws(GrammarError) -> Int32 {
        let rule = declareRule()
        let number = try numberRule(isInteger: false)
        var choices = [
            try anyObject(of: rule, next: Self.end), try anyArray(of: rule),
            try literal("\"", next: try add(.string(minimum: 0, maximum: nil, next: Self.end))),
            try add(.call(rule: number, next: Self.end)),
        ]
        for word in ["true", "false", "null"] { choices.append(try literal(word, next: Self.end)) }
        define(rule, start: try choice(choices))
        return rule
    }

    /// An object whose values fit a rule.
    mutating func anyObject(of rule: Int32, next: Int32) throws(GrammarError) -> Int32 {
        let close = try literal("}", next: next)
        let more = try declareFork()
        let colon = try separated(":", next: try add(.call(rule: rule, next: more)))
        let member = try literal("\"", next: try add(.string(minimum: 0, maximum: nil, next: colon)))
        setFork(more, [try separated(",", next: member), close])
        return try literal("{", next: try choice([member, close]))
    }

    private mutating func anyArray(of rule: Int32) throws(GrammarError) -> Int32 {
        let close = try literal("]", next: Self.end)
        let more = try declareFork()
        let element = try add(.call(rule: rule, next: more))
        setFork(more, [try separated(",", next: element), close])
        return try literal("[", next: try choice([element, close]))
    }
}
