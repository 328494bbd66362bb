/// Reads grammars in GBNF, the notation of llama.cpp (`grammars/README.md` there).
struct GBNFParser {
    private static let maximumDepth = 64
    private static let maximumQuantifiers = 4

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private var builder: GrammarBuilder
    private var numbers: [String: Int32] = [:]
    private var bodies: [Int32: Pattern] = [:]

    private init(_ text: String, _ builder: GrammarBuilder) {
        scalars = Array(text.unicodeScalars)
        self.builder = builder
    }

    /// Adds the rules of a grammar to `builder`.
    ///
    /// - Returns: the rule `root`, at which the text begins.
    static func read(_ text: String, into builder: inout GrammarBuilder) throws(GrammarError) -> Int32 {
        var parser = GBNFParser(text, builder)
        try parser.readRules()
        guard let root = parser.numbers["root"] else { throw GrammarError("there is no rule root") }
        if let missing = parser.numbers.filter({ parser.bodies[$0.value] == nil }).keys.min() {
            throw GrammarError("the rule \(missing.prefix(64)) is not defined")
        }
        try parser.defineRules()
        builder = parser.builder
        return root
    }

    private mutating func defineRules() throws(GrammarError) {
        let empty = try emptyRules()
        for (rule, body) in bodies.sorted(by: { $0.key < $1.key }) {
            let start = try builder.pattern(body, .plain, next: GrammarBuilder.end) { empty.contains($0) }
            builder.define(rule, start: start)
        }
    }

    /// The rules that match no text at all. A rule is looked at again when one that it names has turned out to be one.
    private func emptyRules() throws(GrammarError) -> Set<Int32> {
        var users: [Int32: [Int32]] = [:]
        for (rule, body) in bodies {
            for used in Set(body.rules) { users[used, default: []].append(rule) }
        }
        var empty: Set<Int32> = []
        // In order, so that the work is the same each time.
        var open = bodies.keys.sorted()
        while let rule = open.popLast() {
            guard !empty.contains(rule), let body = bodies[rule],
                try body.extent(builder.work, empty.contains).matchesEmpty
            else { continue }
            empty.insert(rule)
            open += (users[rule] ?? []).sorted()
        }
        return empty
    }

    private func fault(_ reason: String) -> GrammarError {
        let line = 1 + scalars[..<min(index, scalars.count)].count { $0 == "\n" }
        return GrammarError("line \(line): \(reason)")
    }

    private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    /// Skips blanks and comments, and line ends if a rule may continue on the next line.
    private mutating func skipSpace(lines: Bool) {
        while let scalar = next {
            switch scalar {
            case " ", "\t": index += 1
            case "#": while let scalar = next, scalar != "\n", scalar != "\r" { index += 1 }
            case "\n", "\r":
                guard lines else { return }
                index += 1
            default: return
            }
        }
    }

    private mutating func readRules() throws(GrammarError) {
        skipSpace(lines: true)
        while next != nil {
            let name = try self.name()
            skipSpace(lines: false)
            guard take("::=") else { throw fault("expected ::= behind the name \(name.prefix(64))") }
            let rule = number(of: name)
            guard bodies[rule] == nil else { throw fault("the rule \(name.prefix(64)) is defined twice") }
            skipSpace(lines: true)
            bodies[rule] = try choice(isNested: false)
            guard next == nil || next == "\n" || next == "\r" else { throw fault("expected the end of the rule") }
            skipSpace(lines: true)
        }
    }

    private mutating func number(of name: String) -> Int32 {
        if let number = numbers[name] { return number }
        let number = builder.declareRule()
        numbers[name] = number
        return number
    }

    private mutating func name() throws(GrammarError) -> String {
        var name = String.UnicodeScalarView()
        while let scalar = next, Self.isWord(scalar) {
            name.append(scalar)
            index += 1
        }
        guard !name.isEmpty else { throw fault("expected a name") }
        return String(name)
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }

    private mutating func choice(isNested: Bool) throws(GrammarError) -> Pattern {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw fault("more than \(Self.maximumDepth) groups inside each other") }
        var choices = [try sequence(isNested: isNested)]
        while continues(isNested: isNested) {
            skipSpace(lines: true)
            choices.append(try sequence(isNested: isNested))
        }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    /// Takes the bar before another choice. It may stand at the beginning of the next line.
    private mutating func continues(isNested: Bool) -> Bool {
        let start = index
        skipSpace(lines: true)
        if take("|") { return true }
        if !isNested { index = start }
        return false
    }

    private mutating func sequence(isNested: Bool) throws(GrammarError) -> Pattern {
        var parts: [Pattern] = []
        while let scalar = next, scalar != "|", scalar != ")", scalar != "\n", scalar != "\r" {
            let atom = try atom(scalar)
            parts.append(try quantified(atom))
            skipSpace(lines: isNested)
        }
        return parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func atom(_ scalar: Unicode.Scalar) throws(GrammarError) -> Pattern {
        switch scalar {
        case "\"":
            index += 1
            var parts: [Pattern] = []
            while let scalar = next, scalar != "\"" { parts.append(.set(ScalarSet(try character()))) }
            guard take("\"") else { throw fault("a text without closing quote") }
            return .sequence(parts)
        case "[":
            index += 1
            return .set(try characterClass())
        case "(":
            index += 1
            skipSpace(lines: true)
            let pattern = try choice(isNested: true)
            skipSpace(lines: true)
            guard take(")") else { throw fault("a group without closing parenthesis") }
            return pattern
        case ".":
            index += 1
            return .set(.all)
        case _ where Self.isWord(scalar): return .rule(number(of: try name()))
        default: throw fault("\(scalar) is not expected here")
        }
    }

    private mutating func characterClass() throws(GrammarError) -> ScalarSet {
        let isInverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = next, scalar != "]" {
            try builder.work.spend()
            let low = try character().value
            guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                ranges.append(low...low)
                continue
            }
            index += 1
            let high = try character().value
            guard low <= high else { throw fault("a range out of order") }
            ranges.append(low...high)
        }
        guard take("]") else { throw fault("a character class without closing bracket") }
        let set = ScalarSet(ranges)
        return isInverted ? set.inverted : set
    }

    private mutating func character() throws(GrammarError) -> Unicode.Scalar {
        guard let scalar = next else { throw fault("the grammar ends within a text") }
        index += 1
        guard scalar == "\\" else { return scalar }
        guard let letter = next else { throw fault("a backslash at the end") }
        index += 1
        switch letter {
        case "x": return try hex(digits: 2)
        case "u": return try hex(digits: 4)
        case "U": return try hex(digits: 8)
        case "t": return "\t"
        case "r": return "\r"
        case "n": return "\n"
        case "\\", "\"", "[", "]", "-", "^", "'", "/": return letter
        default: throw fault("the escape \\\(letter) is not known")
        }
    }

    private mutating func hex(digits: Int) throws(GrammarError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = next.flatMap({ UInt32(String($0), radix: 16) }) else {
                throw fault("expected \(digits) hex digits")
            }
            value = value << 4 | digit
            index += 1
        }
        guard let scalar = Unicode.Scalar(value) else { throw fault("an escape that is no character") }
        return scalar
    }

    private mutating func quantified(_ atom: Pattern) throws(GrammarError) -> Pattern {
        var pattern = atom
        var count = 0
        while let scalar = next {
            var bounds: (minimum: Int, maximum: Int?)
            switch scalar {
            case "*": bounds = (0, nil)
            case "+": bounds = (1, nil)
            case "?": bounds = (0, 1)
            case "{": bounds = try self.bounds()
            default: return pattern
            }
            index += 1
            count += 1
            guard count <= Self.maximumQuantifiers else {
                throw fault("more than \(Self.maximumQuantifiers) repetitions behind each other")
            }
            guard max(bounds.minimum, bounds.maximum ?? 0) <= RegexParser.maximumCount else {
                throw fault("more than \(RegexParser.maximumCount) repetitions")
            }
            guard bounds.minimum <= bounds.maximum ?? .max else { throw fault("repetitions out of order") }
            pattern = .repetition(pattern, minimum: bounds.minimum, maximum: bounds.maximum)
        }
        return pattern
    }

    /// Reads `{m}`, `{m,}`, `{m,n}` or `{,n}` up to the closing brace.
    private mutating func bounds() throws(GrammarError) -> (minimum: Int, maximum: Int?) {
        index += 1
        let minimum = count()
        guard take(",") else {
            guard let minimum, next == "}" else { throw fault("expected a number of repetitions") }
            return (minimum, minimum)
        }
        let maximum = count()
        guard next == "}" else { throw fault("expected a closing brace") }
        return (minimum ?? 0, maximum)
    }

    private mutating func count() -> Int? {
        skipSpace(lines: false)
        let count = RegexParser.count(in: scalars, at: &index)
        skipSpace(lines: false)
        return count
    }
}
