import Support

/// Questions about objects that the image does not show, equally many about objects that it shows, and some questions
/// that no image answers.
enum AbsenceFamily {
    private static let isThere = Wording(
        "Is there #1?", "Is there #1 in the picture?", "Do you see #1?", "Does the image contain #1?",
        "Can you see #1 in the picture?")
    private static let isColourThere = Wording(
        "Is there anything #1?", "Is anything in the picture #1?", "Do you see anything #1?",
        "Does the image contain anything #1?")
    private static let unknowable = Wording(
        "Who drew this picture?", "What is the name of the artist?", "When was this picture made?",
        "Where was this picture drawn?", "Why was this picture made?", "What is behind the #1?",
        "What does the #1 smell like?", "What does the #1 taste like?", "How heavy is the #1?",
        "Who owns the #1?", "What is written on the back of the picture?", "How much did the #1 cost?",
        "What sound does the #1 make?", "How old is the #1?", "What is the #1 made of?", "Is the #1 warm or cold?")

    static let wordings = [
        isThere, isColourThere, unknowable, AttributesFamily.colour, AttributesFamily.shape, PositionsFamily.place,
    ]

    /// Objects that no generated image shows.
    private static let strangers = [
        "dog", "cat", "car", "house", "tree", "person", "bird", "flower", "boat", "chair", "apple", "umbrella",
    ]
    private static let unseen = "I cannot see that in the picture."

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let shapes = generator.shuffled(SceneShape.allCases)
        let count = generator.draw(1...3)
        // All shapes are equally likely, so that the shape in a question alone says nothing about the answer.
        let pairs = shapes.prefix(count).map { HeldOutRules.Pair(generator.draw(from: rules.colours(of: $0)), $0) }
        let things = SceneThings(
            Array(pairs), widths: (0..<count).map { _ in 11...22 }, rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.absence, generator)
        let missing = Array(shapes.dropFirst(count))
        askWhetherShape(pairs, missing, &asking)
        askWhetherPair(pairs, rules, &asking)
        askWhetherColour(pairs, &asking)
        askColour(pairs, missing, &asking)
        askMissing(pairs, missing, &asking)
        if asking.generator.draw(0...2) == 0 {
            let noun = asking.generator.draw(from: strangers)
            askAbsent(
                asking.generator.draw(0...2) == 0 ? PositionsFamily.place : AttributesFamily.colour, noun, &asking)
        }
        asking.ask(
            unknowable, [things.name(0, &asking.generator)], answer: unseen, form: .sentence, truth: .unknowable)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func askWhetherShape(
        _ pairs: [HeldOutRules.Pair], _ missing: [SceneShape], _ asking: inout Questioner
    ) {
        let isTrue = asking.generator.draw(0...1) == 0
        let shape = asking.generator.draw(from: isTrue ? pairs.map(\.shape) : missing)
        askWhether(Phrase.indefinite(shape.rawValue), shape.rawValue, isTrue, &asking)
    }

    /// The absent object may have the shape of one in the image, in another colour.
    private static func askWhetherPair(
        _ pairs: [HeldOutRules.Pair], _ rules: HeldOutRules, _ asking: inout Questioner
    ) {
        let isTrue = asking.generator.draw(0...1) == 0
        var pair = asking.generator.draw(from: pairs)
        if !isTrue {
            let shape =
                asking.generator.draw(0...1) == 0 ? pair.shape : asking.generator.draw(from: SceneShape.allCases)
            let taken = pairs.first { $0.shape == shape }?.colour
            pair = .init(asking.generator.draw(from: rules.colours(of: shape).filter { $0 != taken }), shape)
        }
        askWhether(Phrase.indefinite(pair.name), pair.name, isTrue, &asking)
    }

    private static func askWhether(_ phrase: String, _ noun: String, _ isTrue: Bool, _ asking: inout Questioner) {
        asking.ask(isThere, [phrase], isTrue: isTrue, yes: "there is \(phrase)", no: "there is no \(noun)")
    }

    private static func askWhetherColour(_ pairs: [HeldOutRules.Pair], _ asking: inout Questioner) {
        let isTrue = asking.generator.draw(0...1) == 0
        let shown = pairs.map(\.colour)
        let colours = HeldOutRules.askedColours.filter { shown.contains($0) == isTrue }
        guard !colours.isEmpty else { return }
        let colour = asking.generator.draw(from: colours)
        asking.ask(
            isColourThere, ["\(colour)"], isTrue: isTrue, yes: "there is something \(colour)",
            no: "there is nothing \(colour)")
    }

    /// Asks for the colour of a shape in the image, and equally often of a shape that is not in it.
    private static func askColour(
        _ pairs: [HeldOutRules.Pair], _ missing: [SceneShape], _ asking: inout Questioner
    ) {
        if asking.generator.draw(0...1) == 0 {
            askAbsent(AttributesFamily.colour, asking.generator.draw(from: missing).rawValue, &asking)
            return
        }
        let pair = asking.generator.draw(from: pairs)
        asking.ask(
            AttributesFamily.colour, ["\(pair.shape)"], short: pair.colour.rawValue,
            sentence: "The \(pair.shape) is \(pair.colour).",
            truth: .words(
                right: [pair.colour.rawValue],
                wrong: SceneColour.allCases.filter { $0 != pair.colour }.map(\.rawValue)))
    }

    /// Asks for the position of an absent shape, or the shape of an absent colour.
    private static func askMissing(
        _ pairs: [HeldOutRules.Pair], _ missing: [SceneShape], _ asking: inout Questioner
    ) {
        if asking.generator.draw(0...1) == 0 {
            askAbsent(PositionsFamily.place, asking.generator.draw(from: missing).rawValue, &asking)
        } else {
            let shown = pairs.map(\.colour)
            let colour = asking.generator.draw(from: SceneColour.allCases.filter { !shown.contains($0) })
            askAbsent(AttributesFamily.shape, "\(colour) thing", &asking)
        }
    }

    private static func askAbsent(_ wording: Wording, _ thing: String, _ asking: inout Questioner) {
        let answer = "There is no \(thing)."
        asking.ask(
            wording, [thing], short: answer, oneWord: "none", sentence: answer,
            truth: .absent(thing: thing))
    }
}
