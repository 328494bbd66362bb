import Datasets

/// How much of a scene an answer describes, and how much of what it says is so.
struct DescriptionCheck {
    /// The harmonic mean of two shares: objects told among all, true claims among all.
    let share: Double

    /// An object counts whole if its colour and form (or character) are told, half if one of them is. A claim is a
    /// thing said to be there, or a place, relation, colour, size or number said of one.
    init(reading: AnswerReading, objects: [SceneObject]) {
        var credits = [Double](repeating: 0, count: objects.count)
        var (trueClaims, falseClaims) = (0, 0)
        for mention in Self.ordered(reading.asserted) {
            var fitting = objects.indices.filter { mention.fits(objects[$0]) }
            var credit = mention.credit
            // The thing is there, but not as large as it is said to be, or of another colour.
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
    /// First what is introduced ("a star"), the most precise before the others so that it finds its object; then what
    /// is told of it again ("the star is red").
    private static func ordered(_ mentions: [Mention]) -> [Mention] {
        let told = mentions.filter { !$0.isBare || $0.count != nil }
        return told.filter(\.isIntroduced).sorted { $0.precision > $1.precision } + told.filter { !$0.isIntroduced }
    }
}

extension Mention {
    /// "A star" and "two stars" are new things; "the star" need not be.
    fileprivate var isIntroduced: Bool { isIndefinite || count != nil }

    /// What naming an object so is worth.
    fileprivate var credit: Double {
        if stranger != nil || isBare { return 0 }
        let hasColour = colour != nil || claimedColour != nil
        return (isGeneric ? 0 : 0.5) + (hasColour ? 0.5 : 0)
    }

    fileprivate var precision: Double {
        credit + (isLarge != nil || claimedSize != nil ? 0.25 : 0)
    }
}
