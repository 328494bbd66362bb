/// A token inside a tag of a template.
struct JinjaToken: Sendable {
    enum Kind: Sendable, Equatable {
        /// Text between tags.
        case data(String)
        case tagStart
        case tagEnd
        case outputStart
        case outputEnd
        case name(String)
        case string(String)
        case integer(Int)
        case float(Double)
        case symbol(String)
        case end
    }

    let kind: Kind
    let line: Int
}

/// Cuts a template into tokens, with `trim_blocks` and `lstrip_blocks` as transformers sets them: a tag takes the line
/// end after it and the blanks before it on its line.
struct JinjaLexer {
    private let source: [Unicode.Scalar]
    private var position = 0
    private var line = 1
    private var tokens: [JinjaToken] = []
    /// Whether the position is at the start of a line, for which only tags count, not text.
    private var startsLine = true

    private static let symbols = [
        "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".", ":", "|", ",", ";",
    ].map { Array($0.unicodeScalars) }

    /// The tokens of `template`, the last of which is `end`.
    static func tokens(of template: String) throws(JinjaError) -> [JinjaToken] {
        guard template.utf8.count <= JinjaLimits.source else {
            throw .tooMuch(line: 1, "the template has \(template.utf8.count) bytes, more than \(JinjaLimits.source)")
        }
        var lexer = JinjaLexer(template)
        while lexer.position < lexer.source.count { try lexer.readData() }
        lexer.append(.end)
        return lexer.tokens
    }

    private init(_ template: String) {
        // Line ends are "\n" for Jinja, and the one at the end of the template goes.
        var scalars: [Unicode.Scalar] = []
        var follows: Unicode.Scalar?
        for scalar in template.unicodeScalars {
            if scalar != "\n" || follows != "\r" { scalars.append(scalar == "\r" ? "\n" : scalar) }
            follows = scalar
        }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    private mutating func append(_ kind: JinjaToken.Kind) {
        tokens.append(JinjaToken(kind: kind, line: line))
    }

    private func starts(with text: String, at index: Int) -> Bool {
        var index = index
        for scalar in text.unicodeScalars {
            guard index < source.count, source[index] == scalar else { return false }
            index += 1
        }
        return true
    }

    private mutating func advance(to index: Int) {
        for scalar in source[position..<index] where scalar == "\n" { line += 1 }
        startsLine = index > position && source[index - 1] == "\n"
        position = index
    }

    private func skipSpaces(from index: Int) -> Int {
        var index = index
        while index < source.count, source[index].isPythonSpace { index += 1 }
        return index
    }

    // MARK: Text

    /// Reads text up to the next tag, and the tag.
    private mutating func readData() throws(JinjaError) {
        var at = position
        while at < source.count,
            !(source[at] == "{" && at + 1 < source.count && "{%#".unicodeScalars.contains(source[at + 1]))
        {
            at += 1
        }
        guard at < source.count else { return appendText(source[position...], to: at) }
        let opening = source[at + 1]
        var inside = at + 2
        var sign: Unicode.Scalar?
        if inside < source.count, source[inside] == "-" || source[inside] == "+" {
            sign = source[inside]
            inside += 1
        }
        appendText(text(source[position..<at], before: opening, sign: sign), to: inside)
        switch opening {
        case "#": try skipComment()
        case "{":
            append(.outputStart)
            try readInside("}}", end: .outputEnd)
        default:
            if let end = rawStart() { return try readRaw(from: end) }
            append(.tagStart)
            try readInside("%}", end: .tagEnd)
        }
    }

    private mutating func appendText(_ text: ArraySlice<Unicode.Scalar>, to end: Int) {
        if !text.isEmpty { append(.data(Self.string(text))) }
        advance(to: end)
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// The text before a tag, without the blanks that the tag takes.
    private func text(
        _ text: ArraySlice<Unicode.Scalar>, before opening: Unicode.Scalar, sign: Unicode.Scalar?
    ) -> ArraySlice<Unicode.Scalar> {
        if sign == "-" {
            var text = text
            while text.last?.isPythonSpace == true { text.removeLast() }
            return text
        }
        guard sign == nil, opening != "{" else { return text }
        let start = text.lastIndex(of: "\n").map { $0 + 1 } ?? text.startIndex
        guard start > text.startIndex || startsLine, text[start...].allSatisfy(\.isPythonSpace) else { return text }
        return text[..<start]
    }

    private mutating func skipComment() throws(JinjaError) {
        var at = position
        while !starts(with: "#}", at: at) {
            guard at < source.count else { throw .syntax(line: line, "the comment has no end, \"#}\"") }
            at += 1
        }
        let sign = at > position ? source[at - 1] : " "
        advance(to: end(ofTag: at + 2, sign: sign))
    }

    /// Where a tag ends with what it takes after it, by the sign before its closing.
    private func end(ofTag index: Int, sign: Unicode.Scalar) -> Int {
        switch sign {
        case "-": skipSpaces(from: index)
        case "+": index
        default: index < source.count && source[index] == "\n" ? index + 1 : index
        }
    }

    // MARK: Raw text

    /// The end of the tag at the position if it is `raw`.
    private func rawStart() -> Int? { end(ofTag: "raw", at: position, takesLineEnd: false) }

    private func end(ofTag name: String, at index: Int, takesLineEnd: Bool) -> Int? {
        let start = skipSpaces(from: index)
        guard starts(with: name, at: start) else { return nil }
        let close = skipSpaces(from: start + name.unicodeScalars.count)
        if starts(with: "-%}", at: close) { return end(ofTag: close + 3, sign: "-") }
        if takesLineEnd, starts(with: "+%}", at: close) { return close + 3 }
        guard starts(with: "%}", at: close) else { return nil }
        return takesLineEnd ? end(ofTag: close + 2, sign: " ") : close + 2
    }

    private mutating func readRaw(from start: Int) throws(JinjaError) {
        advance(to: start)
        var at = position
        while at < source.count {
            if starts(with: "{%", at: at) {
                var inside = at + 2
                let sign: Unicode.Scalar? =
                    starts(with: "-", at: inside) || starts(with: "+", at: inside) ? source[inside] : nil
                inside += sign == nil ? 0 : 1
                if let end = end(ofTag: "endraw", at: inside, takesLineEnd: true) {
                    return appendText(text(source[position..<at], before: "%", sign: sign), to: end)
                }
            }
            at += 1
        }
        throw .syntax(line: line, "raw has no endraw")
    }

    // MARK: Inside tags

    private mutating func readInside(_ closing: String, end: JinjaToken.Kind) throws(JinjaError) {
        var open: [Unicode.Scalar] = []
        while true {
            advance(to: skipSpaces(from: position))
            guard position < source.count else { throw .syntax(line: line, "a tag has no end, \"\(closing)\"") }
            let sign = source[position]
            if open.isEmpty, let length = closingLength(closing, sign) {
                append(end)
                let after = position + length
                let isTag = end == .tagEnd
                return advance(to: isTag || sign == "-" ? self.end(ofTag: after, sign: sign) : after)
            }
            if sign == "\"" || sign == "'" {
                try readString(quote: sign)
            } else if ("0"..."9").contains(sign) {
                try readNumber()
            } else if sign == "_" || sign.properties.isXIDStart {
                readName()
            } else {
                try readSymbol(&open)
            }
        }
    }

    /// The length of the closing at the position, with its sign.
    private func closingLength(_ closing: String, _ sign: Unicode.Scalar) -> Int? {
        if starts(with: closing, at: position) { return 2 }
        let takesSign = sign == "-" || (sign == "+" && closing == "%}")
        return takesSign && starts(with: closing, at: position + 1) ? 3 : nil
    }

    private mutating func readName() {
        var at = position
        while at < source.count, source[at].properties.isXIDContinue { at += 1 }
        append(.name(Self.string(source[position..<at])))
        advance(to: at)
    }

    private mutating func readSymbol(_ open: inout [Unicode.Scalar]) throws(JinjaError) {
        guard let symbol = Self.symbols.first(where: { source[position...].starts(with: $0) }) else {
            throw .syntax(line: line, "unexpected character \"\(source[position])\"")
        }
        switch symbol[0] {
        case "(": open.append(")")
        case "[": open.append("]")
        case "{": open.append("}")
        case ")", "]", "}":
            guard open.popLast() == symbol[0] else { throw .syntax(line: line, "unexpected \"\(symbol[0])\"") }
        default: break
        }
        append(.symbol(Self.string(symbol)))
        advance(to: position + symbol.count)
    }

    private mutating func readNumber() throws(JinjaError) {
        var at = position
        func digits(_ index: Int) -> Int {
            var index = index
            while index < source.count, ("0"..."9").contains(source[index]) || source[index] == "_" { index += 1 }
            return index
        }
        func isDigit(_ index: Int) -> Bool { index < source.count && ("0"..."9").contains(source[index]) }
        at = digits(at)
        var isWhole = true
        if starts(with: ".", at: at), isDigit(at + 1) { (at, isWhole) = (digits(at + 1), false) }
        if starts(with: "e", at: at) || starts(with: "E", at: at) {
            let sign = starts(with: "+", at: at + 1) || starts(with: "-", at: at + 1) ? 1 : 0
            if isDigit(at + 1 + sign) { (at, isWhole) = (digits(at + 1 + sign), false) }
        }
        let text = Self.string(source[position..<at].filter { $0 != "_" })
        if isWhole {
            guard let integer = Int(text) else { throw .syntax(line: line, "the number \(text) has over 64 bits") }
            append(.integer(integer))
        } else {
            append(.float(Double(text) ?? .nan))
        }
        advance(to: at)
    }

    private mutating func readString(quote: Unicode.Scalar) throws(JinjaError) {
        var at = position + 1
        var text: [Unicode.Scalar] = []
        while at < source.count, source[at] != quote {
            if source[at] == "\\" {
                let (scalars, end) = try escape(at: at + 1)
                text += scalars
                at = end
            } else {
                text.append(source[at])
                at += 1
            }
        }
        guard at < source.count else { throw .syntax(line: line, "a string has no end") }
        append(.string(Self.string(text)))
        advance(to: at + 1)
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
        "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
        "v": "\u{B}",
    ]

    /// The scalars that Python's escape after a backslash stands for, and where it ends.
    private func escape(at index: Int) throws(JinjaError) -> (scalars: [Unicode.Scalar], end: Int) {
        guard index < source.count else { throw .syntax(line: line, "a string has no end") }
        let letter = source[index]
        if let scalar = Self.escapes[letter] { return ([scalar], index + 1) }
        func code(_ digits: ArraySlice<Unicode.Scalar>, radix: Int) throws(JinjaError) -> [Unicode.Scalar] {
            guard let value = UInt32(Self.string(digits), radix: radix), let scalar = Unicode.Scalar(value) else {
                throw .syntax(line: line, "\"\\\(letter)\(Self.string(digits))\" is no character")
            }
            return [scalar]
        }
        switch letter {
        case "\n": return ([], index + 1)
        case "0"..."7":
            let digits = source[index...].prefix(3).prefix { ("0"..."7").contains($0) }
            return (try code(digits, radix: 8), digits.endIndex)
        case "x", "u", "U":
            let length = letter == "x" ? 2 : letter == "u" ? 4 : 8
            let digits = source[(index + 1)...].prefix(length)
            guard digits.count == length, digits.allSatisfy(\.properties.isASCIIHexDigit) else {
                throw .syntax(line: line, "\"\\\(letter)\" needs \(length) hexadecimal digits")
            }
            return (try code(digits, radix: 16), digits.endIndex)
        case "N": throw .unsupported(line: line, "the escape \"\\N\"")
        default: return (["\\", letter], index + 1)
        }
    }
}
