import Support

/// One kind of question in its wordings; `#1` and `#2` are placeholders for the subjects of the question.
package struct Wording: Sendable {
    /// The wordings, at least one.
    package let texts: [String]
    /// Whether a question may ask for one word: only if all possible answers can be one word. Otherwise the request
    /// would give the answer away.
    let allowsOneWord: Bool

    init(_ texts: String..., allowsOneWord: Bool = true) {
        self.texts = texts
        self.allowsOneWord = allowsOneWord
    }

    /// One of the texts with its placeholders filled in. One in five begins with a small letter, as people type.
    func text(_ fillers: [String], _ generator: inout SplitMix64) -> String {
        var text = generator.draw(from: texts)
        for (index, filler) in fillers.enumerated() {
            text = text.split(separator: "#\(index + 1)", omittingEmptySubsequences: false).joined(separator: filler)
        }
        let isTyped = generator.draw(0...4) == 0 && !text.hasPrefix("I ")
        return isTyped ? text.prefix(1).lowercased() + text.dropFirst() : text
    }
}

/// Collects the questions of one image.
struct Questioner {
    let family: Family
    var generator: SplitMix64
    private(set) var questions: [FamilyQuestion] = []

    init(_ family: Family, _ generator: SplitMix64) {
        self.family = family
        self.generator = generator
    }

    /// Requests for a form, placed after a question. Most questions have none, and then the answer is short.
    static let shortRequests = ["Keep it short.", "A short answer, please."]
    static let oneWordRequests = ["Answer in one word.", "One word, please.", "Answer with one word."]
    static let sentenceRequests = [
        "Answer in a sentence.", "Answer in a full sentence.", "Please answer in a whole sentence.",
    ]

    /// Asks a question whose answer has a short form and a sentence. `oneWord` is the form for requests for one word,
    /// if `short` is not a single word.
    mutating func ask(
        _ wording: Wording, _ fillers: [String] = [], short: String, oneWord: String? = nil, sentence: String,
        truth: GroundTruth
    ) {
        let text = wording.text(fillers, &generator)
        // A third asks for sentences, a sixth for short answers.
        switch generator.draw(0...5) {
        case 0, 1:
            add("\(text) \(generator.draw(from: Self.sentenceRequests))", sentence, .sentence, truth)
        case 2 where wording.allowsOneWord && generator.draw(0...2) > 0:
            add("\(text) \(generator.draw(from: Self.oneWordRequests))", oneWord ?? short, .short, truth)
        case 2: add("\(text) \(generator.draw(from: Self.shortRequests))", short, .short, truth)
        default: add(text, short, .short, truth)
        }
    }

    /// Asks a question with one answer.
    mutating func ask(
        _ wording: Wording, _ fillers: [String] = [], answer: String, form: FamilyQuestion.Form, truth: GroundTruth
    ) {
        add(wording.text(fillers, &generator), answer, form, truth)
    }

    /// Asks a question with a short answer of yes or no; the sentence continues with `yes` or `no`.
    mutating func ask(_ wording: Wording, _ fillers: [String], isTrue: Bool, yes: String, no: String) {
        ask(
            wording, fillers, short: isTrue ? "yes" : "no", sentence: isTrue ? "Yes, \(yes)." : "No, \(no).",
            truth: .yesNo(isTrue))
    }

    private mutating func add(
        _ text: String, _ answer: String, _ form: FamilyQuestion.Form, _ truth: GroundTruth
    ) {
        guard !questions.contains(where: { $0.text.lowercased() == text.lowercased() }) else { return }
        questions.append(FamilyQuestion(family: family, text: text, answer: answer, form: form, truth: truth))
    }

    /// Up to eight of the questions, in random order.
    mutating func chosen() -> [FamilyQuestion] {
        Array(generator.shuffled(questions).prefix(8))
    }
}

/// English phrases for objects.
enum Phrase {
    /// "a red circle", "an orange star".
    static func indefinite(_ noun: String) -> String {
        (noun.first.map("aeiou".contains) ?? false ? "an " : "a ") + noun
    }

    /// "circles", "red crosses", "boxes", "cities".
    static func plural(_ noun: String) -> String {
        if noun.hasSuffix("y"), !noun.hasSuffix("ay"), !noun.hasSuffix("ey") { return noun.dropLast() + "ies" }
        return noun + (noun.hasSuffix("s") || noun.hasSuffix("x") ? "es" : "s")
    }

    /// "no circles", "1 circle", "3 circles".
    static func counted(_ count: Int, _ noun: String) -> String {
        switch count {
        case 0: "no \(plural(noun))"
        case 1: "1 \(noun)"
        default: "\(count) \(plural(noun))"
        }
    }

    /// "a, b and c".
    static func list(_ parts: [String]) -> String {
        parts.count < 2 ? parts.joined() : parts.dropLast().joined(separator: ", ") + " and " + (parts.last ?? "")
    }

    /// With a capital first letter and a full stop.
    static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }
}
