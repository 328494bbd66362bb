/// Splits text into words as a `PreTokenizer` says; tokens merge within words only. GPT-2's pattern is
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// and SmolLM's is `Sequence(Digits(individual_digits), ByteLevel(use_regex))`: a digit ends the run of text that
/// GPT-2's pattern sees, so whitespace before a digit is not split. Llama 3's pattern is
///
///     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
///     | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
///
/// and Qwen's differs in `\p{N}` for `\p{N}{1,3}`. The time is linear in the text, except that a space may be looked at
/// twice.
struct WordScanner: Sequence, IteratorProtocol {
    private let text: [UInt8]
    private let rules: PreTokenizer
    private var position: Int
    private let end: Int

    /// Scans `text[range]`: UTF-8, cut between characters. A byte that begins no character is a symbol.
    init(_ text: [UInt8], in range: Range<Int>, by rules: PreTokenizer) {
        self.text = text
        self.rules = rules
        position = range.lowerBound
        end = range.upperBound
    }

    mutating func next() -> Range<Int>? {
        guard position < end else { return nil }
        let start = position
        switch rules {
        case .smolLM, .gpt2: position = oldWordEnd(from: start)
        case .llama3: position = newWordEnd(from: start, digits: 3)
        case .qwen2: position = newWordEnd(from: start, digits: 1)
        }
        return start..<position
    }

    // GPT-2's pattern.
    private func oldWordEnd(from start: Int) -> Int {
        let (kind, next) = scalar(at: start)
        switch kind {
        case .number: return rules == .smolLM ? next : runEnd(of: .number, from: next)
        case .letter: return runEnd(of: .letter, from: next)
        case .symbol: return contractionEnd(from: start, anyCase: false) ?? runEnd(of: .symbol, from: next)
        case .space:
            if text[start] == UInt8(ascii: " "), next < end {
                let (second, afterSecond) = scalar(at: next)
                if second != .space, second != .number || rules == .gpt2 {
                    return runEnd(of: second, from: afterSecond)
                }
            }
            return spaceEnd(from: start)
        }
    }

    // Llama 3's pattern.
    private func newWordEnd(from start: Int, digits: Int) -> Int {
        let (kind, next) = scalar(at: start)
        if kind == .letter { return runEnd(of: .letter, from: next) }
        if kind == .number { return runEnd(of: .number, from: next, limit: digits - 1) }
        if let end = contractionEnd(from: start, anyCase: true) { return end }
        let second = next < end ? scalar(at: next) : nil
        if let second, second.kind == .letter, !isLineBreak(at: start) { return runEnd(of: .letter, from: second.next) }
        if kind == .symbol { return lineBreaksEnd(from: runEnd(of: .symbol, from: next)) }
        if text[start] == UInt8(ascii: " "), let second, second.kind == .symbol {
            return lineBreaksEnd(from: runEnd(of: .symbol, from: second.next))
        }
        let run = runEnd(of: .space, from: next)
        return lastLineBreakEnd(in: start..<run) ?? spaceEnd(from: start)
    }

    private func contractionEnd(from start: Int, anyCase: Bool) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        let fold: UInt8 = anyCase ? 0x20 : 0
        let second = start + 2 < end ? text[start + 2] : 0
        switch (text[start + 1] | fold, second | fold) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default:
            // The long s, U+017F, is an s in another case.
            return anyCase && text[start + 1] == 0xC5 && second == 0xBF ? start + 3 : nil
        }
    }

    private func runEnd(of kind: ScalarKind, from start: Int, limit: Int = .max) -> Int {
        var (at, count) = (start, 0)
        while at < end, count < limit {
            let (found, next) = scalar(at: at)
            guard found == kind else { break }
            (at, count) = (next, count + 1)
        }
        return at
    }

    // `\s+(?!\S)` leaves the last space of a run to the word after it; a single space is left to `\s+`.
    private func spaceEnd(from start: Int) -> Int {
        var (at, last) = (start, start)
        while at < end {
            let (kind, next) = scalar(at: at)
            if kind == .number, rules == .smolLM { return at }
            guard kind == .space else { return last > start ? last : at }
            (at, last) = (next, at)
        }
        return at
    }

    private func isLineBreak(at index: Int) -> Bool {
        text[index] == UInt8(ascii: "\n") || text[index] == UInt8(ascii: "\r")
    }

    private func lineBreaksEnd(from start: Int) -> Int {
        var at = start
        while at < end, isLineBreak(at: at) { at += 1 }
        return at
    }

    private func lastLineBreakEnd(in range: Range<Int>) -> Int? {
        range.last { isLineBreak(at: $0) }.map { $0 + 1 }
    }

    @inline(__always)
    private func scalar(at position: Int) -> (kind: ScalarKind, next: Int) {
        let first = text[position]
        if first < 0x80 { return (ScalarKind(ascii: first), position + 1) }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard first >= 0xC0, position + length <= end else { return (.symbol, position + 1) }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for byte in text[position + 1..<position + length] { value = value << 6 | UInt32(byte & 0x3F) }
        return (ScalarKind(value, newestNumbers: rules == .smolLM), position + length)
    }
}

/// The four kinds of characters that the patterns distinguish.
enum ScalarKind {
    case letter
    case number
    case space
    case symbol

    @inline(__always)
    init(ascii byte: UInt8) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): self = .letter
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self = .number
        case UInt8(ascii: " "), 0x09...0x0D: self = .space
        default: self = .symbol
        }
    }

    /// The kind of any Unicode scalar, as in the `tokenizers` library, which defines the patterns: their letters and
    /// numbers are of Unicode 16, and what is newer counts as a symbol. The rule that each digit is a word knows the
    /// numbers of Unicode 17 (`newestNumbers`), as Swift does.
    init(_ value: UInt32, newestNumbers: Bool) {
        guard let properties = Unicode.Scalar(value)?.properties else {
            self = .symbol
            return
        }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            self = properties.isInUnicode16 ? .letter : .symbol
        case .decimalNumber, .letterNumber, .otherNumber:
            self = newestNumbers || properties.isInUnicode16 ? .number : .symbol
        default: self = properties.isWhitespace ? .space : .symbol
        }
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isInUnicode16: Bool { (age?.major ?? .max) <= 16 }
}
