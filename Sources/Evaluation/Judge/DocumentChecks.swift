package import Datasets

extension GoldJudge {
    /// The verdict on an answer to a question about a document.
    ///
    /// - Parameters:
    ///   - objects: The coloured shapes of the document, `Document.sceneObjects`.
    ///   - ended: Whether the answer ended by itself; false if a limit cut it.
    package static func verdict(
        on answer: String, to question: DocumentQuestion, about objects: [SceneObject], ended: Bool = true
    ) -> Verdict {
        // What the question quotes says nothing about the image: "Not now" denies nothing.
        let quoted = question.text.split(separator: "“").dropFirst().compactMap { $0.split(separator: "”").first }
        let (said, asked) =
            question.isQuoting
            ? (answer, question.text) : (answer.without(quoted), question.text.without(quoted))
        let check = TruthCheck(reading: AnswerReading(said), question: AnswerReading(asked), objects: objects)
        let share = check.share(of: question.truth)
        let isText: Bool
        if case .transcript = question.truth { isText = true } else { isText = question.isReadOff }
        let form = AnswerForm(
            answer, form: question.form, demonstrated: question.answer, isReadOff: isText,
            verbs: AnswerForm.verbs.union(documentVerbs), objects: objects.count, ended: ended)
        return Verdict(
            share: share, absentThings: check.inventions(against: question.truth, share: share),
            obeysForm: form.isObeyed, endsProperly: form.endsProperly, needlessWords: form.needlessWords)
    }

    /// Verbs of sentences about documents.
    private static let documentVerbs: Set<String> = [
        "cost", "costs", "go", "goes", "stay", "stays", "point", "points", "rise", "rises", "fall", "falls", "grow",
        "grows", "remain", "remains", "read", "belongs", "stands", "means", "names", "lists", "offers", "equals",
    ]
}

extension DocumentQuestion {
    /// Whether the answer may have to repeat what the question quotes.
    fileprivate var isQuoting: Bool {
        switch truth {
        case .transcript, .list: true
        default: false
        }
    }
}

extension String {
    /// With "that" for each of the phrases: where it is quoted, and everywhere if it has several words. A single word
    /// like "yes" may be the answer itself.
    fileprivate func without(_ phrases: [Substring]) -> String {
        phrases.filter { !$0.isEmpty }.reduce(self) { text, phrase in
            let unquoted = text.split(separator: "“\(phrase)”", omittingEmptySubsequences: false).joined(
                separator: "that")
            guard phrase.contains(" ") else { return unquoted }
            return unquoted.split(separator: phrase, omittingEmptySubsequences: false).joined(separator: "that")
        }
    }
}

extension TruthCheck {
    /// What the answer claims that the document does not show: shapes, or text that is another one or cannot be read.
    fileprivate func inventions(against truth: GroundTruth, share: Double) -> [String] {
        switch truth {
        case .absent, .description: absentThings(against: truth)
        case .transcript:
            share == 0 && !reading.abstains && !reading.text.words.isEmpty
                && !RefusalCheck(reading: reading).deniesAlone ? ["text"] : []
        case .unreadable: RefusalCheck(reading: reading).inventions
        default: []
        }
    }
}

/// How much of a text an answer reads off.
struct TranscriptCheck {
    let reading: AnswerReading
    /// The characters of the image.
    let truth: String

    /// 1 if every character is right. Otherwise the share of right characters, by the edit distance relative to the
    /// length of the truth; 0 below a half.
    var share: Double {
        let (errors, characters) = errors
        guard characters > 0 else { return 0 }
        let share = 1 - Double(errors) / Double(characters)
        return share >= 0.5 ? share : 0
    }

    /// The edit distance (Levenshtein 1966) from the truth to the nearest text that the answer may mean, and the length
    /// of the truth in characters. A run of white space is one character. Saying nothing leaves out every character.
    var errors: (errors: Int, characters: Int) {
        let wanted = Self.normalised(truth)
        // A single letter has no neighbours to show its size.
        let isLetter = wanted.count == 1
        let compared = isLetter ? wanted.map { Character($0.lowercased()) } : wanted
        let distances = candidates.map { candidate in
            Self.distance(isLetter ? candidate.map { Character($0.lowercased()) } : candidate, compared)
        }
        return (distances.min() ?? wanted.count, wanted.count)
    }

    /// What the answer may mean as the text: all of it, what stands in quotation marks, or what follows a verb.
    private var candidates: [[Character]] {
        let answer = Self.normalised(reading.raw)
        guard !answer.isEmpty else { return [] }
        var found = [answer]
        if let first = answer.firstIndex(of: "\""), let last = answer.lastIndex(of: "\""), first < last,
            !Self.denies(answer[..<first]), !Self.offersChoice(answer[..<first] + answer[last...])
        {
            found.append(Array(answer[(first + 1)..<last]))
        }
        found += Self.afterVerbs(answer)
        // A full stop may be the answer's own.
        found += found.compactMap { $0.last == "." ? Array($0.dropLast()) : nil }
        // Quotation marks around all of it are the answer's own too.
        found += found.compactMap { text in
            text.count > 2 && text.first == "\"" && text.last == "\"" ? Array(text.dropFirst().dropLast()) : nil
        }
        return found
    }

    /// What follows "says", "is" and the like, or a colon, near the beginning of the answer.
    private static func afterVerbs(_ answer: [Character]) -> [[Character]] {
        var found: [[Character]] = []
        var word = ""
        for (index, character) in answer.enumerated() where found.count < 3 {
            let isColon = character == ":" && index + 1 < answer.count && answer[index + 1] == " "
            if character == " " || isColon {
                if verbs.contains(word.lowercased()) || isColon {
                    let rest = answer[(index + 1)...].drop { $0 == " " || $0 == ":" }
                    if !denies(answer[..<index]), !denies(rest.prefix(4)) { found.append(Array(rest)) }
                }
                word = ""
            } else {
                word.append(character)
            }
        }
        return found
    }

    private static let verbs: Set<String> = ["says", "say", "is", "are", "reads", "shows", "contains"]

    private static func denies(_ text: ArraySlice<Character>) -> Bool {
        String(text).lowercased().split { !$0.isLetter && $0 != "'" }
            .contains { ["not", "no", "cannot"].contains($0) || $0.hasSuffix("n't") }
    }

    private static func offersChoice(_ text: ArraySlice<Character>) -> Bool {
        String(text).lowercased().split { !$0.isLetter }.contains { ["or", "maybe", "perhaps"].contains($0) }
    }

    /// With plain quotation marks and dashes, and one space for each run of white space.
    static func normalised(_ text: String) -> [Character] {
        let plain = text.flatMap { character -> [Character] in
            switch character {
            case "“", "”", "„", "«", "»": ["\""]
            case "‘", "’": ["'"]
            case "–", "—", "−": ["-"]
            case "…": [".", ".", "."]
            default: [character]
            }
        }
        return Array(plain.split { $0.isWhitespace }.joined(separator: " "))
    }

    /// The least number of characters to insert, delete or replace.
    static func distance(_ one: [Character], _ other: [Character]) -> Int {
        // Far longer answers cannot be near; their table would be large.
        if one.count > 2 * other.count + 200 { return one.count }
        var row = Array(0...other.count)
        for (index, character) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let replaced = diagonal + (character == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}

/// Whether an answer gives a number.
struct NumberCheck {
    let reading: AnswerReading
    let question: AnswerReading

    /// Whether all numbers that are not the question's own are within a distance of the true one.
    func says(_ number: Double, within: Double) -> Bool {
        let asked = Set(Self.numbers(in: question))
        let all = Self.numbers(in: reading)
        let own = all.filter { !asked.contains($0) }
        if own.isEmpty, number == 0, !all.contains(0), saysNone { return !reading.abstains }
        let said = own.isEmpty ? all : own
        return !said.isEmpty && said.allSatisfy { abs($0 - number) <= within + 1e-9 }
    }

    private var saysNone: Bool {
        ["none", "no", "zero", "nothing"].contains { reading.says([$0]) }
    }

    /// The numbers of a text in digits and in words, without the negated ones.
    private static func numbers(in reading: AnswerReading) -> [Double] {
        let words = AnswerNumbers.all(in: reading.text.tokens).filter { found in
            !reading.negation.touches(found.range)
                && reading.text.tokens[found.range.lowerBound].contains(where: \.isLetter)
        }
        return written(in: reading.raw) + words.compactMap { $0.value.map(Double.init) }
    }

    /// The numbers in digits.
    static func written(in text: String) -> [Double] {
        let characters = Array(text)
        var numbers: [Double] = []
        var index = 0
        while index < characters.count {
            guard characters[index].isASCII, characters[index].isNumber else {
                index += 1
                continue
            }
            let start = index
            while index < characters.count, isPart(characters, index) { index += 1 }
            let isNegative =
                start > 0 && characters[start - 1] == "-"
                && (start == 1 || !(characters[start - 2].isLetter || characters[start - 2].isNumber))
            let before = String(characters[..<start]).lowercased().split { !$0.isLetter && $0 != "'" }.last ?? ""
            if before != "not", let value = value(String(characters[start..<index])) {
                numbers.append(isNegative ? -value : value)
            }
        }
        return numbers
    }

    /// A digit, or a mark between two digits.
    private static func isPart(_ characters: [Character], _ index: Int) -> Bool {
        func isDigit(_ index: Int) -> Bool {
            characters.indices.contains(index) && characters[index].isASCII && characters[index].isNumber
        }
        return isDigit(index) || ".,'".contains(characters[index]) && isDigit(index - 1) && isDigit(index + 1)
    }

    /// The last mark is a decimal point, unless it is a comma before three digits or there are several like it.
    private static func value(_ text: String) -> Double? {
        let marks = text.filter { !$0.isNumber }
        guard let last = marks.last else { return Double(text) }
        let groups = text.split { !$0.isNumber }
        let isGrouped = last != "." && groups.dropFirst().allSatisfy { $0.count == 3 } || marks.count { $0 == last } > 1
        let isPoint = !isGrouped && last != "'"
        guard isPoint else { return Double(groups.joined()) }
        return Double(groups.dropLast().joined() + "." + (groups.last ?? "0"))
    }
}

/// The time that an answer gives.
struct TimeCheck {
    private let words: [String]

    init(reading: AnswerReading) {
        words = reading.raw.lowercased()
            .split { !($0.isLetter || $0.isNumber || $0 == ":") }.map(String.init)
            .flatMap { $0.hasSuffix(":") ? [String($0.dropLast())] : [$0] }
    }

    /// Whether it is this time, in the morning or in the afternoon.
    func says(hour: Int, minute: Int) -> Bool {
        guard let time else { return false }
        return time.hour % 12 == hour % 12 && time.minute == minute
    }

    private var time: (hour: Int, minute: Int)? {
        let written = words.compactMap(Self.digital)
        if let first = written.first {
            return written.allSatisfy { $0 == first } ? first : nil
        }
        return spoken
    }

    /// "3:25".
    private static func digital(_ word: String) -> (hour: Int, minute: Int)? {
        let parts = word.split(separator: ":")
        guard parts.count == 2, let hour = Int(parts[0]), parts[1].prefix(2).count == 2,
            let minute = Int(parts[1].prefix(2)), (0...24).contains(hour), (0..<60).contains(minute)
        else { return nil }
        return (hour, minute)
    }

    /// "Twenty-five past three", "quarter to four", "three twenty-five", "three o'clock".
    private var spoken: (hour: Int, minute: Int)? {
        if let pivot = words.firstIndex(where: { ["past", "after", "to", "before", "till"].contains($0) }),
            let hour = numbers(in: pivot + 1..<words.count).first
        {
            let before = words[..<pivot]
            let minute =
                before.contains("half") ? 30 : before.contains("quarter") ? 15 : numbers(in: 0..<pivot).last ?? -1
            guard (0..<60).contains(minute), (1...24).contains(hour) else { return nil }
            let isBefore = ["to", "before", "till"].contains(words[pivot])
            return isBefore ? ((hour + 11) % 12, (60 - minute) % 60) : (hour, minute)
        }
        let found = numbers(in: words.indices)
        guard let hour = found.first, (1...24).contains(hour), found.count <= 2 else { return nil }
        let minute = found.count == 2 ? found[1] : 0
        return (0..<60).contains(minute) ? (hour, minute) : nil
    }

    private func numbers(in range: Range<Int>) -> [Int] {
        AnswerNumbers.all(in: Array(words[range])).compactMap(\.value)
    }
}

/// Whether an answer gives several phrases.
struct ListCheck {
    let reading: AnswerReading

    /// Whether all right phrases are there and none of the wrong ones; in this order, if it counts.
    func says(all right: [String], noneOf wrong: [String], isOrdered: Bool) -> Bool {
        var found: [(start: Int, words: [String])] = []
        var taken = [Bool](repeating: false, count: reading.text.tokens.count)
        let wanted = right.map { AnswerText($0).words.map(AnswerVocabulary.canonical) }
        let refused = wrong.map { AnswerText($0).words.map(AnswerVocabulary.canonical) }
        // A "not" of a phrase, as in "don't save", denies nothing.
        let phrases = Set(wanted + refused)
        let own = phrases.filter { $0.contains { Negation.negators.contains($0) } }.flatMap { reading.places(of: $0) }
        var tokens = reading.text.tokens
        for index in own.joined() { tokens[index] = "phrase" }
        let negation = Negation(tokens)
        // The longest first, so that "save" is not found in "save as".
        for phrase in phrases.sorted(by: { ($1.count, $0.joined()) < ($0.count, $1.joined()) }) {
            for place in reading.places(of: phrase) where !taken[place].contains(true) {
                for index in place { taken[index] = true }
                if !negation.touches(place) { found.append((place.lowerBound, phrase)) }
            }
        }
        let said = found.sorted { $0.start < $1.start }.map(\.words)
        guard !said.contains(where: { refused.contains($0) && !wanted.contains($0) }) else { return false }
        if isOrdered { return said == wanted }
        return Set(said) == Set(wanted)
    }
}

/// Whether an answer says that the image cannot be read.
struct RefusalCheck {
    let reading: AnswerReading

    /// The answer says so, and claims nothing that the image does not show.
    var isRight: Bool { (refuses || deniesThing) && inventions.isEmpty && !guesses }

    /// It says that there is no such thing, and names nothing else.
    var deniesAlone: Bool { deniesThing && inventions.isEmpty }

    /// It says that it cannot tell, whatever else it says.
    var refuses: Bool { reading.abstains || saysIllegible }

    /// What the answer claims to see or to read.
    var inventions: [String] {
        var found = reading.asserted.filter { mention in
            if let stranger = mention.stranger { return !Self.visible.contains(stranger) }
            return mention.shape != nil || mention.glyphs != nil
        }.map(\.words)
        let raw = TranscriptCheck.normalised(reading.raw)
        let isQuoting = raw.count { $0 == "\"" } > 1
        let isReading = reading.text.tokens.indices.contains { index in
            ["says", "reads"].contains(reading.text.tokens[index]) && !reading.negation.covers(index)
        }
        if isQuoting || isReading || !NumberCheck.written(in: reading.raw).isEmpty { found.append("text") }
        return found
    }

    private var saysIllegible: Bool {
        ["illegible", "unreadable"].contains { reading.says([$0]) }
            || ["blurred", "blurry", "small", "faint"].contains { reading.says(["too", $0]) }
    }

    /// "There is no text", "I do not see a chart".
    private var deniesThing: Bool {
        reading.mentions.contains(where: \.isDenied) || reading.says(["there", "is", "nothing"])
            || reading.says(["there", "is", "no"])
    }

    private var guesses: Bool {
        [
            ["maybe"], ["perhaps"], ["probably"], ["i", "think"], ["i", "guess"], ["might", "be"], ["could", "be"],
            ["yes"],
        ]
        .contains { reading.says($0) }
    }

    /// Nouns for what an image without content shows.
    private static let visible: Set<String> = [
        "text", "noise", "gradient", "spot", "spots", "pattern", "texture", "landscape", "blur", "colors", "color",
        "sky", "ground", "horizon", "wave", "waves", "line", "lines", "words", "letters", "cloud", "clouds", "surface",
        "mixture", "mix", "transition", "grain", "pixels", "dots", "photo", "photograph", "scene", "stripes", "shades",
        "writing", "blurred", "blurry", "soft", "dots",
    ]
}
