import Datasets

/// How much of a scene an answer describes, and how much of the answer is true.
struct DescriptionCheck {
    /// The harmonic mean of two shares: described objects among all objects, and true claims among all claims.
    let share: Double

    /// An object counts fully if its colour and form (or character) are named, half if only one of them is. A claim is
    /// a thing named as present, or a position, relation, colour, size or number of a thing.
    init(reading: AnswerReading, objects: [SceneObject]) {
        var credits = [Double](repeating: 0, count: objects.count)
        var (trueClaims, falseClaims) = (0, 0)
        for mention in Self.ordered(reading.asserted) {
            var fitting = objects.indices.filter { mention.fits(objects[$0]) }
            var credit = mention.credit
            // The thing is present, but with another size or colour than claimed.
            if fitting.isEmpty, !mention.isGeneric {
                fitting = objects.indices.filter { mention.fits(objects[$0], withClaims: false) }
                credit = mention.colour == nil ? 0.5 : 1
                if !fitting.isEmpty { falseClaims += 1 }
            }
            let wanted = mention.count ?? (mention.isPlural ? max(fitting.count, 1) : 1)
            let fresh = fitting.filter { credits[$0] < credit }
            let isTold =
                mention.isIntroduced && !mention.isGeneric
                ? fresh.count >= wanted : fitting.count >= wanted && (fitting.count == wanted || mention.count == nil)
            if isTold { trueClaims += 1 } else { falseClaims += 1 }
            for index in fresh.prefix(wanted) { credits[index] = credit }
        }
        let places = PlaceCheck(reading: reading, objects: objects)
        trueClaims += places.right
        falseClaims += places.wrong
        let claims = trueClaims + falseClaims
        guard !objects.isEmpty, claims > 0 else {
            let saysNothing =
                reading.negation.touches(reading.text.tokens.indices)
                || ["empty", "blank"].contains { reading.says([$0]) }
            share = objects.isEmpty && claims == 0 && saysNothing ? 1 : 0
            return
        }
        let recall = credits.reduce(0, +) / Double(objects.count)
        let precision = Double(trueClaims) / Double(claims)
        share = recall + precision > 0 ? 2 * recall * precision / (recall + precision) : 0
    }
}

extension DescriptionCheck {
    /// Introductions ("a star") come first, the most specific before the others so that each finds its object; then
    /// further statements about the same thing ("the star is red").
    private static func ordered(_ mentions: [Mention]) -> [Mention] {
        let told = mentions.filter { !$0.isBare || $0.count != nil }
        return told.filter(\.isIntroduced).sorted { $0.precision > $1.precision } + told.filter { !$0.isIntroduced }
    }
}

extension Mention {
    /// Whether it introduces a new thing, as "a star" and "two stars" do; "the star" may mean a known one.
    fileprivate var isIntroduced: Bool { isIndefinite || count != nil }

    /// The credit for naming an object this way.
    fileprivate var credit: Double {
        if stranger != nil || isBare { return 0 }
        let hasColour = colour != nil || claimedColour != nil
        return (isGeneric ? 0 : 0.5) + (hasColour ? 0.5 : 0)
    }

    fileprivate var precision: Double {
        credit + (isLarge != nil || claimedSize != nil ? 0.25 : 0)
    }
}

/// The count that an answer gives.
struct CountCheck {
    let reading: AnswerReading
    let question: AnswerReading

    /// The answer's one number for the counted thing; nil if it gives none or several.
    var says: Int? {
        let counted = question.mentions.first
        let things = reading.asserted.filter { $0.stranger == nil }
        // The most specific first: the number of the counted thing, then a number by itself, then a sum of kinds.
        var exact: [Int] = []
        if let counted {
            exact = things.filter { $0.specialises(counted) && counted.specialises($0) }.compactMap(\.count)
        }
        if exact.isEmpty { exact = things.filter(\.isBare).compactMap(\.count) + loose }
        if !exact.isEmpty { return Set(exact).count == 1 ? exact[0] : nil }
        if let sum = sum(of: things, as: counted) { return sum }
        return saysNone ? 0 : nil
    }

    /// Numbers without a noun. A negated number ("not four") is left out.
    private var loose: [Int] {
        AnswerNumbers.all(in: reading.text.tokens).filter { number in
            !reading.negation.touches(number.range)
                && !reading.mentions.contains { $0.range.overlaps(number.range) }
        }.map { $0.value ?? -1 }
    }

    /// The sum over kinds of the counted thing: "a red circle and two blue ones".
    private func sum(of things: [Mention], as counted: Mention?) -> Int? {
        let kinds = things.filter { thing in counted.map { thing.specialises($0) || $0.specialises(thing) } ?? true }
        let counts = kinds.compactMap { $0.count ?? ($0.isIndefinite && !$0.isPlural ? 1 : nil) }
        return counts.isEmpty || counts.count < kinds.count ? nil : counts.reduce(0, +)
    }

    private var saysNone: Bool {
        !reading.abstains && reading.negation.touches(reading.text.tokens.indices)
    }
}

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
