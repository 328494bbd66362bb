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
