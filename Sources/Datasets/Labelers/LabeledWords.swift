/// An answer as a simulated labeler reads it: lower-case words without apostrophes, and what they name.
struct LabeledWords {
    /// A colour, a form, or both, that the answer says is there.
    struct Mention: Equatable {
        var colour: SceneColour?
        var shape: SceneShape?
    }

    /// In order; digits count as letters.
    let words: [String]
    /// How many stretches end in a full stop, question or exclamation mark.
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

    /// Whether it denies anything at all.
    var denies: Bool { words.contains(where: Self.denials.contains) }

    /// Whether it says that it is not sure.
    var hedges: Bool { Self.hedges.contains { occurs($0) } }

    /// Yes or no, by the first such word, else by whether a sentence denies; nil for a few words that do neither.
    var verdict: Bool? {
        if let word = words.first(where: { $0 == "yes" || $0 == "no" }) { return word == "yes" }
        return denies ? false : words.count > 2 ? true : nil
    }

    /// The numbers it says: digits, number words, "none" and "no"; without any, an article stands for one.
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

    /// What it writes in digits or as one letter, number words of one digit included, in lower case.
    var characters: Set<String> {
        Set(
            words.compactMap { word in
                if word.allSatisfy(\.isNumber) || (word.count == 1 && word != "a" && word != "i") { return word }
                return Self.numbers.prefix(10).firstIndex(of: word).map(String.init)
            })
    }

    /// Which of `phrases` occur, the longest first at each place, except right after "not".
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

    /// The colours and forms that it says are there; what a denial shortly before them covers is left out.
    var mentions: [Mention] {
        var mentions: [Mention] = []
        var colour: (value: SceneColour, at: Int)?
        for (index, word) in words.enumerated() {
            if let value = Self.colour(word) {
                if let colour, !isDenied(colour.at) { mentions.append(Mention(colour: colour.value)) }
                colour = (value, index)
            } else if let shape = Self.shape(word) {
                let own = colour.flatMap { index - $0.at <= 2 ? $0.value : nil }
                if let colour, own == nil, !isDenied(colour.at) { mentions.append(Mention(colour: colour.value)) }
                if !isDenied(index) { mentions.append(Mention(colour: own, shape: shape)) }
                colour = nil
            }
        }
        if let colour, !isDenied(colour.at) { mentions.append(Mention(colour: colour.value)) }
        return mentions
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
