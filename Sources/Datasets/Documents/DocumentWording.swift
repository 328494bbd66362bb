import Support

/// One kind of question in its wordings; `#1`, `#2` and `#3` are placeholders for the subjects of the question.
package struct DocumentWording: Sendable {
    /// The wordings that every split uses, ten or more.
    package let texts: [String]
    /// The wordings that only the test split uses, two or more.
    package let heldOut: [String]
    /// Whether a question may ask for one word: only if all possible answers are one word.
    let allowsOneWord: Bool

    init(_ texts: String..., heldOut: [String], allowsOneWord: Bool = false) {
        self.texts = texts
        self.heldOut = heldOut
        self.allowsOneWord = allowsOneWord
    }

    /// One of the texts with its placeholders filled in; half of the test split's are held out. One in five is as
    /// people type: it begins with a small letter, or has small letters alone.
    func text(
        _ fillers: [String], _ split: SeedSplit, _ generator: inout SplitMix64
    ) -> (text: String, isHeldOut: Bool) {
        let isHeldOut = split == .test && generator.draw(0...1) == 0
        var text = typed(generator.draw(from: isHeldOut ? heldOut : texts), &generator)
        for (index, filler) in fillers.enumerated() {
            text = text.split(separator: "#\(index + 1)", omittingEmptySubsequences: false).joined(separator: filler)
        }
        return (text, isHeldOut)
    }

    private func typed(_ text: String, _ generator: inout SplitMix64) -> String {
        switch generator.draw(0...9) {
        case 0: text.lowercased()
        case 1 where !text.hasPrefix("I "): text.prefix(1).lowercased() + text.dropFirst()
        default: text
        }
    }
}

/// Collects the questions of one document.
struct DocumentQuestioner {
    let family: DocumentFamily
    let split: SeedSplit
    var generator: SplitMix64
    private(set) var questions: [DocumentQuestion] = []

    init(_ family: DocumentFamily, _ split: SeedSplit, _ generator: SplitMix64) {
        self.family = family
        self.split = split
        self.generator = generator
    }

    /// Asks a question whose answer has a short form and a sentence; a third ask for a sentence, a sixth for a short
    /// answer, the others for nothing, which means a short answer.
    mutating func ask(
        _ wording: DocumentWording, _ fillers: [String] = [], short: String, sentence: String, truth: GroundTruth,
        isReadOff: Bool = false
    ) {
        let (text, isHeldOut) = wording.text(fillers, split, &generator)
        switch generator.draw(0...5) {
        case 0, 1:
            let request = generator.draw(from: Questioner.sentenceRequests)
            add("\(text) \(request)", sentence, .sentence, truth, isReadOff, isHeldOut)
        case 2:
            let isOneWord = wording.allowsOneWord && generator.draw(0...1) == 0
            let request = generator.draw(from: isOneWord ? Questioner.oneWordRequests : Questioner.shortRequests)
            add("\(text) \(request)", short, .short, truth, isReadOff, isHeldOut)
        default: add(text, short, .short, truth, isReadOff, isHeldOut)
        }
    }

    /// Asks for text of the image. The sentence is `lead` and the text in quotation marks: `It says “SALE”.`
    mutating func askText(
        _ wording: DocumentWording, _ fillers: [String] = [], text: String, lead: String
    ) {
        ask(
            wording, fillers, short: text, sentence: "\(lead) “\(text)”.", truth: .transcript(text), isReadOff: true)
    }

    /// Asks a question with one answer.
    mutating func ask(
        _ wording: DocumentWording, _ fillers: [String] = [], answer: String, form: FamilyQuestion.Form,
        truth: GroundTruth, isReadOff: Bool = false
    ) {
        let (text, isHeldOut) = wording.text(fillers, split, &generator)
        add(text, answer, form, truth, isReadOff, isHeldOut)
    }

    /// Asks a question with a short answer of yes or no; the sentence continues with `fact`.
    mutating func ask(_ wording: DocumentWording, _ fillers: [String], isTrue: Bool, fact: String) {
        ask(
            wording, fillers, short: isTrue ? "yes" : "no", sentence: (isTrue ? "Yes, " : "No, ") + fact + ".",
            truth: .yesNo(isTrue))
    }

    private mutating func add(
        _ text: String, _ answer: String, _ form: FamilyQuestion.Form, _ truth: GroundTruth, _ isReadOff: Bool,
        _ isHeldOut: Bool
    ) {
        guard !questions.contains(where: { $0.text.lowercased() == text.lowercased() }) else { return }
        questions.append(
            DocumentQuestion(
                family: family, text: text, answer: answer, form: form, truth: truth, isReadOff: isReadOff,
                isHeldOutWording: isHeldOut))
    }

    /// Up to eight of the questions, in random order.
    mutating func chosen() -> [DocumentQuestion] {
        Array(generator.shuffled(questions).prefix(8))
    }
}
