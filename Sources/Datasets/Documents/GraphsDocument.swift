import Support
import Typography

/// Line charts of one to three series.
enum GraphsDocument {
    private static let highest = DocumentWording(
        "When is the line #1?", "At which point is the line #1?", "Where does the line reach its #2 value?",
        "When is the #2 value reached?", "For which label is the value #1?", "Which label has the #2 value?",
        "At what label is the line #1?", "Where is the line #1?", "Which point is the #2?",
        "Tell me where the line is #1.", heldOut: ["Find the label where the line is #1.", "Which label is the #2?"])
    private static let names = DocumentWording(
        "What does the legend say?", "Which lines are there?", "What are the lines called?", "Name the lines.",
        "Which series does the chart show?", "Read the legend.", "What entries does the legend have?",
        "List the entries of the legend.", "What is in the legend?", "Which names are in the legend?",
        heldOut: ["What do the lines stand for?", "Which series are plotted?"])

    static let wordings = [
        highest, names, ChartWordings.value, ChartWordings.trend, ChartWordings.title, .count, .colour,
    ]

    private struct Series {
        let name: String
        let values: [Int]
        let direction: Int
        let colour: RGB
        let word: SceneColour
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let labels = labels(&page)
        let top = Chart.top(&page)
        let count = page.generator.draw(from: [1, 1, 1, 2, 3])
        let colours = page.colours(count, on: page.theme.ground)
        let names = page.names(count, .groups)
        let series = zip(names, colours).map { name, colour in
            let direction = page.generator.draw(-1...1)
            return Series(
                name: name, values: values(labels.count, top: top, direction, &page.generator), direction: direction,
                colour: colour.colour, word: colour.name)
        }
        let title = page.generator.draw(0...3) > 0 ? DocumentPage.chartTitle(&page) : nil
        // The test split alone fills the area below the line.
        let isHeldOut = page.split == .test && count == 1 && page.happens(2, in: 5)
        let hasMarks = page.generator.draw(0...1) == 0
        let size = draw(series, labels, top: top, title, hasMarks: hasMarks, isFilled: isHeldOut, on: &page)
        var asking = page.questioner()
        ask(series, labels, top: top, title, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isHeldOut ? "area" : "lines", isHeldOutLayout: isHeldOut,
            asking: asking, wear: .screen)
    }

    private static func labels(_ page: inout DocumentPage) -> [String] {
        let count = page.generator.draw(4...7)
        switch page.generator.draw(0...3) {
        case 0:
            let first = page.generator.draw(1980...2022)
            return (0..<count).map { "\(first + $0)" }
        case 1:
            let first = page.generator.draw(0...(12 - count))
            return DocumentVocabulary.months[first..<(first + count)].map { String($0.prefix(3)) }
        case 2:
            return DocumentVocabulary.weekdays.prefix(count).map { String($0.prefix(3)) }
        default:
            let letter = page.generator.draw(from: ["Q", "W", "Day ", "P"])
            return (1...count).map { "\(letter)\($0)" }
        }
    }

    /// Values that mostly rise, mostly fall, or stay within a narrow band.
    private static func values(
        _ count: Int, top: Int, _ direction: Int, _ generator: inout SplitMix64
    ) -> [Int] {
        if direction == 0 {
            let middle = generator.draw(top / 4...top * 3 / 4)
            return (0..<count).map { _ in middle + generator.draw(-max(1, top / 40)...max(1, top / 40)) }
        }
        let (low, high) = (generator.draw(top / 12...top * 3 / 10), generator.draw(top * 13 / 20...top * 19 / 20))
        let rising = (0..<count).map { index in
            let noise = index == 0 || index == count - 1 ? 0 : generator.draw(-top / 14...top / 14)
            return max(0, min(top, low + (high - low) * index / (count - 1) + noise))
        }
        return direction > 0 ? rising : rising.reversed()
    }

    private static func draw(
        _ series: [Series], _ labels: [String], top: Int, _ title: String?, hasMarks: Bool, isFilled: Bool,
        on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        var chart = Chart(top: top, hasTitle: title != nil, isAxisRight: false, on: &page)
        let pitch = max(chart.text.width(ofWidest: labels) + 8, chart.plot.width / labels.count)
        chart = chart.widened(to: pitch * labels.count)
        chart.drawAxes(page.generator.draw(from: Chart.Rules.allCases), on: &page)
        let bottom = chart.plot.y + chart.plot.height
        let middles = labels.indices.map { chart.plot.x + pitch * $0 + pitch / 2 }
        for (label, x) in zip(labels, middles) {
            page.write(label, chart.text, x: x, baseline: bottom + 4 + chart.text.capitals, page.theme.ink, .centre)
        }
        let width = Double(page.generator.draw(3...7)) / 2
        for one in series {
            let points = zip(middles, one.values).map { Point(Double($0), chart.y(Double($1))) }
            if isFilled, let first = points.first, let last = points.last {
                let under = [Point(last.x, Double(bottom)), Point(first.x, Double(bottom))]
                page.fill(Outline(polygon: points + under), one.colour.mixed(with: page.theme.ground, part: 140))
            }
            page.fill(Outline(line: points, width: width), one.colour)
            if hasMarks { for point in points { page.fill(Outline(circleAt: point, radius: width + 1), one.colour) } }
            let rows = points.map { Int($0.y) }
            page.note(
                "line", colour: one.word.rawValue, text: one.name,
                ShapeScene.Box(
                    x: middles[0], y: rows.min() ?? 0, width: middles[middles.count - 1] - middles[0],
                    height: max(1, (rows.max() ?? 0) - (rows.min() ?? 0))))
        }
        chart.write(title: title, on: &page)
        let foot = bottom + chart.text.leading + 8
        guard series.count > 1 else { return (chart.width(right: 0, title: title), foot + 4) }
        let legend = series.map { (name: $0.name, colour: $0.colour, word: $0.word) }
        let isBeside = page.generator.draw(0...1) == 0 && chart.plot.x + chart.plot.width < 380
        let edge = chart.write(
            legend: legend, x: isBeside ? chart.plot.x + chart.plot.width + 12 : chart.plot.x,
            y: isBeside ? chart.plot.y + 6 : foot, on: &page)
        return (chart.width(right: edge.right, title: title), max(foot, edge.bottom) + 4)
    }

    private static func ask(
        _ series: [Series], _ labels: [String], top: Int, _ title: String?, _ asking: inout DocumentQuestioner
    ) {
        if let title { asking.askText(ChartWordings.title, text: title, lead: "The title is") }
        let tolerance = Double(top) / 20
        for one in series.prefix(2) {
            let noun = series.count == 1 ? "the line" : "the \(one.word) line"
            asking.askTrend(noun, one.direction)
            let index = asking.generator.draw(0...labels.count - 1)
            let subject = series.count == 1 ? labels[index] : "\(one.name) at \(labels[index])"
            asking.ask(
                ChartWordings.value, [subject], short: "\(one.values[index])",
                sentence: "The value of \(subject) is \(one.values[index]).",
                truth: .number(Double(one.values[index]), within: tolerance))
        }
        asking.askCount("line", series.count)
        if series.count > 1 {
            let index = asking.generator.draw(0...series.count - 1)
            asking.askColour(of: "the line of \(series[index].name)", series[index].word)
            asking.ask(
                names, short: series.map(\.name).joined(separator: ", "),
                sentence: "The legend says \(Phrase.list(series.map(\.name))).",
                truth: .list(of: series.map(\.name), noneOf: [], isOrdered: false), isReadOff: true)
        } else if let line = series.first {
            askExtreme(line, labels, gap: top / 20, &asking)
            while asking.questions.count < 3 { asking.askTrend("the line", line.direction) }
        }
    }

    /// Where the line is highest or lowest, if that is clear.
    private static func askExtreme(
        _ line: Series, _ labels: [String], gap: Int, _ asking: inout DocumentQuestioner
    ) {
        let order = labels.indices.sorted { line.values[$0] < line.values[$1] }
        let isHighest = asking.generator.draw(0...1) == 0
        let ranked = isHighest ? order.reversed() : order
        guard ranked.count > 1, abs(line.values[ranked[0]] - line.values[ranked[1]]) >= max(1, gap) else { return }
        let label = labels[ranked[0]]
        asking.ask(
            highest, isHighest ? ["at its highest", "highest"] : ["at its lowest", "lowest"], short: label,
            sentence: "The line is \(isHighest ? "highest" : "lowest") at \(label).",
            truth: .words(right: [label], wrong: labels.filter { $0 != label }), isReadOff: true)
    }
}
