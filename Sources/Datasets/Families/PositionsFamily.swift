import Support

/// Questions on where an object is, alone or relative to another one.
enum PositionsFamily {
    static let place = Wording(
        "Where is the #1?", "Where in the picture is the #1?", "Which part of the image is the #1 in?",
        "What is the position of the #1?", allowsOneWord: false)
    private static let isAtPlace = Wording(
        "Is the #1 #2?", "Do you see the #1 #2?", "Is the #1 drawn #2?", "Can the #1 be found #2?")
    private static let side = Wording(
        "Is the #1 on the left or on the right?", "Is the #1 left or right?",
        "Which side is the #1 on, left or right?", "On which side of the picture is the #1, left or right?")
    private static let half = Wording(
        "Is the #1 at the top or at the bottom?", "Is the #1 in the top or the bottom half?",
        "Which half is the #1 in, top or bottom?", "In which half of the picture is the #1, top or bottom?")
    private static let isRelated = Wording(
        "Is the #1 #2 the #3?", "Is the #1 somewhere #2 the #3?", "In the picture, is the #1 #2 the #3?",
        "Would you say that the #1 is #2 the #3?")
    private static let related = Wording(
        "What is #1 the #2?", "What do you see #1 the #2?", "Which thing is #1 the #2?", "Name the thing #1 the #2.",
        allowsOneWord: false)
    private static let further = Wording(
        "Which is further #1, the #2 or the #3?", "What is further #1, the #2 or the #3?",
        "Which one lies further #1: the #2 or the #3?", allowsOneWord: false)

    static let wordings = [place, isAtPlace, side, half, isRelated, related, further]

    /// Regions of the image, with the range for the first object's centre in quarters of a pixel.
    private enum Part: String, CaseIterable {
        case topLeft = "top left"
        case topRight = "top right"
        case bottomLeft = "bottom left"
        case bottomRight = "bottom right"
        case middle

        var phrase: String { self == .middle ? "in the middle" : "in the \(rawValue) corner" }

        func centres(of width: Int) -> (x: ClosedRange<Int>, y: ClosedRange<Int>) {
            let side = 4 * ShapeScene.side
            let (low, high) = (width / 2 + 4...84, side - 84...side - 4 - width / 2)
            return switch self {
            case .topLeft: (low, low)
            case .topRight: (high, low)
            case .bottomLeft: (low, high)
            case .bottomRight: (high, high)
            case .middle: (side / 2 - 16...side / 2 + 16, side / 2 - 16...side / 2 + 16)
            }
        }
    }

    /// The possible relations of two objects, by the sign of a difference.
    private static let directions = [("to the left of", "to the right of"), ("above", "below")]
    private static let furthest = [("left", "right"), ("up", "down")]
    /// In quarters of a pixel: an object nearer than this to a line, or to another object, is on neither side.
    private static let margin = (line: 16, thing: 28)

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        while true {
            let image = attempt(rules, &generator)
            if image.questions.count >= 4 { return image }
        }
    }

    private static func attempt(_ rules: HeldOutRules, _ generator: inout SplitMix64) -> FamilyImage {
        let count = generator.draw(1...3)
        let part = generator.draw(from: Part.allCases)
        // In a third of the images with several objects, the first object's position is random.
        let isPlaced = count == 1 || generator.draw(0...2) > 0
        let things = SceneThings(
            rules.distinctPairs(count, &generator), widths: (0..<count).map { _ in 10...18 },
            first: isPlaced ? part.centres(of: 72) : nil, rules, &generator)
        let scene = things.scene(&generator)
        var asking = Questioner(.positions, generator)
        if isPlaced { askWhether(part, things, &asking) }
        for index in things.things.indices { askHalves(index, things, &asking) }
        for pair in pairs(count, &asking.generator) { askRelations(pair.0, pair.1, things, &asking) }
        for index in things.things.indices { askWhat(index, things, &asking) }
        if isPlaced {
            repeat { askWhere(part, things, &asking) } while asking.questions.count < 4
        }
        generator = asking.generator
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func pairs(_ count: Int, _ generator: inout SplitMix64) -> [(Int, Int)] {
        let all = (0..<count).flatMap { one in (0..<one).map { (one, $0) } }
        return all.map { generator.draw(0...1) == 0 ? $0 : ($0.1, $0.0) }
    }

    private static func askWhere(_ part: Part, _ things: SceneThings, _ asking: inout Questioner) {
        let name = things.name(0, &asking.generator)
        asking.ask(
            place, [name], short: part.rawValue, sentence: "The \(name) is \(part.phrase).",
            truth: .words(right: [part.rawValue], wrong: Part.allCases.filter { $0 != part }.map(\.rawValue)))
    }

    private static func askWhether(_ part: Part, _ things: SceneThings, _ asking: inout Questioner) {
        let name = things.name(0, &asking.generator)
        let isTrue = asking.generator.draw(0...1) == 0
        let asked = isTrue ? part : asking.generator.draw(from: Part.allCases.filter { $0 != part })
        let fact = "the \(name) is \(part.phrase)"
        asking.ask(isAtPlace, [name, asked.phrase], isTrue: isTrue, yes: fact, no: fact)
    }

    private static func askHalves(_ index: Int, _ things: SceneThings, _ asking: inout Questioner) {
        let place = things.things[index].place
        let name = things.name(index, &asking.generator)
        let middle = 2 * ShapeScene.side
        for (axis, offset) in [place.centreX - middle, place.centreY - middle].enumerated()
        where abs(offset) >= margin.line {
            let words = axis == 0 ? ["left", "right"] : ["top", "bottom"]
            let phrases = axis == 0 ? words.map { "on the \($0) side" } : words.map { "in the \($0) half" }
            let actual = offset < 0 ? 0 : 1
            if asking.generator.draw(0...1) == 0 {
                asking.ask(
                    axis == 0 ? side : half, [name], short: words[actual],
                    sentence: "The \(name) is \(phrases[actual]).",
                    truth: .words(right: [words[actual]], wrong: [words[1 - actual]]))
            } else {
                let isTrue = asking.generator.draw(0...1) == 0
                let fact = "the \(name) is \(phrases[actual])"
                asking.ask(
                    isAtPlace, [name, phrases[isTrue ? actual : 1 - actual]], isTrue: isTrue, yes: fact, no: fact)
            }
        }
    }

    private static func askRelations(_ one: Int, _ other: Int, _ things: SceneThings, _ asking: inout Questioner) {
        let names = [one, other].map { things.name($0, &asking.generator) }
        for (axis, offset) in offsets(one, other, things).enumerated() where abs(offset) >= margin.thing {
            let isFirst = offset < 0
            if asking.generator.draw(0...2) == 0 {
                let word = asking.generator.draw(0...1) == 0 ? furthest[axis].0 : furthest[axis].1
                let winner = (word == furthest[axis].0) == isFirst ? 0 : 1
                asking.ask(
                    further, [word] + names, short: names[winner],
                    sentence: "The \(names[winner]) is further \(word).",
                    truth: .words(right: [names[winner]], wrong: [names[1 - winner]]))
            } else {
                let actual = isFirst ? directions[axis].0 : directions[axis].1
                let opposite = isFirst ? directions[axis].1 : directions[axis].0
                let isTrue = asking.generator.draw(0...1) == 0
                let fact = "the \(names[0]) is \(actual) the \(names[1])"
                asking.ask(
                    isRelated, [names[0], isTrue ? actual : opposite, names[1]], isTrue: isTrue, yes: fact, no: fact)
            }
        }
    }

    /// Asks for the relation of one object to another, if exactly one relation holds and no other nearly does.
    private static func askWhat(_ index: Int, _ things: SceneThings, _ asking: inout Questioner) {
        for axis in 0...1 {
            for sign in [-1, 1] {
                let others = things.things.indices.filter { $0 != index }
                let ahead = others.filter { offsets($0, index, things)[axis] * sign >= margin.thing }
                let behind = others.filter { offsets($0, index, things)[axis] * sign <= -margin.line }
                guard let found = ahead.first, ahead.count == 1, behind.count == others.count - 1 else { continue }
                let word = sign < 0 ? directions[axis].0 : directions[axis].1
                let name = things.name(index, &asking.generator)
                let pair = things.things[found].pair
                asking.ask(
                    related, [word, name], short: pair.name,
                    sentence: "The \(pair.name) is \(word) the \(name).",
                    truth: things.truth(found, mentioned: [index]))
            }
        }
    }

    /// The offset from the second object to the first: columns, rows.
    private static func offsets(_ one: Int, _ other: Int, _ things: SceneThings) -> [Int] {
        let (one, other) = (things.things[one].place, things.things[other].place)
        return [one.centreX - other.centreX, one.centreY - other.centreY]
    }
}
