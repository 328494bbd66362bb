import Support
import Typography

/// One to four arrows in different directions.
enum ArrowsDocument {
    private static let direction = DocumentWording(
        "Which way does #1 point?", "In which direction does #1 point?", "Where does #1 point?",
        "What direction does #1 show?", "Which direction does #1 point to?", "To which side does #1 point?",
        "Tell me the direction of #1.", "What is the direction of #1?", "Which direction does #1 show?",
        "Where is #1 pointing?", heldOut: ["#1 points where?", "Follow #1: which way does it lead?"])
    private static let pointsTo = DocumentWording(
        "Does #1 point #2?", "Is #1 pointing #2?", "Does #1 go #2?", "Is it true that #1 points #2?",
        "Would you say that #1 points #2?", "Does #1 lead #2?", "Is #1 directed #2?",
        "Do you see #1 point #2?", "Does the head of #1 point #2?", "Does the tip of #1 point #2?",
        heldOut: ["Am I right that #1 points #2?", "Would #1 take me #2?"], allowsOneWord: true)
    private static let which = DocumentWording(
        "Which arrow points #1?", "What color is the arrow that points #1?", "Which arrow is pointing #1?",
        "What is the color of the arrow that points #1?", "Tell me the color of the arrow that points #1.",
        "Of which color is the arrow that points #1?", "The arrow that points #1 has which color?",
        "Name the color of the arrow that points #1.", "Which color has the arrow that points #1?",
        "Which one of the arrows points #1?",
        heldOut: ["Find the arrow that points #1: what color is it?", "Name the arrow that points #1 by its color."])

    static let wordings = [direction, pointsTo, which, DocumentWording.count, .colour]

    /// A direction with the words for it.
    private struct Direction {
        /// Clockwise from up, in eighths of a turn.
        let eighths: Int
        let word: String
        let others: [String]

        static let all = [
            Direction(eighths: 0, word: "up", others: ["upward", "upwards", "top", "north"]),
            Direction(eighths: 2, word: "right", others: ["rightward", "rightwards", "east"]),
            Direction(eighths: 4, word: "down", others: ["downward", "downwards", "bottom", "south"]),
            Direction(eighths: 6, word: "left", others: ["leftward", "leftwards", "west"]),
        ]

        /// As a question says it.
        var phrase: String { word == "up" || word == "down" ? word : "to the \(word)" }
    }

    private struct Arrow {
        let direction: Direction
        let colour: SceneColour
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let count = page.generator.draw(1...4)
        let directions = page.generator.shuffled(Direction.all)
        let colours = page.colours(count, on: page.theme.ground)
        let arrows = zip(directions, colours).map { Arrow(direction: $0, colour: $1.name) }
        let side = Double(page.generator.draw(36...(count > 2 ? 80 : 110)))
        let gap = Double(page.generator.draw(8...30))
        // The test split alone shows thin arrows with an open head.
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let shaft = Double(page.generator.draw(16...34)) / 100
        var boxes: [ShapeScene.Box] = []
        for (index, arrow) in arrows.enumerated() {
            let centre = Point((side + gap) * Double(index), Double(page.generator.draw(-15...15)))
            let outline =
                (isHeldOut ? open(centre, side) : solid(centre, side, shaft: shaft))
                .turned(by: Double(arrow.direction.eighths) / 8, around: centre)
            page.fill(outline, colours[index].colour)
            let box = ShapeScene.Box(
                x: Int(centre.x - side / 2), y: Int(centre.y - side / 2), width: Int(side), height: Int(side))
            page.note("arrow", colour: arrow.colour.rawValue, text: arrow.direction.word, box)
            boxes.append(box)
        }
        let (width, height, shift) = page.room(around: boxes.united, margins: 6...40)
        var asking = page.questioner()
        ask(arrows, &asking)
        return page.finished(
            width: width, height: height, shift: shift, layout: isHeldOut ? "open" : "solid",
            isHeldOutLayout: isHeldOut,
            asking: asking)
    }

    /// An arrow that points up.
    private static func solid(_ centre: Point, _ side: Double, shaft: Double) -> Outline {
        let (half, neck) = (side / 2, side * shaft / 2)
        return Outline(polygon: [
            Point(centre.x, centre.y - half), Point(centre.x + half * 0.8, centre.y), Point(centre.x + neck, centre.y),
            Point(centre.x + neck, centre.y + half), Point(centre.x - neck, centre.y + half),
            Point(centre.x - neck, centre.y), Point(centre.x - half * 0.8, centre.y),
        ])
    }

    private static func open(_ centre: Point, _ side: Double) -> Outline {
        let (half, width) = (side / 2, max(2.5, side / 16))
        let tip = Point(centre.x, centre.y - half)
        var outline = Outline(line: [tip, Point(centre.x, centre.y + half)], width: width)
        outline.add(
            Outline(
                line: [
                    Point(centre.x - half * 0.5, centre.y - half * 0.4), tip,
                    Point(centre.x + half * 0.5, centre.y - half * 0.4),
                ], width: width))
        return outline
    }

    private static func ask(_ arrows: [Arrow], _ asking: inout DocumentQuestioner) {
        for arrow in asking.generator.shuffled(arrows).prefix(2) {
            let name = arrows.count == 1 ? "the arrow" : "the \(arrow.colour) arrow"
            let other = Direction.all.filter { $0.eighths != arrow.direction.eighths }
            asking.ask(
                direction, [name], short: arrow.direction.word, sentence: "It points \(arrow.direction.phrase).",
                truth: .words(
                    right: [arrow.direction.word] + arrow.direction.others,
                    wrong: other.flatMap { [$0.word] + $0.others }))
            let isTrue = asking.generator.draw(0...1) == 0
            let told = isTrue ? arrow.direction : asking.generator.draw(from: other)
            asking.ask(
                pointsTo, [name, told.phrase], isTrue: isTrue, fact: "it points \(arrow.direction.phrase)")
        }
        if arrows.count > 1 {
            let arrow = asking.generator.draw(from: arrows)
            asking.ask(
                which, [arrow.direction.phrase], short: arrow.colour.rawValue,
                sentence: "The \(arrow.colour) arrow points \(arrow.direction.phrase).",
                truth: .words(
                    right: [arrow.colour.rawValue],
                    wrong: SceneColour.allCases.filter { $0 != arrow.colour }.map(\.rawValue)))
        } else if let arrow = arrows.first {
            asking.askColour(of: "the arrow", arrow.colour)
        }
        asking.askCount("arrow", arrows.count)
    }
}
