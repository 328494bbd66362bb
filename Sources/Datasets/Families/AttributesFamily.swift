import Support

/// Questions about an object's colour, shape or size.
enum AttributesFamily {
    static let colour = Wording(
        "What color is the #1?", "What is the color of the #1?", "Which color does the #1 have?",
        "What colour is the #1?")
    static let shape = Wording(
        "What shape is the #1?", "What is the shape of the #1?", "Which shape does the #1 have?",
        "What form does the #1 have?")
    static let size = Wording(
        "Is the #1 large or small?", "What size is the #1, large or small?", "How big is the #1, large or small?",
        "Would you call the #1 large or small?")
    private static let isColour = Wording(
        "Is the #1 #2?", "Is the color of the #1 #2?", "Does the #1 look #2?", "Is it true that the #1 is #2?")
    private static let isShape = Wording(
        "Is the #1 #2?", "Does the #1 have the shape of #2?", "Does the #1 look like #2?",
        "Is it true that the #1 is #2?")

    static let wordings = [colour, shape, size, isColour, isShape]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let hasSizes = generator.draw(0...1) == 0
        let count = generator.draw(1...(hasSizes ? 3 : 4))
        let areLarge = (0..<count).map { _ in generator.draw(0...1) == 0 }
        let widths = areLarge.map { isLarge in hasSizes ? (isLarge ? 20...26 : 9...13) : 12...(count == 1 ? 28 : 20) }
        let things = SceneThings(
            rules.distinctPairs(count, &generator), widths: widths, areLarge: hasSizes ? areLarge : nil, rules,
            &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.attributes, generator)
        for index in things.things.indices {
            if things.hasOwnShape(index) { askIsColour(index, things, rules, &asking) }
            if things.hasOwnColour(index) { askIsShape(index, things, rules, &asking) }
        }
        repeat {
            for index in things.things.indices {
                if hasSizes { askSize(index, things, &asking) }
                if things.hasOwnShape(index) { askColour(index, things, &asking) }
                if things.hasOwnColour(index) { askShape(index, things, &asking) }
            }
        } while asking.questions.count < 6
            && things.things.indices.contains {
                hasSizes || things.hasOwnShape($0) || things.hasOwnColour($0)
            }
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func askColour(_ index: Int, _ things: SceneThings, _ asking: inout Questioner) {
        let pair = things.things[index].pair
        let isAlone = things.things.count == 1 && asking.generator.draw(0...1) == 0
        let name = isAlone ? asking.generator.draw(from: ["thing", "object", "shape"]) : pair.shape.rawValue
        let wrong = SceneColour.allCases.filter { $0 != pair.colour }.map(\.rawValue)
        asking.ask(
            colour, [name], short: pair.colour.rawValue, sentence: "The \(name) is \(pair.colour).",
            truth: .words(right: [pair.colour.rawValue], wrong: wrong))
    }

    private static func askShape(_ index: Int, _ things: SceneThings, _ asking: inout Questioner) {
        let (colour, shape) = (things.things[index].pair.colour, things.things[index].pair.shape)
        let noun = asking.generator.draw(from: ["thing", "object"])
        let isAlone = things.things.count == 1 && asking.generator.draw(0...1) == 0
        let name = isAlone ? noun : "\(colour) \(noun)"
        let wrong = SceneShape.allCases.filter { $0 != shape }.map(\.rawValue)
        asking.ask(
            Self.shape, [name], short: shape.rawValue,
            sentence: "The \(name) is \(Phrase.indefinite(shape.rawValue)).",
            truth: .words(right: [shape.rawValue], wrong: wrong))
    }

    private static func askSize(_ index: Int, _ things: SceneThings, _ asking: inout Questioner) {
        guard let isLarge = things.things[index].isLarge else { return }
        let name = things.name(index, &asking.generator)
        let words = isLarge ? ["large", "small"] : ["small", "large"]
        asking.ask(
            size, [name], short: words[0], sentence: "The \(name) is \(words[0]).",
            truth: .words(right: [words[0]], wrong: [words[1]]))
    }

    private static func askIsColour(
        _ index: Int, _ things: SceneThings, _ rules: HeldOutRules, _ asking: inout Questioner
    ) {
        let pair = things.things[index].pair
        let isTrue = asking.generator.draw(0...1) == 0
        let others = rules.colours(of: pair.shape).filter { $0 != pair.colour }
        let asked = isTrue ? pair.colour : asking.generator.draw(from: others)
        let fact = "the \(pair.shape) is \(pair.colour)"
        asking.ask(isColour, ["\(pair.shape)", "\(asked)"], isTrue: isTrue, yes: fact, no: fact)
    }

    private static func askIsShape(
        _ index: Int, _ things: SceneThings, _ rules: HeldOutRules, _ asking: inout Questioner
    ) {
        let pair = things.things[index].pair
        let isTrue = asking.generator.draw(0...1) == 0
        let others = rules.shapes(of: pair.colour).filter { $0 != pair.shape }
        let asked = isTrue ? pair.shape : asking.generator.draw(from: others)
        let name = "\(pair.colour) \(asking.generator.draw(from: ["thing", "object"]))"
        let fact = "the \(name) is \(Phrase.indefinite(pair.shape.rawValue))"
        asking.ask(isShape, [name, Phrase.indefinite(asked.rawValue)], isTrue: isTrue, yes: fact, no: fact)
    }
}
