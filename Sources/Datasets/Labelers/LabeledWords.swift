/// An answer in the form that a simulated labeler reads: lower-case words without apostrophes, and the objects that
/// they mention.
struct LabeledWords {
    /// A colour, a shape, or both, that the answer claims to be in the image, with further details.
    struct Mention: Equatable {
        var colour: SceneColour?
        var shape: SceneShape?
        /// Whether large or small, if the answer tells.
        var isLarge: Bool?
        /// The number of objects, if the answer tells.
        var count: Int?
        /// The positions, given by the words left, right, top, bottom and middle.
        var places: Set<Place> = []
    }

    /// A region of the image.
    enum Place: String {
        case left, right, top, bottom, middle
    }

    /// The words in order; digits count as letters.
    let words: [String]
    /// The number of runs of text that end in a full stop, question mark or exclamation mark.
    let sentences: Int

    private static let numbers = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ]
    private static let denials: Set = [
        "no", "not", "none", "nothing", "neither", "nor", "without", "never", "cannot", "cant", "isnt", "arent", "dont",
        "doesnt", "unable", "impossible", "unknown",
    ]
    private static let hedges = [
        ["maybe"], ["perhaps"], ["probably"], ["possibly"], ["might"], ["seems"], ["appears"], ["could", "be"],
        ["i", "think"], ["i", "guess"], ["i", "believe"], ["not", "sure"], ["hard", "to", "say"],
    ]

    init(_ text: String) {
        let plain = text.lowercased().filter { $0 != "'" && $0 != "’" }
        words = plain.split { !($0.isLetter || $0.isNumber) }.map(String.init)
        sentences = plain.split { ".!?".contains($0) }.count { $0.contains(where: \.isLetter) }
    }

    /// Whether the answer contains a denial.
    var denies: Bool { words.contains(where: Self.denials.contains) }

    /// Whether the answer expresses uncertainty.
    var hedges: Bool { Self.hedges.contains { occurs($0) } }

    /// Yes or no: by the first such word, otherwise by whether a sentence denies; nil for a few words that do neither.
    var verdict: Bool? {
        if let word = words.first(where: { $0 == "yes" || $0 == "no" }) { return word == "yes" }
        return denies ? false : words.count > 2 ? true : nil
    }

    /// The numbers in the answer: digits, number words, "none" and "no"; if there are none, an article counts as one.
    var counts: Set<Int> {
        var found: Set<Int> = []
        for (index, word) in words.enumerated() {
            let before = index > 0 ? words[index - 1] : ""
            let isPronoun = word == "one" && (before == "the" || Self.colour(before) != nil)
            if let number = Int(word) ?? Self.numbers.firstIndex(of: word), !isPronoun { found.insert(number) }
            if word == "no" || word == "none" { found.insert(0) }
        }
        return found.isEmpty && (words.contains("a") || words.contains("an")) ? [1] : found
    }

    /// The characters in the answer: digits, single letters and number words of one digit, in lower case.
    var characters: Set<String> {
        Set(
            words.compactMap { word in
                if word.allSatisfy(\.isNumber) || (word.count == 1 && word != "a" && word != "i") { return word }
                return Self.numbers.prefix(10).firstIndex(of: word).map(String.init)
            })
    }

    /// The members of `phrases` that occur, the longest first at each position, except right after "not".
    func phrases(of phrases: [String]) -> Set<String> {
        let known = phrases.map { (phrase: $0, words: LabeledWords($0).words) }
            .sorted { $0.words.count > $1.words.count }
        var found: Set<String> = []
        var index = 0
        while index < words.count {
            guard let match = known.first(where: { starts(with: $0.words, at: index) }) else {
                index += 1
                continue
            }
            if index == 0 || words[index - 1] != "not" { found.insert(match.phrase) }
            index += match.words.count
        }
        return found
    }

    /// The colours and shapes that the answer claims to be in the image. A denial shortly before a word takes the claim
    /// back.
    var mentions: [Mention] {
        let named = named.filter { !isDenied($0.at) }
        return named.indices.map { index in
            let before = index > 0 ? named[index - 1].at + 1 : 0
            let after = index + 1 < named.count ? named[index + 1].at : words.count
            return detailed(named[index].mention, at: named[index].at, in: before..<after)
        }
    }

    /// Colours and shapes with the indices of their last words.
    private var named: [(mention: Mention, at: Int)] {
        var named: [(mention: Mention, at: Int)] = []
        var colour: (value: SceneColour, at: Int)?
        for (index, word) in words.enumerated() {
            if let value = Self.colour(word) {
                if let colour { named.append((Mention(colour: colour.value), colour.at)) }
                colour = (value, index)
            } else if let shape = Self.shape(word) {
                let own = colour.flatMap { index - $0.at <= 2 ? $0.value : nil }
                if let colour, own == nil { named.append((Mention(colour: colour.value), colour.at)) }
                named.append((Mention(colour: own, shape: shape), index))
                colour = nil
            }
        }
        if let colour { named.append((Mention(colour: colour.value), colour.at)) }
        return named
    }

    /// A mention with details from the words near it: size and number shortly before it, positions after it.
    private func detailed(_ mention: Mention, at index: Int, in range: Range<Int>) -> Mention {
        var mention = mention
        for word in words[max(range.lowerBound, index - 3)..<index] {
            if word == "large" || word == "big" { mention.isLarge = true }
            if word == "small" || word == "little" { mention.isLarge = false }
            if let number = Int(word) ?? Self.numbers.firstIndex(of: word) { mention.count = number }
        }
        for place in index + 1..<max(index + 1, range.upperBound) {
            let isRelation = place + 1 < words.count && words[place + 1] == "of"
            if let found = Place(rawValue: words[place]), !isRelation { mention.places.insert(found) }
        }
        return mention
    }

    private func isDenied(_ index: Int) -> Bool {
        words[max(0, index - 4)..<index].contains(where: Self.denials.contains)
    }

    private func occurs(_ phrase: [String]) -> Bool {
        words.indices.contains { starts(with: phrase, at: $0) }
    }

    /// The last word may be a plural.
    private func starts(with phrase: [String], at index: Int) -> Bool {
        guard !phrase.isEmpty, index + phrase.count <= words.count else { return false }
        return zip(phrase, words[index...]).enumerated().allSatisfy { place, pair in
            pair.0 == pair.1 || (place == phrase.count - 1 && pair.1 == pair.0 + "s")
        }
    }

    private static func colour(_ word: String) -> SceneColour? {
        SceneColour(rawValue: word == "grey" ? "gray" : word)
    }

    private static func shape(_ word: String) -> SceneShape? {
        if word == "crosses" { return .cross }
        return SceneShape(rawValue: word) ?? (word.hasSuffix("s") ? SceneShape(rawValue: String(word.dropLast())) : nil)
    }
}
