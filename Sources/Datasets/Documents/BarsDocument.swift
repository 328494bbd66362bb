import Support
import Typography

/// Bar charts, standing or lying.
enum BarsDocument {
    private static let extreme = DocumentWording(
        "Which bar is the #1?", "What is the #1 bar?", "Name the #1 bar.", "Which is the #1 bar?",
        "Tell me which bar is the #1.", "Which of the bars is the #1?", "What is the name of the #1 bar?",
        "Can you tell which bar is the #1?", "Say which bar is the #1.", "Which one is the #1 bar?",
        heldOut: ["Of all bars, which is the #1?", "Find the #1 bar.", "Which name stands at the #1 bar?"])

    static let wordings = [
        extreme, ChartWordings.value, ChartWordings.higher, ChartWordings.title, .count, .colour,
    ]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let names = page.names(page.generator.draw(2...6), .groups)
        let top = Chart.top(&page)
        let values = values(names.count, top: top, &page.generator)
        let title = page.generator.draw(0...3) > 0 ? DocumentPage.chartTitle(&page) : nil
        // Long names do not fit side by side.
        let isWide = ((names.map(\.count).max() ?? 0) * 9 + 8) * names.count > 420
        let isLying = page.generator.draw(0...2) == 0 || isWide
        // The test split alone has the axis on the right.
        let isHeldOut = page.split == .test && !isLying && page.happens(2, in: 5)
        let isLabelled = page.generator.draw(0...1) == 0
        let isColourful = page.generator.draw(0...1) == 0
        let several = page.colours(names.count, on: page.theme.ground)
        let colours = names.indices.map { several[isColourful ? $0 % several.count : 0] }
        let size =
            isLying
            ? drawLying(names, values, colours, top: top, title, isLabelled: isLabelled, on: &page)
            : drawStanding(
                names, values, colours, top: top, title, isLabelled: isLabelled, isAxisRight: isHeldOut, on: &page)
        var asking = page.questioner()
        ask(names, values, isColourful ? colours.map(\.name) : [], top: top, title, isLabelled: isLabelled, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isLying ? "lying" : isHeldOut ? "axis right" : "standing",
            isHeldOutLayout: isHeldOut, asking: asking, wear: .screen)
    }

    /// Values at least a fifteenth of the axis apart at both ends, so that the tallest and the shortest bar are clear.
    private static func values(_ count: Int, top: Int, _ generator: inout SplitMix64) -> [Int] {
        while true {
            let values = (0..<count).map { _ in generator.draw(max(1, top / 12)...top) }
            let sorted = values.sorted()
            let gap = max(1, top / 15)
            if count > 1, sorted[1] - sorted[0] >= gap, sorted[count - 1] - sorted[count - 2] >= gap,
                Set(values).count == count
            {
                return values
            }
        }
    }

    private typealias Colours = [(name: SceneColour, colour: RGB)]

    private static func drawStanding(
        _ names: [String], _ values: [Int], _ colours: Colours, top: Int, _ title: String?, isLabelled: Bool,
        isAxisRight: Bool, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        var chart = Chart(top: top, hasTitle: title != nil, isAxisRight: isAxisRight, on: &page)
        // Names stand side by side below the bars.
        let pitch = max(chart.text.width(ofWidest: names) + 8, chart.plot.width / names.count, 24)
        chart = chart.widened(to: pitch * names.count)
        chart.drawAxes(page.generator.draw(from: Chart.Rules.allCases), on: &page)
        let share = page.generator.draw(45...85)
        let bottom = chart.plot.y + chart.plot.height
        for (index, name) in names.enumerated() {
            let width = pitch * share / 100
            let row = Int(chart.y(Double(values[index])).rounded())
            let middle = chart.plot.x + pitch * index + pitch / 2
            let box = ShapeScene.Box(x: middle - width / 2, y: row, width: width, height: max(1, bottom - row))
            page.fill(box, colours[index].colour)
            page.note("bar", colour: colours[index].name.rawValue, text: name, box)
            page.write(name, chart.text, x: middle, baseline: bottom + 4 + chart.text.capitals, page.theme.ink, .centre)
            if isLabelled {
                page.write("\(values[index])", chart.text, x: middle, baseline: row - 3, page.theme.ink, .centre)
            }
        }
        chart.write(title: title, on: &page)
        return (chart.width(right: 0, title: title), bottom + chart.text.leading + 10)
    }

    private static func drawLying(
        _ names: [String], _ values: [Int], _ colours: Colours, top: Int, _ title: String?, isLabelled: Bool,
        on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let chart = Chart(top: top, hasTitle: title != nil, isAxisRight: false, on: &page)
        let text = chart.text
        let left = 10 + text.width(ofWidest: names) + 6
        let pitch = text.leading + page.generator.draw(3...14)
        let bottom = chart.head + pitch * names.count
        let width = chart.plot.width
        let faint = page.theme.ground.mixed(with: page.theme.ink, part: 45)
        let hasRules = page.generator.draw(0...1) == 0
        for value in stride(from: 0, through: top, by: chart.step) {
            let x = left + width * value / top
            if hasRules { page.fill(ShapeScene.Box(x: x, y: chart.head, width: 1, height: pitch * names.count), faint) }
            page.write("\(value)", text, x: x, baseline: bottom + 5 + text.capitals, page.theme.ink, .centre)
        }
        page.fill(ShapeScene.Box(x: left, y: chart.head, width: 1, height: pitch * names.count), page.theme.ink)
        for (index, name) in names.enumerated() {
            let thickness = pitch * 7 / 10
            let box = ShapeScene.Box(
                x: left + 1, y: chart.head + index * pitch + (pitch - thickness) / 2,
                width: max(1, width * values[index] / top), height: thickness)
            let baseline = chart.head + index * pitch + (pitch + text.capitals) / 2
            page.fill(box, colours[index].colour)
            page.note("bar", colour: colours[index].name.rawValue, text: name, box)
            page.write(name, text, x: left - 5, baseline: baseline, page.theme.ink, .right)
            if isLabelled {
                page.write("\(values[index])", text, x: box.x + box.width + 4, baseline: baseline, page.theme.ink)
            }
        }
        chart.write(title: title, on: &page)
        let room = isLabelled ? text.width(of: "\(top)") + 4 : text.width(of: "\(top)") / 2
        let right = max(left + width + room + 8, title.map { chart.bold.width(of: $0) + 14 } ?? 0)
        return (max(128, right), bottom + text.leading + 10)
    }

    private static func ask(
        _ names: [String], _ values: [Int], _ colours: [SceneColour], top: Int, _ title: String?, isLabelled: Bool,
        _ asking: inout DocumentQuestioner
    ) {
        let order = names.indices.sorted { values[$0] < values[$1] }
        if let first = order.first, let last = order.last {
            for (index, word) in [
                (last, ["tallest", "highest", "longest"]), (first, ["shortest", "lowest", "smallest"]),
            ] {
                let word = asking.generator.draw(from: word)
                asking.ask(
                    extreme, [word], short: names[index], sentence: "The \(word) bar is \(names[index]).",
                    truth: .words(right: [names[index]], wrong: names.filter { $0 != names[index] }), isReadOff: true)
            }
        }
        for index in asking.generator.shuffled(Array(names.indices)).prefix(2) {
            asking.ask(
                ChartWordings.value, [names[index]], short: "\(values[index])",
                sentence: "The value of \(names[index]) is \(values[index]).",
                truth: .number(Double(values[index]), within: isLabelled ? 0 : Double(top) / 20), isReadOff: isLabelled)
        }
        asking.askHigher(names, values)
        asking.askCount("bar", names.count)
        if let title { asking.askText(ChartWordings.title, text: title, lead: "The title is") }
        if !colours.isEmpty, Set(colours).count == colours.count {
            let index = asking.generator.draw(0...names.count - 1)
            asking.askColour(of: "the bar of \(names[index])", colours[index])
        }
    }
}

extension Chart {
    /// The chart with another width of its plot.
    func widened(to width: Int) -> Chart { Chart(self, width: width) }

    private init(_ chart: Chart, width: Int) {
        plot = ShapeScene.Box(x: chart.plot.x, y: chart.plot.y, width: width, height: chart.plot.height)
        (top, step, text, bold, head) = (chart.top, chart.step, chart.text, chart.bold, chart.head)
        isAxisRight = chart.isAxisRight
    }
}
