/// How many an answer says there are.
struct CountCheck {
    let reading: AnswerReading
    let question: AnswerReading

    /// The one number that it gives for what the question counts; nil for none or several.
    var says: Int? {
        let counted = question.mentions.first
        let things = reading.asserted.filter { $0.stranger == nil }
        // Most to the point first: the number of the counted thing, a number by itself, a sum of kinds.
        var exact: [Int] = []
        if let counted {
            exact = things.filter { $0.specialises(counted) && counted.specialises($0) }.compactMap(\.count)
        }
        if exact.isEmpty { exact = things.filter(\.isBare).compactMap(\.count) + loose }
        if !exact.isEmpty { return Set(exact).count == 1 ? exact[0] : nil }
        if let sum = sum(of: things, as: counted) { return sum }
        return saysNone ? 0 : nil
    }

    /// Numbers that belong to no thing. A negated one ("not four") is none.
    private var loose: [Int] {
        AnswerNumbers.all(in: reading.text.tokens).filter { number in
            !reading.negation.touches(number.range)
                && !reading.mentions.contains { $0.range.overlaps(number.range) }
        }.map { $0.value ?? -1 }
    }

    /// What kinds of the counted thing come to together: "a red circle and two blue ones".
    private func sum(of things: [Mention], as counted: Mention?) -> Int? {
        let kinds = things.filter { thing in counted.map { thing.specialises($0) || $0.specialises(thing) } ?? true }
        let counts = kinds.compactMap { $0.count ?? ($0.isIndefinite && !$0.isPlural ? 1 : nil) }
        return counts.isEmpty || counts.count < kinds.count ? nil : counts.reduce(0, +)
    }

    private var saysNone: Bool {
        !reading.abstains && reading.negation.touches(reading.text.tokens.indices)
    }
}
