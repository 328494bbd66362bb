/// A text as the judge reads it: lower-case words in one spelling, and the marks that end sentences and clauses. A
/// repeated sentence is read once.
///
/// Contractions are written out ("isn't" is two words), hyphens separate words, and synonyms become one word ("grey" is
/// "gray", "upper" is "top", "bigger" is "larger").
struct AnswerText {
    /// Words, with `.` at the end of a sentence and `,` at the end of a clause.
    let tokens: [String]

    /// The words alone.
    var words: [String] { tokens.filter { !Self.isMark($0) } }

    /// The clauses between marks, as non-empty ranges of `tokens`. Words like "but" begin a clause too.
    var clauses: [Range<Int>] {
        var found: [Range<Int>] = []
        var start = 0
        for index in 0...tokens.count {
            let ends = index == tokens.count || Self.isMark(tokens[index])
            guard ends || Self.turns.contains(tokens[index]) else { continue }
            if start < index { found.append(start..<index) }
            start = ends ? index + 1 : index
        }
        return found
    }

    /// Words that begin a contrasting clause.
    static let turns: Set<String> = ["but", "while", "whereas", "although", "though", "instead", "however"]

    init(_ text: String) {
        var tokens: [String] = []
        for piece in Self.pieces(of: text.lowercased()) {
            if Self.isMark(piece) {
                guard let last = tokens.last else { continue }
                if !Self.isMark(last) {
                    tokens.append(piece)
                } else if piece == "." {
                    tokens[tokens.count - 1] = piece
                }
            } else {
                tokens += Self.expanded(piece).map { Self.spellings[$0] ?? $0 }
            }
        }
        self.tokens = Self.withoutRepeats(tokens)
    }

    /// Removes repeated sentences, which say nothing new.
    private static func withoutRepeats(_ tokens: [String]) -> [String] {
        var seen: Set<ArraySlice<String>> = []
        let sentences = tokens.split(separator: ".").filter { seen.insert($0).inserted }
        let ends = tokens.last == "." ? ["."] : []
        return Array(sentences.joined(separator: ["."])) + (sentences.isEmpty ? [] : ends)
    }

    static func isMark(_ token: String) -> Bool { token == "." || token == "," }

    /// Splits a text into words with their apostrophes, and marks.
    private static func pieces(of text: String) -> [String] {
        let characters = Array(text)
        var pieces: [String] = []
        var word = ""
        for (index, character) in characters.enumerated() {
            if character.isLetter || character.isNumber {
                word.append(character)
                continue
            }
            let rest = characters[(index + 1)...]
            let isInNumber = word.last?.isNumber == true && rest.first?.isNumber == true
            switch character {
            case "'", "’", "‘": word.append("'")
            case "." where isInNumber: word.append(".")
            case "," where isInNumber && rest.prefix { $0.isNumber }.count == 3: continue
            default:
                if !word.isEmpty { pieces.append(word) }
                word = ""
                if ".!?\n".contains(character) { pieces.append(".") }
                if ",;:()–—".contains(character) { pieces.append(",") }
            }
        }
        return word.isEmpty ? pieces : pieces + [word]
    }

    /// A contraction's words; a possessive loses its ending.
    private static func expanded(_ piece: String) -> [String] {
        let word = piece.trimmingPrefix { $0 == "'" }
        let bare = String(word.reversed().trimmingPrefix { $0 == "'" }.reversed())
        switch bare {
        case "cannot", "can't": return ["can", "not"]
        case "won't": return ["will", "not"]
        case "i'm": return ["i", "am"]
        case "": return []
        default: break
        }
        if bare.hasSuffix("n't") { return [String(bare.dropLast(3)), "not"] }
        guard let mark = bare.firstIndex(of: "'") else { return [bare] }
        let stem = String(bare[..<mark])
        switch bare[mark...].dropFirst() {
        case "s": return ["there", "it", "that", "what", "here"].contains(stem) ? [stem, "is"] : [stem]
        case "re": return [stem, "are"]
        case "ve": return [stem, "have"]
        case "ll": return [stem, "will"]
        default: return [stem]
        }
    }

    private static let spellings = [
        "grey": "gray", "violet": "purple", "colour": "color", "colours": "colors", "coloured": "colored",
        "centre": "center", "middle": "center", "upper": "top", "topmost": "top", "bottommost": "bottom",
        "big": "large", "huge": "large", "bigger": "larger", "greater": "larger", "biggest": "largest",
        "little": "small", "tiny": "small", "tinier": "smaller", "tiniest": "smallest", "under": "below",
        "beneath": "below", "underneath": "below", "over": "above", "less": "fewer",
    ]
}
