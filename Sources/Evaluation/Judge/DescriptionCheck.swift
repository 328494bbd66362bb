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
