import Support

/// Questions on the number of objects, or of objects of a kind. Each count from 0 to 9 is equally likely in every kind
/// of question.
enum CountsFamily {
    private static let total = Wording(
        "How many things are there?", "How many objects do you see?", "How many shapes are in the picture?",
        "Count the shapes.", "What is the number of objects in this image?")
    private static let kind = Wording(
        "How many #1 are there?", "How many #1 do you see?", "How many #1 are in the picture?", "Count the #1.",
        "What is the number of #1 in this image?")
    private static let exact = Wording(
        "Are there #1?", "Does the picture show #1?", "Do you see #1?", "Are exactly #1 in the image?")
    private static let exactOne = Wording(
        "Is there #1?", "Does the picture show #1?", "Do you see #1?", "Is exactly #1 in the image?")

    static let wordings = [total, kind, exact, exactOne]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        return generator.draw(0...1) == 0 ? together(rules, &generator) : apart(rules, &generator)
    }

    /// All objects form one group: of one kind, of one shape, of one colour, or of any kind.
    private static func together(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        let count = generator.draw(0...9)
        let pair = generator.draw(from: rules.pairs)
        let sort = generator.draw(0...3)
        let pairs = (0..<count).map { _ in
            switch sort {
            case 0: pair
            case 1: HeldOutRules.Pair(generator.draw(from: rules.colours(of: pair.shape)), pair.shape)
            case 2: HeldOutRules.Pair(pair.colour, generator.draw(from: rules.shapes(of: pair.colour)))
            default: generator.draw(from: rules.pairs)
            }
        }
        let scene = SceneThings(apart: pairs, rules, &generator).scene(&generator)
        var asking = Questioner(.counts, generator)
        let noun = asking.generator.draw(from: ["thing", "shape", "object"])
        askWhether(noun, count, &asking)
        let kinds =
            switch sort {
            case 0: ["\(pair.colour) \(pair.shape)", "\(pair.shape)"]
            case 1: ["\(pair.shape)"]
            case 2: ["\(pair.colour) \(noun)"]
            default: [noun]
            }
        for name in kinds where name != noun { askWhether(name, count, &asking) }
        // The number of questions does not depend on the count, so that all counts stay equally likely.
        for _ in 0..<(kinds.count == 1 ? 3 : 2) {
            askHowMany(total, nil, "shape", count, &asking)
            for name in kinds { askHowMany(kind, name, name, count, &asking) }
        }
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// Two kinds that differ in colour, in shape, or in both.
    private static func apart(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        // Each count alone is uniform, and their sum is limited to 12.
        let count = generator.draw(0...9)
        let counts = [count, (9 - count + generator.draw(0...3)) % 10]
        let one = generator.draw(from: rules.pairs)
        let other = otherPair(than: one, rules, &generator)
        let isMixed = generator.draw(0...1) == 0
        let names: [String]
        if one.colour == other.colour {
            names =
                isMixed ? [one.shape.rawValue, other.shape.rawValue] : [one, other].map { "\($0.colour) \($0.shape)" }
        } else if one.shape == other.shape {
            names = [one, other].map { "\($0.colour) \(isMixed ? "thing" : $0.shape.rawValue)" }
        } else {
            names = [one, other].map { "\($0.colour) \($0.shape)" }
        }
        var pairs: [HeldOutRules.Pair] = []
        for (pair, count) in zip([one, other], counts) {
            for _ in 0..<count {
                if isMixed && one.colour == other.colour {
                    pairs.append(.init(generator.draw(from: rules.colours(of: pair.shape)), pair.shape))
                } else if isMixed && one.shape == other.shape {
                    pairs.append(.init(pair.colour, generator.draw(from: rules.shapes(of: pair.colour))))
                } else {
                    pairs.append(pair)
                }
            }
        }
        let scene = SceneThings(apart: generator.shuffled(pairs), rules, &generator).scene(&generator)
        var asking = Questioner(.counts, generator)
        for (name, count) in zip(names, counts) { askWhether(name, count, &asking) }
        for _ in 0..<3 {
            for (name, count) in zip(names, counts) { askHowMany(kind, name, name, count, &asking) }
        }
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func otherPair(
        than one: HeldOutRules.Pair, _ rules: HeldOutRules, _ generator: inout SplitMix64
    ) -> HeldOutRules.Pair {
        switch generator.draw(0...2) {
        case 0: .init(one.colour, generator.draw(from: rules.shapes(of: one.colour).filter { $0 != one.shape }))
        case 1: .init(generator.draw(from: rules.colours(of: one.shape).filter { $0 != one.colour }), one.shape)
        default: generator.draw(from: rules.pairs.filter { $0.colour != one.colour && $0.shape != one.shape })
        }
    }

    private static func askHowMany(
        _ wording: Wording, _ name: String?, _ noun: String, _ count: Int, _ asking: inout Questioner
    ) {
        let verb = count == 1 ? "is" : "are"
        asking.ask(
            wording, name.map { [Phrase.plural($0)] } ?? [], short: "\(count)",
            sentence: "There \(verb) \(Phrase.counted(count, noun)) in the picture.", truth: .count(count))
    }

    private static func askWhether(_ noun: String, _ count: Int, _ asking: inout Questioner) {
        // No person asks "are there 0 stars?", so with a count of 0 the answer would always be no.
        guard count > 0 else { return }
        let isTrue = asking.generator.draw(0...1) == 0
        let asked = isTrue ? count : asking.generator.draw(from: (1...9).filter { $0 != count })
        let phrase = asked == 1 ? "1 \(noun)" : "\(asked) \(Phrase.plural(noun))"
        let verb = count == 1 ? "is" : "are"
        let fact = "there \(verb) \(Phrase.counted(count, noun))"
        asking.ask(asked == 1 ? exactOne : exact, [phrase], isTrue: isTrue, yes: fact, no: fact)
    }
}
