import Support

/// Questions on what the image shows, answered in sentences.
enum DescriptionsFamily {
    private static let brief = Wording(
        "What is in the picture?", "What do you see?", "What does the picture show?",
        "Describe the picture in one sentence.", "Say in a sentence what this image shows.")
    private static let detailed = Wording(
        "Describe the picture.", "Describe the image in detail.", "Tell me what you see, and where.",
        "Describe each thing in the picture and where it is.", "What is in the picture, and where?")
    static let shows = Wording(
        "Does the picture show #1?", "Is this a picture of #1?", "Is it true that the image shows #1?",
        "Would “#1” describe the picture?")

    static let wordings = [brief, detailed, shows]

    private static let nothing = "There is nothing in the picture."

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        return switch generator.draw(0...15) {
        case 0: empty(&generator)
        case 1...4: group(rules, &generator)
        default: scattered(rules, &generator)
        }
    }

    private static func empty(_ generator: inout SplitMix64) -> FamilyImage {
        let scene = SceneCanvas(&generator).scene(&generator)
        var asking = Questioner(.descriptions, generator)
        describe([nothing], nothing, &asking)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// Several objects of one kind, and by chance one of another kind.
    private static func group(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        let kinds = rules.distinctPairs(2, &generator)
        let count = generator.draw(2...6)
        let hasOther = generator.draw(0...1) == 0
        let pairs = Array(repeating: kinds[0], count: count) + (hasOther ? [kinds[1]] : [])
        let scene = SceneThings(apart: pairs, rules, &generator).scene(&generator)
        var asking = Questioner(.descriptions, generator)
        let phrases = [Phrase.counted(count, kinds[0].name)] + (hasOther ? [Phrase.indefinite(kinds[1].name)] : [])
        describe(["There are \(Phrase.list(phrases))."], "The picture shows \(Phrase.list(phrases)).", &asking)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// Up to three objects with their positions.
    private static func scattered(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        let count = generator.draw(1...3)
        let hasSizes = generator.draw(0...2) == 0
        let areLarge = (0..<count).map { _ in generator.draw(0...1) == 0 }
        // An image of one object often has it in the middle.
        let middle = 2 * ShapeScene.side - 24...2 * ShapeScene.side + 24
        let isCentred = count == 1 && generator.draw(0...1) == 0
        let things = SceneThings(
            rules.distinctPairs(count, &generator),
            widths: areLarge.map { isLarge in
                hasSizes ? (isLarge ? 20...26 : 9...13) : 12...(count == 1 ? 32 : 20)
            },
            areLarge: hasSizes ? areLarge : nil, first: isCentred ? (middle, middle) : nil, rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.descriptions, generator)
        ask(about: things, rules, &asking)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// Asks what there is, where each object is, and whether a caption is true.
    static func ask(about things: SceneThings, _ rules: HeldOutRules, _ asking: inout Questioner) {
        // All answers have one order: with several orders, a policy that could not know the right one would learn to
        // guess.
        let told = things.inReadingOrder
        let phrases = told.map { Phrase.indefinite(Self.name($0)) }
        let places = zip(phrases, told).map { "There is \($0) \(place($1.place))." }
        askWhetherShown(told, rules, &asking)
        describe(places, "The picture shows \(Phrase.list(phrases)).", &asking)
    }

    private static func name(_ thing: SceneThings.Thing) -> String {
        let size = thing.isLarge.map { $0 ? "large " : "small " } ?? ""
        return size + thing.pair.name
    }

    private static func describe(_ sentences: [String], _ short: String, _ asking: inout Questioner) {
        repeat {
            asking.ask(brief, answer: short, form: .description, truth: .description)
            asking.ask(
                detailed, answer: sentences.joined(separator: " "), form: .description, truth: .description)
        } while asking.questions.count < 5
    }

    /// Asks whether a caption of up to two objects is true. In a wrong caption, one object has another colour or shape.
    static func askWhetherShown(
        _ things: [SceneThings.Thing], _ rules: HeldOutRules, _ asking: inout Questioner
    ) {
        let pairs = things.map(\.pair)
        let isTrue = asking.generator.draw(0...1) == 0
        let shown = asking.generator.shuffled(pairs).prefix(2)
        var told = Array(shown)
        if !isTrue {
            let changed = told.removeLast()
            let others = rules.pairs.filter { pair in
                !pairs.contains(pair) && (pair.colour == changed.colour || pair.shape == changed.shape)
            }
            told.append(asking.generator.draw(from: others))
            told = asking.generator.shuffled(told)
        }
        let fact = "it shows \(Phrase.list(pairs.map { Phrase.indefinite($0.name) }))"
        asking.ask(
            shows, [Phrase.list(told.map { Phrase.indefinite($0.name) })], isTrue: isTrue, yes: fact, no: fact)
    }

    /// The position of an object, as far as it is clear.
    private static func place(_ place: SceneGrid.Placement) -> String {
        let middle = 2 * ShapeScene.side
        let column = word(place.centreX - middle, "left", "right")
        let row = word(place.centreY - middle, "top", "bottom")
        switch (row, column) {
        case ("", ""): return "in the middle"
        case ("", let column): return "on the \(column)"
        case (let row, ""): return "at the \(row)"
        case (let row, let column): return "in the \(row) \(column)"
        }
    }

    /// Empty within six pixels of the middle.
    private static func word(_ offset: Int, _ low: String, _ high: String) -> String {
        abs(offset) < 24 ? "" : (offset < 0 ? low : high)
    }
}

/// Four to six different objects at once; `descriptions` has three different objects or fewer. The default mix of
/// demonstrations contains no crowds: to name every object, and none twice, is what rankings teach.
enum CrowdsFamily {
    static let wordings = DescriptionsFamily.wordings

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let things = things(rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.crowds, generator)
        DescriptionsFamily.ask(about: things, rules, &asking)
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// Four to six different objects.
    static func things(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> SceneThings {
        SceneThings(apart: rules.distinctPairs(generator.draw(4...6), &generator), rules, &generator)
    }
}

/// Yes/no questions on whether a caption of four to six objects is true. They catch a policy that always says yes.
enum CaptionsFamily {
    static let wordings = [DescriptionsFamily.shows]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let things = CrowdsFamily.things(rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.captions, generator)
        while asking.questions.count < 5 { DescriptionsFamily.askWhetherShown(things.inReadingOrder, rules, &asking) }
        return FamilyImage(scene: scene, questions: asking.chosen())
    }
}
