import Support
import Typography

/// One to five dice, seen from above.
enum DiceDocument {
    private static let value = DocumentWording(
        "What number does the #1 show?", "What does the #1 show?", "Which number is on the #1?",
        "How many dots are on the #1?", "Read the #1.", "What is the number on the #1?", "How many dots has the #1?",
        "What did the #1 roll?", "What value does the #1 have?", "Tell me the number on the #1.",
        heldOut: ["The #1 shows which number?", "Count the dots on the #1."], allowsOneWord: true)
    private static let sum = DocumentWording(
        "What is the sum of the dice?", "How many dots are there in all?", "What do the dice add up to?",
        "What is the total of the dice?", "Add up the dice.", "What is the sum of all dots?",
        "How much did I roll in all?", "What is the total number of dots?", "What do the dice show together?",
        "Tell me the sum of the dice.", heldOut: ["Sum up the dice.", "How many points do the dice make?"],
        allowsOneWord: true)
    private static let number = DocumentWording(
        "How many dice are there?", "Count the dice.", "How many dice do you see?", "What is the number of dice?",
        "How many dice does the picture show?", "How many dice can you count?", "Tell me how many dice there are.",
        "How many dice are shown?", "How many dice are in the picture?", "Give me the number of dice.",
        heldOut: ["How many dice were rolled?", "What number of dice do you find?"], allowsOneWord: true)
    private static let howMany = DocumentWording(
        "How many dice show a #1?", "How many of the dice show #1?", "On how many dice is a #1?",
        "How many #1s were rolled?", "Count the dice that show #1.", "How many dice have #1 dots?",
        "What is the number of dice with a #1?", "How many times was a #1 rolled?", "How many #1s are there?",
        "How often do you see a #1?", heldOut: ["How many dice landed on #1?", "A #1 is on how many dice?"],
        allowsOneWord: true)

    static let wordings = [value, sum, number, howMany]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let count = page.generator.draw(1...5)
        let values = (0..<count).map { _ in page.generator.draw(1...6) }
        let side = Double(page.generator.draw(26...(count > 3 ? 60 : 90)))
        let gap = Int(side * Double(page.generator.draw(15...60)) / 100)
        // The test split alone shows dice in a column.
        let isHeldOut = page.split == .test && count > 1 && page.happens(2, in: 5)
        let dark = RGB(20, 20, 20)
        let known = page.generator.draw(0...1) == 0 ? page.colours(1, on: page.theme.ground)[0] : nil
        let body = known?.colour ?? (page.theme.isDark ? .white : RGB.white.mixed(with: .black, part: 15))
        let pip = body.luma > 110 ? dark : RGB.white
        var boxes: [ShapeScene.Box] = []
        for (index, value) in values.enumerated() {
            let along = index * (Int(side) + gap)
            let wobble = page.generator.draw(-gap / 2...gap / 2)
            let centre =
                isHeldOut
                ? Point(Double(wobble), Double(along)) : Point(Double(along), Double(wobble))
            let turns = page.generator.draw(0...2) == 0 ? Double(page.generator.draw(-60...60)) / 1000 : 0
            draw(value, centre, side, turns: turns, body, pip, page.theme.faint, on: &page)
            let box = ShapeScene.Box(
                x: Int(centre.x - side / 2), y: Int(centre.y - side / 2), width: Int(side), height: Int(side))
            page.note("die", colour: known?.name.rawValue, text: "\(value)", box)
            boxes.append(box)
        }
        let (width, height, shift) = page.room(around: boxes.united, margins: 8...40, edge: Int(side * 0.16) + 2)
        var asking = page.questioner()
        ask(values, isColumn: isHeldOut, &asking)
        return page.finished(
            width: width, height: height, shift: shift, layout: isHeldOut ? "column" : "row",
            isHeldOutLayout: isHeldOut,
            asking: asking)
    }

    private static func draw(
        _ value: Int, _ centre: Point, _ side: Double, turns: Double, _ body: RGB, _ pip: RGB, _ rim: RGB,
        on page: inout DocumentPage
    ) {
        let box = Outline(
            x: centre.x - side / 2, y: centre.y - side / 2, width: side, height: side, radius: side / 6
        ).turned(by: turns, around: centre)
        page.fill(box, body)
        page.fill(box.stroked(width: 1.2), rim)
        let step = side * 0.27
        for (column, row) in pips(value) {
            let point = Point(centre.x + Double(column) * step, centre.y + Double(row) * step)
            page.fill(Outline(circleAt: point, radius: side * 0.095).turned(by: turns, around: centre), pip)
        }
    }

    private static func pips(_ value: Int) -> [(Int, Int)] {
        let corners = [(-1, -1), (1, 1), (1, -1), (-1, 1)]
        return switch value {
        case 1: [(0, 0)]
        case 2: Array(corners.prefix(2))
        case 3: corners.prefix(2) + [(0, 0)]
        case 4: corners
        case 5: corners + [(0, 0)]
        default: corners + [(-1, 0), (1, 0)]
        }
    }

    private static func ask(_ values: [Int], isColumn: Bool, _ asking: inout DocumentQuestioner) {
        func ask(_ wording: DocumentWording, _ fillers: [String], _ answer: Int, _ sentence: String) {
            asking.ask(
                wording, fillers, short: "\(answer)", sentence: sentence, truth: .number(Double(answer), within: 0))
        }
        ask(number, [], values.count, values.count == 1 ? "There is 1 die." : "There are \(values.count) dice.")
        if values.count == 1 {
            ask(value, ["die"], values[0], "The die shows \(values[0]).")
        } else {
            let total = values.reduce(0, +)
            ask(sum, [], total, "The sum is \(total).")
            let ends = isColumn ? ["top die", "bottom die"] : ["left die", "right die"]
            for (end, value) in zip(ends, [values[0], values[values.count - 1]]) {
                ask(self.value, [end], value, "The \(end) shows \(value).")
            }
        }
        for _ in 0..<2 {
            let face =
                asking.generator.draw(0...1) == 0 ? asking.generator.draw(1...6) : asking.generator.draw(from: values)
            let count = values.count { $0 == face }
            let fact =
                count == 0
                ? "No die shows a \(face)." : count == 1 ? "1 die shows a \(face)." : "\(count) dice show a \(face)."
            ask(howMany, ["\(face)"], count, fact)
        }
    }
}
