import Support
import Typography

/// A clock with two hands.
enum ClocksDocument {
    private static let time = DocumentWording(
        "What time is it?", "What time does the clock show?", "Which time is shown?", "Read the clock.",
        "Tell me the time.", "What is the time on the clock?", "What does the clock say?", "What time do you see?",
        "Can you read the time?", "Please read the clock.",
        heldOut: ["How late is it?", "The clock shows what time?", "Give me the time on the clock."])
    private static let isTime = DocumentWording(
        "Is it #1?", "Does the clock show #1?", "Is the time #1?", "Does the clock say #1?", "Do you read #1?",
        "Is it #1 on the clock?", "Would you say that it is #1?", "Is #1 the time?", "Is the clock at #1?",
        "Is it true that it is #1?", heldOut: ["Could it be #1?", "Does this clock stand at #1?"], allowsOneWord: true)
    private static let hand = DocumentWording(
        "Which number does the minute hand point to?", "Where does the long hand point?",
        "To which number does the long hand point?", "What number is the minute hand at?",
        "Which number is the long hand on?", "The minute hand points to which number?",
        "At which number is the minute hand?", "Tell me the number that the long hand points to.",
        "What does the long hand point to?", "Which number does the long hand show?",
        heldOut: ["On what number does the minute hand stand?", "Find the number at the long hand."],
        allowsOneWord: true)

    static let wordings = [time, isTime, hand]

    /// What stands on the dial.
    private enum Dial {
        case numbers, quarters, marks
        /// A square dial, in the test split alone.
        case square
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let (hour, minute) = (page.generator.draw(1...12), 5 * page.generator.draw(0...11))
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let dial = isHeldOut ? Dial.square : page.generator.draw(from: [.numbers, .numbers, .quarters, .marks])
        let radius = Double(page.generator.draw(45...110))
        let side = max(128, Int(2 * radius) + page.generator.draw(8...60))
        let height = Int(2 * radius) + page.generator.draw(8...40)
        let slack = (side - Int(2 * radius), height - Int(2 * radius))
        let centre = Point(
            radius + Double(page.generator.draw(2...slack.0 - 2)), radius + Double(page.generator.draw(2...slack.1 - 2))
        )
        drawDial(dial, centre, radius, on: &page)
        drawHands(hour, minute, centre, radius, on: &page)
        page.note(
            "clock", text: text(hour, minute),
            ShapeScene.Box(
                x: Int(centre.x - radius), y: Int(centre.y - radius), width: Int(2 * radius), height: Int(2 * radius)))
        var asking = page.questioner()
        ask(hour, minute, &asking)
        return page.finished(
            width: side, height: height, layout: "\(dial)", isHeldOutLayout: isHeldOut, asking: asking)
    }

    private static func text(_ hour: Int, _ minute: Int) -> String { "\(hour):\(ReceiptsDocument.padded(minute))" }

    private static func drawDial(_ dial: Dial, _ centre: Point, _ radius: Double, on page: inout DocumentPage) {
        let (theme, rim) = (page.theme, Double(page.generator.draw(3...8)) / 2)
        let plate = page.generator.draw(0...1) == 0 ? theme.ground : theme.ground.mixed(with: theme.ink, part: 20)
        if dial == .square {
            let box = Outline(
                x: centre.x - radius + rim, y: centre.y - radius + rim, width: 2 * (radius - rim),
                height: 2 * (radius - rim), radius: radius / 8)
            page.fill(box, plate)
            page.fill(box.stroked(width: rim), theme.ink)
        } else {
            page.fill(Outline(circleAt: centre, radius: radius - 1), theme.ink)
            page.fill(Outline(circleAt: centre, radius: radius - 1 - rim), plate)
        }
        for mark in 0..<12 {
            let isLong = mark % 3 == 0
            let turns = Double(mark) / 12
            page.line(
                .onCircle(centre, radius: radius * (isLong ? 0.84 : 0.89), turns: turns),
                .onCircle(centre, radius: radius * 0.95, turns: turns), width: isLong ? 2.5 : 1.5, theme.ink)
        }
        guard dial == .numbers || dial == .quarters || dial == .square else { return }
        let lettering = page.fonts(.office).bold(max(9, radius / 5.5))
        for number in stride(from: dial == .quarters ? 3 : 1, through: 12, by: dial == .quarters ? 3 : 1) {
            let point = Point.onCircle(centre, radius: radius * 0.70, turns: Double(number) / 12)
            page.write(
                "\(number)", lettering, x: Int(point.x.rounded()),
                baseline: Int((point.y + Double(lettering.capitals) / 2).rounded()), theme.ink, .centre)
        }
    }

    private static func drawHands(
        _ hour: Int, _ minute: Int, _ centre: Point, _ radius: Double, on page: inout DocumentPage
    ) {
        let hourTurns = (Double(hour % 12) + Double(minute) / 60) / 12
        let minuteTurns = Double(minute) / 60
        let thickness = max(3.5, radius * Double(page.generator.draw(5...9)) / 100)
        let colour =
            page.generator.draw(0...2) == 0
            ? page.colours(1, on: page.theme.ground, contrast: 80).first?.colour ?? page.theme.ink : page.theme.ink
        let hourEnd = Point.onCircle(centre, radius: radius * 0.46, turns: hourTurns)
        let minuteEnd = Point.onCircle(centre, radius: radius * 0.82, turns: minuteTurns)
        page.line(centre, hourEnd, width: thickness, colour)
        page.line(centre, minuteEnd, width: thickness * 0.6, colour)
        page.fill(Outline(circleAt: centre, radius: thickness), colour)
    }

    private static func ask(_ hour: Int, _ minute: Int, _ asking: inout DocumentQuestioner) {
        let shown = text(hour, minute)
        asking.ask(
            time, short: shown, sentence: "It is \(shown).", truth: .time(hour: hour, minute: minute))
        let isTrue = asking.generator.draw(0...1) == 0
        var told = (hour, minute)
        while !isTrue && told == (hour, minute) {
            told =
                asking.generator.draw(0...1) == 0
                ? (asking.generator.draw(1...12), minute) : (hour, 5 * asking.generator.draw(0...11))
        }
        asking.ask(isTime, [text(told.0, told.1)], isTrue: isTrue, fact: "it is \(shown)")
        let number = minute == 0 ? 12 : minute / 5
        asking.ask(
            hand, short: "\(number)", sentence: "The minute hand points to \(number).",
            truth: .number(Double(number), within: 0))
    }
}
