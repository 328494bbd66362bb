import Datasets

/// Whether an answer says that the thing which the question presumes is absent.
struct AbsenceCheck {
    private let reading: AnswerReading
    private let objects: [SceneObject]
    private let thing: [String]

    init(_ check: TruthCheck, thing: String) {
        reading = check.reading
        objects = check.objects
        self.thing = AnswerText(thing).words.map(AnswerVocabulary.canonical)
    }

    /// The answer denies the thing and describes nothing about it.
    var isRight: Bool { denies && !describes }

    /// The answer treats the thing as present.
    var takesForGranted: Bool { !denies && !reading.abstains && !reading.text.words.isEmpty || describes }

    /// Whether a clause says that the thing is absent.
    private var denies: Bool {
        reading.text.clauses.contains { clause in
            let tokens = reading.text.tokens[clause]
            let things = reading.mentions.filter { clause.contains($0.range.lowerBound) }
            if things.contains(where: { $0.isDenied && isTheThing($0) }) { return true }
            guard !tokens.contains(where: AnswerVocabulary.isColourOrSize), things.allSatisfy(\.isBare),
                !["tell", "say", "know", "sure"].contains(where: tokens.contains)
            else { return false }
            if ["missing", "absent"].contains(where: tokens.contains) { return true }
            return reading.negation.touches(clause) && tokens.contains(where: Self.presence.contains)
        }
    }

    /// A denial of "a red star" denies a blue star only if the image has neither a red star nor another one: the denial
    /// may be less specific than the question, if it is true, but not more.
    private func isTheThing(_ mention: Mention) -> Bool {
        if mention.isBare { return true }
        if let stranger = mention.stranger { return thing.contains(stranger) }
        let words = reading.text.tokens[mention.range].map(AnswerVocabulary.canonical)
        let said = words.filter { AnswerVocabulary.isColourOrSize($0) || AnswerVocabulary.shapes[$0] != nil }
        return Set(said).isSubset(of: thing) && !objects.contains { mention.fits($0) }
    }

    /// The answer names the thing as present, or a colour or size without a thing that is present.
    private var describes: Bool {
        let asserted = reading.asserted
        let namesIt = asserted.contains { mention in
            guard let noun = thing.last else { return false }
            let words = reading.text.tokens[mention.range].map(AnswerVocabulary.canonical)
            return words.contains(noun) && !objects.contains { mention.fits($0) }
        }
        let properties = reading.text.tokens.indices.filter {
            AnswerVocabulary.isColourOrSize(reading.text.tokens[$0]) && !reading.negation.covers($0)
        }
        return namesIt
            || properties.contains { index in
                !asserted.contains { $0.range.contains(index) || $0.claimedColour == reading.text.tokens[index] }
            }
    }

    private static let presence: Set<String> = [
        "there", "see", "present", "visible", "shown", "show", "shows", "exist", "none", "nothing", "any", "one",
        "picture", "image", "contain", "have", "has", "such", "no", "find", "that", "it", "anything", "appear",
    ]
}

extension AnswerVocabulary {
    /// Whether the word is a colour or size.
    static func isColourOrSize(_ word: String) -> Bool { colours.contains(word) || sizes[word] != nil }
}
