import Support
import Typography

/// Coloured shapes, as in the older scenes: by another renderer, at any size and place, filled or in outline.
enum ShapesDocument {
    private static let whereabouts = DocumentWording(
        "Where is the #1?", "In which part of the picture is the #1?", "Where do you see the #1?",
        "Where in the picture is the #1?", "In which corner or side is the #1?", "What is the position of the #1?",
        "Tell me where the #1 is.", "At which place is the #1?", "Where can I find the #1?", "Where does the #1 lie?",
        heldOut: ["Point me to the #1.", "The #1 is where?", "In what part of the image is the #1?"])
    private static let isBeside = DocumentWording(
        "Is the #1 #2 the #3?", "Do you see the #1 #2 the #3?", "Is it true that the #1 is #2 the #3?",
        "Would you say that the #1 is #2 the #3?", "Does the #1 lie #2 the #3?", "Can you see the #1 #2 the #3?",
        "Is the #1 somewhere #2 the #3?", "Is the #1 placed #2 the #3?", "Is the #1 found #2 the #3?",
        "Can the #1 be seen #2 the #3?",
        heldOut: ["Am I right that the #1 is #2 the #3?", "Does the #1 appear #2 the #3?"],
        allowsOneWord: true)
    private static let shape = DocumentWording(
        "What shape is the #1 thing?", "Which shape is #1?", "What is the shape of the #1 thing?",
        "What form has the #1 thing?", "Name the shape that is #1.", "What #1 shape do you see?",
        "Which #1 shape is in the picture?", "What is the #1 thing?", "Tell me the shape of the #1 thing.",
        "What kind of shape is #1?", heldOut: ["The #1 thing is of what shape?", "What do you call the #1 shape?"],
        allowsOneWord: true)
    private static let describe = DocumentWording(
        "Describe the picture.", "What is in the picture?", "What do you see?", "What does the picture show?",
        "Tell me what you see.", "Describe the image.", "What can you see in the picture?", "What is shown here?",
        "Say what is in the picture.", "Describe what you see.",
        heldOut: ["Give me a description of the picture.", "What is there to see?"])

    static let wordings = [
        whereabouts, isBeside, shape, describe, DocumentWording.count, .presence, .colour,
    ]

    private struct Thing {
        let pair: HeldOutRules.Pair
        let box: ShapeScene.Box

        var centre: (x: Int, y: Int) { (box.x + box.width / 2, box.y + box.height / 2) }
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let rules = HeldOutRules(page.split)
        let width = page.generator.draw(128...384)
        let height = page.generator.draw(96...320)
        let pairs = pairs(rules, &page)
        var things: [Thing] = []
        // The test split alone shows shapes in outline with a dark rim.
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let isHollow = !isHeldOut && page.generator.draw(0...3) == 0
        let line = Double(page.generator.draw(4...10)) / 2
        for pair in pairs {
            guard let box = place(things.map(\.box), width: width, height: height, &page.generator) else { continue }
            let outline = outline(pair.shape, box, &page.generator)
            let shade = page.shade(of: pair.colour)
            let drawn =
                outline.bounds.map {
                    ShapeScene.Box(
                        x: Int($0.left), y: Int($0.top), width: max(1, Int($0.right - $0.left)),
                        height: max(1, Int($0.bottom - $0.top)))
                } ?? box
            let canBeHollow = ![.circle, .ring].contains(pair.shape)
            page.fill(isHollow && canBeHollow ? outline.stroked(width: line) : outline, shade)
            if isHeldOut { page.fill(outline.stroked(width: 1.5), shade.mixed(with: .black, part: 120)) }
            page.note(pair.shape.rawValue, colour: pair.colour.rawValue, drawn)
            things.append(Thing(pair: pair, box: drawn))
        }
        var asking = page.questioner()
        ask(things, rules, size: (width, height), &asking)
        return page.finished(
            width: width, height: height, layout: isHeldOut ? "rimmed" : isHollow ? "hollow" : "filled",
            isHeldOutLayout: isHeldOut, asking: asking)
    }

    /// One to seven pairs of colour and shape that stand out from the ground; sometimes several of one kind.
    private static func pairs(_ rules: HeldOutRules, _ page: inout DocumentPage) -> [HeldOutRules.Pair] {
        let ground = page.theme.ground
        let seen = rules.pairs.filter { pair in
            [pair.colour.rgb, pair.colour.otherShade].allSatisfy {
                RGB($0[0], $0[1], $0[2]).stands(outFrom: ground, contrast: 30)
            }
        }
        let kinds = page.generator.shuffled(seen)
        if page.generator.draw(0...2) == 0 {
            let count = page.generator.draw(2...5)
            return Array(repeating: kinds[0], count: count) + kinds.dropFirst().prefix(page.generator.draw(0...2))
        }
        return Array(kinds.prefix(page.generator.draw(1...6)))
    }

    /// A box apart from the others; nil if there is no room.
    private static func place(
        _ others: [ShapeScene.Box], width: Int, height: Int, _ generator: inout SplitMix64
    ) -> ShapeScene.Box? {
        let largest = min(width, height) / (others.isEmpty ? 2 : 3)
        for _ in 0..<60 {
            let side = generator.draw(16...max(17, largest))
            let box = ShapeScene.Box(
                x: generator.draw(3...(width - side - 3)), y: generator.draw(3...(height - side - 3)), width: side,
                height: side)
            let isFree = others.allSatisfy { other in
                box.x + side + 4 < other.x || other.x + other.width + 4 < box.x || box.y + side + 4 < other.y
                    || other.y + other.height + 4 < box.y
            }
            if isFree { return box }
        }
        return nil
    }

    private static func outline(
        _ shape: SceneShape, _ box: ShapeScene.Box, _ generator: inout SplitMix64
    ) -> Outline {
        let (x, y, side) = (Double(box.x), Double(box.y), Double(box.width))
        let centre = Point(x + side / 2, y + side / 2)
        switch shape {
        case .circle: return Outline(circleAt: centre, radius: side / 2)
        case .rectangle:
            let part = Double(generator.draw(50...100)) / 100
            return generator.draw(0...1) == 0
                ? Outline(x: x, y: y, width: side, height: side * part)
                : Outline(x: x, y: y, width: side * part, height: side)
        case .triangle:
            return Outline(polygon: [Point(x + side / 2, y), Point(x + side, y + side), Point(x, y + side)])
        case .star: return Outline(starAt: centre, radius: side / 2, inner: side / 2 * 0.42)
        case .cross:
            let arm = side * Double(generator.draw(26...40)) / 100
            let (near, far) = ((side - arm) / 2, (side + arm) / 2)
            return Outline(
                polygon: [
                    (near, 0), (far, 0), (far, near), (side, near), (side, far), (far, far), (far, side), (near, side),
                    (near, far), (0, far), (0, near), (near, near),
                ].map { Point(x + $0.0, y + $0.1) })
        case .ring:
            var ring = Outline(circleAt: centre, radius: side / 2)
            ring.cut(Outline(circleAt: centre, radius: side / 2 * Double(generator.draw(45...65)) / 100))
            return ring
        }
    }

    // MARK: Questions

    private static func ask(
        _ things: [Thing], _ rules: HeldOutRules, size: (width: Int, height: Int), _ asking: inout DocumentQuestioner
    ) {
        asking.ask(
            .count, ["shapes"], short: "\(things.count)", sentence: counted(things.count, "shape"),
            truth: .count(things.count))
        askKinds(things, &asking)
        askPresence(things, rules, &asking)
        for thing in asking.generator.shuffled(things).prefix(2) { askAbout(thing, things, size, &asking) }
        if things.count > 1 { askRelation(things, size, &asking) }
        let told = things.map { Phrase.indefinite("\($0.pair.colour) \($0.pair.shape)") }
        if things.count <= 5 {
            asking.ask(
                describe, answer: "The picture shows \(Phrase.list(told)).", form: .description, truth: .description)
        }
    }

    private static func counted(_ count: Int, _ noun: String) -> String {
        "There \(count == 1 ? "is" : "are") \(Phrase.counted(count, noun))."
    }

    private static func askKinds(_ things: [Thing], _ asking: inout DocumentQuestioner) {
        let thing = asking.generator.draw(from: things)
        let same = things.count { $0.pair.shape == thing.pair.shape }
        asking.ask(
            .count, [Phrase.plural(thing.pair.shape.rawValue)], short: "\(same)",
            sentence: counted(same, thing.pair.shape.rawValue), truth: .count(same))
        if things.count(where: { $0.pair.colour == thing.pair.colour }) == 1 {
            let shape = thing.pair.shape.rawValue
            asking.ask(
                self.shape, [thing.pair.colour.rawValue], short: shape, sentence: "It is \(Phrase.indefinite(shape)).",
                truth: .words(right: [shape], wrong: SceneShape.allCases.map(\.rawValue).filter { $0 != shape }))
        }
    }

    private static func askPresence(_ things: [Thing], _ rules: HeldOutRules, _ asking: inout DocumentQuestioner) {
        let shown = Set(things.map(\.pair))
        let isTrue = asking.generator.draw(0...1) == 0
        let absent = asking.generator.draw(from: rules.pairs.filter { !shown.contains($0) })
        let pair = isTrue ? asking.generator.draw(from: things).pair : absent
        let name = "\(pair.colour) \(pair.shape)"
        asking.ask(
            .presence, [Phrase.indefinite(name)], isTrue: isTrue,
            fact: isTrue ? "there is \(Phrase.indefinite(name))" : "there is no \(name)")
        let missing = asking.generator.draw(from: SceneShape.allCases).rawValue
        if asking.generator.draw(0...1) == 0, !things.contains(where: { $0.pair.shape.rawValue == missing }) {
            asking.ask(
                .colour, ["the \(missing)"], short: "none", sentence: "There is no \(missing).",
                truth: .absent(thing: missing))
        }
    }

    private static func askAbout(
        _ thing: Thing, _ things: [Thing], _ size: (width: Int, height: Int), _ asking: inout DocumentQuestioner
    ) {
        guard things.count(where: { $0.pair.shape == thing.pair.shape }) == 1 else { return }
        let name = thing.pair.shape.rawValue
        asking.askColour(of: "the \(name)", thing.pair.colour)
        guard let (short, phrase, right, wrong) = position(thing, size) else { return }
        asking.ask(
            whereabouts, [name], short: short, sentence: "The \(name) is \(phrase).",
            truth: .words(right: right, wrong: wrong))
    }

    /// The position if it is clear: a third of the way from the middle in one direction or both.
    private static func position(
        _ thing: Thing, _ size: (width: Int, height: Int)
    ) -> (short: String, phrase: String, right: [String], wrong: [String])? {
        func side(_ value: Int, _ whole: Int, _ low: String, _ high: String) -> String? {
            let (offset, clear) = (2 * value - whole, whole / 4)
            return offset < -clear ? low : offset > clear ? high : abs(offset) < whole / 8 ? "" : nil
        }
        guard let row = side(thing.centre.y, size.height, "top", "bottom"),
            let column = side(thing.centre.x, size.width, "left", "right")
        else { return nil }
        let all = ["left", "right", "top", "bottom"]
        switch (row, column) {
        case ("", ""): return ("middle", "in the middle", ["middle", "center"], all)
        case ("", _): return (column, "on the \(column)", [column], all.filter { $0 != column })
        case (_, ""): return (row, "at the \(row)", [row], all.filter { $0 != row })
        default:
            let both = "\(row) \(column)"
            let wrong = ["top left", "top right", "bottom left", "bottom right"].filter { $0 != both }
            return (both, "in the \(both)", [both], wrong)
        }
    }

    private static func askRelation(
        _ things: [Thing], _ size: (width: Int, height: Int), _ asking: inout DocumentQuestioner
    ) {
        let unique = things.filter { thing in things.count { $0.pair == thing.pair } == 1 }
        let pair = asking.generator.shuffled(unique).prefix(2)
        guard pair.count == 2, let one = pair.first, let other = pair.last else { return }
        let isAcross = asking.generator.draw(0...1) == 0
        let offset = isAcross ? one.centre.x - other.centre.x : one.centre.y - other.centre.y
        guard abs(offset) > (isAcross ? size.width : size.height) / 10 else { return }
        let relations = isAcross ? ["to the left of", "to the right of"] : ["above", "below"]
        let told = asking.generator.draw(0...1)
        let real = offset < 0 ? 0 : 1
        let names = [one, other].map { "\($0.pair.colour) \($0.pair.shape)" }
        asking.ask(
            isBeside, [names[0], relations[told], names[1]], isTrue: told == real,
            fact: "the \(names[0]) is \(relations[real]) the \(names[1])")
    }
}
