/// Splits text into words; tokens merge within words only. Each digit is a word, and GPT-2's pattern splits the rest:
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
///
/// This is SmolLM's `Sequence(Digits(individual_digits), ByteLevel(use_regex))`. A digit ends the run of text that the
/// pattern sees, so whitespace before a digit is not split. The time is linear in the text.
struct WordScanner: Sequence, IteratorProtocol {
    private let text: [UInt8]
    private var position: Int
    private let end: Int

    /// Scans `text[range]`: UTF-8, cut between characters. A byte that begins no character is a symbol.
    init(_ text: [UInt8], in range: Range<Int>) {
        self.text = text
        position = range.lowerBound
        end = range.upperBound
    }

    mutating func next() -> Range<Int>? {
        guard position < end else { return nil }
        let start = position
        position = wordEnd(from: start)
        return start..<position
    }

    private func wordEnd(from start: Int) -> Int {
        let (kind, next) = scalar(at: start)
        switch kind {
        case .number: return next
        case .letter: return runEnd(of: .letter, from: next)
        case .symbol: return contractionEnd(from: start) ?? runEnd(of: .symbol, from: next)
        case .space:
            if text[start] == UInt8(ascii: " "), next < end {
                let (second, afterSecond) = scalar(at: next)
                if second == .letter || second == .symbol { return runEnd(of: second, from: afterSecond) }
            }
            return spaceEnd(from: start)
        }
    }

    private func contractionEnd(from start: Int) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        let second = start + 2 < end ? text[start + 2] : 0
        switch (text[start + 1], second) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default: return nil
        }
    }

    private func runEnd(of kind: ScalarKind, from start: Int) -> Int {
        var at = start
        while at < end {
            let (found, next) = scalar(at: at)
            guard found == kind else { break }
            at = next
        }
        return at
    }

    // `\s+(?!\S)` leaves the last space of a run to the word after it; a single space is left to `\s+`.
    private func spaceEnd(from start: Int) -> Int {
        var (at, last) = (start, start)
        while at < end {
            let (kind, next) = scalar(at: at)
            switch kind {
            case .space: (at, last) = (next, at)
            case .number: return at
            case .letter, .symbol: return last > start ? last : at
            }
        }
        return at
    }

    @inline(__always)
    private func scalar(at position: Int) -> (kind: ScalarKind, next: Int) {
        let first = text[position]
        if first < 0x80 { return (ScalarKind(ascii: first), position + 1) }
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard first >= 0xC0, position + length <= end else { return (.symbol, position + 1) }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for byte in text[position + 1..<position + length] { value = value << 6 | UInt32(byte & 0x3F) }
        return (ScalarKind(value), position + length)
    }
}

/// The four kinds of characters that the pattern distinguishes.
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

    /// The kind of any Unicode scalar. Letters newer than Unicode 16 count as symbols, as in the `tokenizers` library,
    /// which defines the pattern; digits follow Unicode 17, as in Swift.
    init(_ value: UInt32) {
        guard let properties = Unicode.Scalar(value)?.properties else {
            self = .symbol
            return
        }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            self = (properties.age?.major ?? .max) <= 16 ? .letter : .symbol
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = properties.isWhitespace ? .space : .symbol
        }
    }
}
