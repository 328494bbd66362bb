// Python's methods of strings. Every scalar of a result has the mark of the scalar that it stems from.
extension MarkedText {
    /// The scalars in reverse order.
    var reversed: MarkedText { MarkedText(characters.reversed()) }

    /// Whether it begins with `part`.
    func starts(with part: MarkedText) -> Bool { characters.starts(with: part.characters) }

    /// Whether it ends with `part`.
    func ends(with part: MarkedText) -> Bool { characters.suffix(part.count).elementsEqual(part.characters) }

    /// The text without its first scalars.
    func dropping(first count: Int) -> MarkedText { MarkedText(characters.dropFirst(count)) }

    /// The text without its last scalars.
    func dropping(last count: Int) -> MarkedText { MarkedText(characters.dropLast(count)) }

    // MARK: Case

    /// `str.upper`.
    var uppercased: MarkedText { mapping(\.properties.uppercaseMapping) }

    /// `str.lower`.
    var lowercased: MarkedText { changingCase { $0.lowercased(at: $1) } }

    /// The lower case of a scalar. A sigma at the end of a word has a form of its own.
    private func lowercased(at index: Int) -> String {
        let scalar = characters[index].scalar
        return scalar == "Σ" && endsWord(at: index) ? "ς" : scalar.properties.lowercaseMapping
    }

    private func changingCase(_ change: (MarkedText, Int) -> String) -> MarkedText {
        MarkedText(
            characters.indices.flatMap { index in
                change(self, index).unicodeScalars.map { Character($0, isTrusted: characters[index].isTrusted) }
            })
    }

    private func endsWord(at index: Int) -> Bool {
        let before = characters[..<index].last { !$0.scalar.properties.isCaseIgnorable }
        let after = characters[(index + 1)...].first { !$0.scalar.properties.isCaseIgnorable }
        return before?.scalar.properties.isCased == true && after?.scalar.properties.isCased != true
    }

    /// `str.capitalize`: a title's first letter, the rest in lower case.
    var capitalized: MarkedText {
        changingCase { text, index in
            index == 0 ? text.characters[0].scalar.properties.titlecaseMapping : text.lowercased(at: index)
        }
    }

    /// `str.title`: every run of letters as `capitalized`.
    var titled: MarkedText {
        var isInside = false
        return changingCase { text, index in
            let properties = text.characters[index].scalar.properties
            defer { isInside = properties.isCased }
            return isInside ? text.lowercased(at: index) : properties.titlecaseMapping
        }
    }

    /// Jinja's filter `title`: a capital after every blank, hyphen or opening bracket.
    var filterTitled: MarkedText {
        var result = MarkedText("", isTrusted: true)
        var isInside = false
        var word: [Character] = []
        func finished() -> MarkedText {
            MarkedText(word.prefix(1)).uppercased + MarkedText(word.dropFirst()).lowercased
        }
        for character in characters {
            let isBreak = character.scalar.isPythonSpace || "-({[<".unicodeScalars.contains(character.scalar)
            if isBreak != isInside {
                word.append(character)
            } else {
                result += finished()
                word = [character]
                isInside = !isBreak
            }
        }
        return result + finished()
    }

    /// Whether the test of characters `name`, such as `isdigit`, holds.
    func isClass(_ name: String) -> Bool {
        let scalars = characters.lazy.map(\.scalar)
        switch name {
        case "isspace": return !isEmpty && scalars.allSatisfy(\.isPythonSpace)
        case "isalpha": return !isEmpty && scalars.allSatisfy(\.isPythonLetter)
        case "isdigit": return !isEmpty && scalars.allSatisfy(\.isPythonDigit)
        case "isalnum":
            return !isEmpty
                && scalars.allSatisfy { $0.isPythonLetter || $0.properties.numericType != nil }
        case "islower": return scalars.contains(where: \.properties.isLowercase) && self == lowercased
        case "isupper": return scalars.contains(where: \.properties.isUppercase) && self == uppercased
        default: return false
        }
    }

    // MARK: Parts

    /// `str.split` at a separator that is not empty; a negative limit is none.
    func split(at separator: MarkedText, limit: Int) -> [MarkedText] {
        var parts: [MarkedText] = []
        var start = 0
        while parts.count != limit, let index = firstIndex(of: separator, from: start) {
            parts.append(MarkedText(characters[start..<index]))
            start = index + separator.count
        }
        return parts + [MarkedText(characters[start...])]
    }

    /// `str.split` at runs of spaces.
    func words(limit: Int, fromEnd: Bool) -> [MarkedText] {
        if fromEnd { return reversed.words(limit: limit, fromEnd: false).reversed().map(\.reversed) }
        var words: [MarkedText] = []
        var rest = characters[...]
        while true {
            rest = rest.drop { $0.scalar.isPythonSpace }
            guard !rest.isEmpty else { return words }
            if words.count == limit {
                while rest.last?.scalar.isPythonSpace == true { rest.removeLast() }
                return words + [MarkedText(rest)]
            }
            let word = rest.prefix { !$0.scalar.isPythonSpace }
            words.append(MarkedText(word))
            rest = rest[word.endIndex...]
        }
    }

    /// `str.splitlines`.
    var lines: [MarkedText] {
        var lines: [MarkedText] = []
        var line: [Character] = []
        var index = 0
        while index < count {
            let character = characters[index]
            index += 1
            guard character.scalar.endsPythonLine else {
                line.append(character)
                continue
            }
            if character.scalar == "\r", index < count, characters[index].scalar == "\n" { index += 1 }
            lines.append(MarkedText(line))
            line = []
        }
        return line.isEmpty ? lines : lines + [MarkedText(line)]
    }
}

extension Unicode.Scalar {
    fileprivate var isPythonLetter: Bool {
        switch properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    fileprivate var isPythonDigit: Bool { properties.numericType == .decimal || properties.numericType == .digit }

    fileprivate var endsPythonLine: Bool {
        (0xA...0xD).contains(value) || (0x1C...0x1E).contains(value) || value == 0x85 || value == 0x2028
            || value == 0x2029
    }
}
