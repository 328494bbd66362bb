import Datasets

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

/// The style of an answer: its form, its end and its length.
struct AnswerForm {
    /// Whether it has the asked form.
    let isObeyed: Bool
    /// Whether the answer ends properly, not in the middle of a sentence.
    let endsProperly: Bool
    /// Words beyond what the question needs.
    let needlessWords: Int

    init(_ answer: String, question: FamilyQuestion, objects: Int, ended: Bool) {
        self.init(
            answer, form: question.form, demonstrated: question.answer, isReadOff: false, verbs: Self.verbs,
            objects: objects, ended: ended)
    }

    /// - Parameters:
    ///   - demonstrated: the demonstrated answer, whose length is the measure.
    ///   - isReadOff: whether the answer repeats text of the image, whose full stops end no sentence.
    ///   - verbs: the words that make a sentence of others.
    init(
        _ answer: String, form: FamilyQuestion.Form, demonstrated: String, isReadOff: Bool, verbs: Set<String>,
        objects: Int, ended: Bool
    ) {
        let sentences = Self.sentences(of: answer, areOne: isReadOff)
        let count = sentences.joined().count
        let demonstrated = Self.sentences(of: demonstrated, areOne: isReadOff).joined().count
        let isClosed = Self.isClosed(answer, mayQuote: isReadOff)
        let isWritten =
            isClosed && !sentences.isEmpty && sentences.allSatisfy { Self.isFull($0, verbs: verbs) }
            && answer.first.map { $0.isUppercase || $0.isNumber } ?? false
        let allowance: Int
        switch form {
        case .short:
            allowance = max(10, demonstrated + 4)
            isObeyed = sentences.count == 1 && count <= max(3, demonstrated)
        case .sentence:
            allowance = max(12, demonstrated + 4)
            isObeyed = isWritten && sentences.count == 1
        case .description:
            allowance = max(12 + 8 * objects, demonstrated + 6)
            isObeyed = isWritten && sentences.count <= max(3, objects)
        }
        let last = AnswerText(answer).words.last ?? ""
        // One or two words need no full stop; a longer answer that began as a sentence does.
        let needsClosing = form != .short && count > 2
        let stops = isReadOff && form == .short || answer.last.map { $0.isLetter || $0.isNumber } ?? false
        let dangles = !isReadOff && Self.dangling.contains(last)
        endsProperly = ended && count > 0 && (isClosed || !needsClosing && stops && !dangles)
        var seen: Set<[String]> = []
        let repeated = sentences.filter { !seen.insert($0).inserted }.joined().count
        needlessWords = max(repeated, count - allowance)
    }

    /// Whether the last character ends a sentence; quotation marks may follow it.
    private static func isClosed(_ answer: String, mayQuote: Bool) -> Bool {
        let end = mayQuote ? answer.last { !"\"”’'".contains($0) } : answer.last
        return end.map { ".!?".contains($0) } ?? false
    }

    /// The words of each sentence, split at white space; of the whole text if the sentences are one.
    private static func sentences(of text: String, areOne: Bool) -> [[String]] {
        var sentences: [[String]] = [[]]
        var isQuoting = false
        for word in text.split(whereSeparator: \.isWhitespace) {
            // A full stop inside of quoted text ends no sentence.
            for mark in word where mark == "“" || mark == "”" { isQuoting = mark == "“" }
            let bare = word.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "'" || $0 == "’" }
            if !bare.isEmpty { sentences[sentences.count - 1].append(bare) }
            if !areOne, !isQuoting, let last = word.last, ".!?".contains(last) { sentences.append([]) }
        }
        return sentences.filter { !$0.isEmpty }
    }

    /// Whether a sentence has a verb and at least two more words.
    private static func isFull(_ sentence: [String], verbs: Set<String>) -> Bool {
        sentence.count > 2 && AnswerText(sentence.joined(separator: " ")).words.contains(where: verbs.contains)
    }

    /// Verbs of sentences about scenes.
    static let verbs: Set<String> = [
        "is", "are", "was", "am", "see", "sees", "shows", "show", "has", "have", "contains", "contain", "can", "do",
        "does", "lies", "lie", "sits", "sit", "stands", "stand", "looks", "appears", "appear", "reads", "says", "say",
        "know", "count", "counts", "will", "could", "outnumber", "outnumbers",
    ]

    private static let dangling: Set<String> = [
        "and", "or", "the", "a", "an", "of", "to", "with", "in", "on", "at", "but", "than",
    ]
}

/// The judge's vocabulary, in `AnswerText`'s spelling.
enum AnswerVocabulary {
    /// Nouns of forms, singular and plural. A square is a rectangle whose sides are alike.
    static let shapes: [String: SceneShape] = {
        var shapes: [String: SceneShape] = [
            "crosses": .cross, "square": .rectangle, "squares": .rectangle, "boxes": .rectangle, "box": .rectangle,
            "disc": .circle, "discs": .circle, "disk": .circle, "disks": .circle, "dot": .circle, "dots": .circle,
            "donut": .ring, "donuts": .ring, "plus": .cross,
        ]
        for shape in SceneShape.allCases {
            shapes[shape.rawValue] = shape
            if shape != .cross { shapes[shape.rawValue + "s"] = shape }
        }
        return shapes
    }()

    /// Nouns that name a thing without its kind.
    static let generic: Set<String> = [
        "shape", "shapes", "thing", "things", "object", "objects", "item", "items", "figure", "figures", "form",
        "forms", "ones",
    ]

    /// Nouns before a written character.
    static let written: Set<String> = ["digit", "number", "numeral", "figure", "letter", "character"]

    /// The generator's colours, and others that answers may name.
    static let colours = Set(SceneColour.allCases.map(\.rawValue)).union([
        "white", "cyan", "magenta", "gold", "silver", "beige", "maroon", "navy", "lime", "turquoise", "indigo", "tan",
        "olive",
    ])

    /// Words of size; true for large.
    static let sizes = [
        "large": true, "larger": true, "largest": true, "small": false, "smaller": false, "smallest": false,
    ]

    /// Whether the word can stand between a determiner and its noun.
    static func isAdjective(_ word: String) -> Bool {
        colours.contains(word) || sizes[word] != nil || adjectives.contains(word)
    }

    private static let adjectives: Set<String> = [
        "bright", "dark", "light", "pale", "deep", "solid", "filled", "plain", "single", "lone", "same", "different",
        "whole", "empty", "hollow", "thin", "thick", "simple", "geometric", "tall", "wide", "narrow", "long", "short",
        "round", "colored", "colorful", "medium", "sized", "first", "second", "third", "last", "other", "more",
        "written", "printed", "handwritten", "leftmost", "rightmost", "total", "blank", "very", "main",
    ]

    /// Words that begin a phrase about a thing.
    static let determiners: Set<String> = [
        "a", "an", "the", "this", "that", "these", "those", "no", "any", "another", "each", "every", "some", "many",
        "several", "all", "both", "its", "only", "just", "exactly",
    ]

    /// Nouns that name no thing: the image itself, its areas, and words about things.
    static let neutral: Set<String> = [
        "picture", "pictures", "image", "photo", "scene", "drawing", "background", "side", "corner", "edge", "top",
        "bottom", "left", "right", "center", "half", "part", "place", "position", "area", "region", "quarter", "row",
        "column", "pair", "group", "set", "total", "kind", "kinds", "type", "types", "color", "colors", "size",
        "sizes", "count", "number", "numbers", "digit", "digits", "numeral", "letter", "letters", "character",
        "answer", "question", "bit", "lot", "few", "couple", "rest", "others", "word", "way", "space", "page",
        "canvas", "view", "foreground", "front", "end", "one", "nothing", "hand", "order", "time", "name", "place",
        "date", "year", "maker", "reason", "owner", "price", "age", "weight", "smell", "sound", "taste", "artist",
    ]

    /// Words that end a noun phrase.
    static let functionWords: Set<String> = [
        "is", "are", "was", "were", "be", "am", "do", "does", "has", "have", "can", "will", "not", "and", "or", "nor",
        "but", "than", "that", "which", "who", "with", "without", "of", "to", "in", "on", "at", "by", "from", "as",
        "for", "into", "below", "above", "beside", "near", "next", "between", "behind", "there", "it", "they", "i",
        "you", "we", "here", "where", "what", "if", "because", "so", "while", "shows", "show", "see", "seen", "shown",
        "contains", "contain", "visible", "present", "drawn", "placed", "located", "appears", "looks", "sits", "lies",
        "stands", "a", "an", "the", "this", "these", "those", "no", "too", "also", "alone", "together", "altogether",
        "left", "right", "tell", "say", "says", "reads", "about", "like", "them", "each", "both", "all",
    ]

    /// The word that stands for all of the same meaning where an answer is compared with the right words.
    static func canonical(_ word: String) -> String {
        if word == "squares" { return "square" }
        return word == "square" ? word : shapes[word]?.rawValue ?? word
    }
}
