import Support

/// Questions on which object is larger, which kind has more objects, and whether two objects are alike.
enum ComparisonsFamily {
    private static let larger = Wording(
        "Which is #1, the #2 or the #3?", "Which one is #1: the #2 or the #3?", "What is #1, the #2 or the #3?",
        "Of the #2 and the #3, which is #1?", allowsOneWord: false)
    private static let isLarger = Wording(
        "Is the #2 #1 than the #3?", "Would you say that the #2 is #1 than the #3?",
        "Does the #2 look #1 than the #3?", "Is it true that the #2 is #1 than the #3?")
    private static let sameColour = Wording(
        "Are the two #1 the same color?", "Do both #1 have the same color?", "Do the two #1 share a color?",
        "Is the color of the two #1 the same?")
    private static let sameShape = Wording(
        "Are the two #1 the same shape?", "Do both #1 have the same shape?", "Do the two #1 share a shape?",
        "Is the shape of the two #1 the same?")
    private static let colourOfBoth = Wording(
        "What color are both #1?", "Which color do the two #1 share?", "What is the color of the two #1?",
        "What colour do both #1 have?")
    private static let shapeOfBoth = Wording(
        "What shape are both #1?", "Which shape do the two #1 share?", "What is the shape of the two #1?",
        "What form do both #1 have?")
    private static let more = Wording(
        "Are there #1 #2 or #1 #3?", "Which are there #1 of, #2 or #3?", "What do you see #1 of: #2 or #3?",
        "Of #2 and #3, which are there #1 of?", allowsOneWord: false)
    private static let isMore = Wording(
        "Are there #1 #2 than #3?", "Do you see #1 #2 than #3?", "Does the picture show #1 #2 than #3?",
        "Is it true that there are #1 #2 than #3?")
    private static let isEqual = Wording(
        "Are there as many #1 as #2?", "Is the number of #1 the same as that of #2?",
        "Do you see equally many #1 and #2?", "Are there equally many #1 and #2?")

    static let wordings = [larger, isLarger, sameColour, sameShape, colourOfBoth, shapeOfBoth, more, isMore, isEqual]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        return generator.draw(0...1) == 0 ? two(rules, &generator) : groups(rules, &generator)
    }

    // MARK: Two things

    /// A large object and a small one; by chance they share their colour, and by chance their shape.
    private static func two(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        let one = generator.draw(from: rules.pairs)
        let (isOneColour, isOneShape) = (generator.draw(0...1) == 0, generator.draw(0...1) == 0)
        let other =
            isOneColour && isOneShape
            ? one
            : generator.draw(
                from: rules.pairs.filter {
                    ($0.colour == one.colour) == isOneColour && ($0.shape == one.shape) == isOneShape
                })
        let things = SceneThings(
            [one, other], widths: [18...28, 9...13], areLarge: [true, false], rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.comparisons, generator)
        let noun = asking.generator.draw(from: ["things", "objects"])
        asking.ask(
            sameColour, [asking.generator.draw(from: [noun, "shapes"])], isTrue: isOneColour,
            yes: "both are \(one.colour)", no: "one is \(one.colour) and one is \(other.colour)")
        asking.ask(
            sameShape, [noun], isTrue: isOneShape, yes: "both are \(Phrase.plural(one.shape.rawValue))",
            no: "one is \(Phrase.indefinite(one.shape.rawValue)) and one is \(Phrase.indefinite(other.shape.rawValue))")
        if one != other { askWhetherLarger(things, &asking) }
        repeat {
            if one != other { askWhichIsLarger(things, &asking) }
            if isOneColour { askColourOfBoth(one.colour, noun, &asking) }
            if isOneShape { askShapeOfBoth(one.shape, noun, &asking) }
        } while asking.questions.count < 5
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func askColourOfBoth(_ colour: SceneColour, _ noun: String, _ asking: inout Questioner) {
        asking.ask(
            colourOfBoth, [noun], short: "\(colour)", sentence: "Both \(noun) are \(colour).",
            truth: .words(
                right: ["\(colour)"], wrong: SceneColour.allCases.filter { $0 != colour }.map(\.rawValue)))
    }

    private static func askShapeOfBoth(_ shape: SceneShape, _ noun: String, _ asking: inout Questioner) {
        asking.ask(
            shapeOfBoth, [noun], short: "\(shape)", sentence: "Both \(noun) are \(Phrase.plural(shape.rawValue)).",
            truth: .words(
                right: ["\(shape)", Phrase.plural(shape.rawValue)],
                wrong: SceneShape.allCases.filter { $0 != shape }.map(\.rawValue)))
    }

    /// Both names in random order, and the index of the large object's name.
    private static func names(_ things: SceneThings, _ asking: inout Questioner) -> (names: [String], large: Int) {
        let names = [0, 1].map { things.name($0, &asking.generator) }
        let large = asking.generator.draw(0...1)
        return (large == 0 ? names : names.reversed(), large)
    }

    private static func askWhichIsLarger(_ things: SceneThings, _ asking: inout Questioner) {
        let (names, large) = names(things, &asking)
        let isAskedLarger = asking.generator.draw(0...1) == 0
        let word = asking.generator.draw(from: isAskedLarger ? ["larger", "bigger"] : ["smaller"])
        let winner = isAskedLarger ? large : 1 - large
        asking.ask(
            larger, [word] + names, short: names[winner],
            sentence: "The \(names[winner]) is \(word).",
            truth: .words(right: [names[winner]], wrong: [names[1 - winner]]))
    }

    private static func askWhetherLarger(_ things: SceneThings, _ asking: inout Questioner) {
        let (names, large) = names(things, &asking)
        let isAskedLarger = asking.generator.draw(0...1) == 0
        let word = asking.generator.draw(from: isAskedLarger ? ["larger", "bigger"] : ["smaller"])
        let isTrue = (large == 0) == isAskedLarger
        asking.ask(
            isLarger, [word] + names, isTrue: isTrue, yes: "the \(names[0]) is \(word) than the \(names[1])",
            no: "the \(names[1]) is \(word) than the \(names[0])")
    }

    // MARK: Two groups

    /// Two kinds of objects; in a third of the images their counts are equal.
    private static func groups(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        let one = generator.draw(from: rules.pairs)
        let isOneShape = generator.draw(0...1) == 0
        let other = generator.draw(
            from: rules.pairs.filter { ($0.shape == one.shape) == isOneShape && $0 != one })
        let first = generator.draw(1...6)
        let second = generator.draw(0...2) == 0 ? first : generator.draw(from: (1...6).filter { $0 != first })
        let pairs = generator.shuffled(
            Array(repeating: one, count: first) + Array(repeating: other, count: second))
        let scene = SceneThings(apart: pairs, rules, &generator).scene(&generator)
        var asking = Questioner(.comparisons, generator)
        ask(about: [one, other].map { isOneShape ? $0.name : $0.shape.rawValue }, [first, second], &asking)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func ask(about names: [String], _ counts: [Int], _ asking: inout Questioner) {
        let order = asking.generator.draw(0...1)
        let names = order == 0 ? names : names.reversed()
        let counts = order == 0 ? counts : counts.reversed()
        let plurals = names.map(Phrase.plural)
        if counts[0] == counts[1] || asking.generator.draw(0...1) == 0 {
            let fact =
                "there \(counts[0] == 1 ? "is" : "are") "
                + Phrase.list(zip(names, counts).map { Phrase.counted($1, $0) })
            asking.ask(isEqual, plurals, isTrue: counts[0] == counts[1], yes: fact, no: fact)
        }
        if counts[0] != counts[1] {
            let word = asking.generator.draw(from: ["more", "fewer"])
            let isTrue = (counts[0] > counts[1]) == (word == "more")
            asking.ask(
                isMore, [word] + plurals, isTrue: isTrue, yes: "there are \(word) \(plurals[0]) than \(plurals[1])",
                no: "there are \(word) \(plurals[1]) than \(plurals[0])")
        }
        repeat { askWhichAreMore(plurals, counts, &asking) } while asking.questions.count < 6
    }

    private static func askWhichAreMore(_ plurals: [String], _ counts: [Int], _ asking: inout Questioner) {
        let order = asking.generator.draw(0...1)
        let word = asking.generator.draw(from: ["more", "fewer"])
        let fillers = [word, plurals[order], plurals[1 - order]]
        let same = ["the same", "equal", "equally", "as many", "neither"]
        if counts[0] == counts[1] {
            asking.ask(
                more, fillers, short: "the same",
                sentence: "There are as many \(fillers[1]) as \(fillers[2]).", truth: .words(right: same, wrong: []))
        } else {
            let winner = (counts[0] > counts[1]) == (word == "more") ? 0 : 1
            asking.ask(
                more, fillers, short: plurals[winner],
                sentence: "There are \(word) \(plurals[winner]).",
                truth: .words(right: [plurals[winner]], wrong: [plurals[1 - winner]] + same))
        }
    }
}
