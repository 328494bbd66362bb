import Support
import Typography

/// Scatter charts with one or two groups of points.
enum ScattersDocument {
    private static let relation = DocumentWording(
        "Does #1 grow with #2?", "Does #1 increase with #2?", "Does #1 go up when #2 goes up?",
        "Do the points rise to the right?", "Is #1 higher where #2 is higher?",
        "Is there a positive relation between #1 and #2?", "Do the points go up from left to right?",
        "Does more #2 mean more #1?", "Is the trend of the points upward?", "Does a higher #2 come with a higher #1?",
        heldOut: ["Would you say that #1 rises with #2?", "Do #1 and #2 rise together?"], allowsOneWord: true)
    private static let axis = DocumentWording(
        "What is on the #1 axis?", "What does the #1 axis show?", "What is the label of the #1 axis?",
        "What does the #1 axis say?", "Read the label of the #1 axis.", "What is the name of the #1 axis?",
        "Tell me what is on the #1 axis.", "What is written at the #1 axis?", "Which label has the #1 axis?",
        "What quantity is on the #1 axis?",
        heldOut: ["What does the #1 axis stand for?", "The #1 axis is labelled how?"])

    static let wordings = [relation, axis, ChartWordings.trend, ChartWordings.title, .count, .colour]

    private struct Group {
        let name: String
        let points: [(x: Double, y: Double)]
        let colour: RGB
        let word: SceneColour
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let direction = page.generator.draw(-1...1)
        let quantities = page.generator.shuffled([
            "Age", "Height", "Weight", "Price", "Speed", "Time", "Size", "Income", "Score", "Distance", "Depth", "Heat",
            "Area", "Rain", "Cost", "Mass", "Power", "Noise",
        ])
        let axes = [quantities[0], quantities[1]]
        let count = page.generator.draw(0...2) == 0 ? 2 : 1
        let colours = page.colours(count, on: page.theme.ground)
        let names = page.names(count, .groups)
        let total = page.generator.draw(0...2) == 0 ? page.generator.draw(4...9) : page.generator.draw(12...30)
        let groups = zip(names, colours).map { name, colour in
            Group(
                name: name, points: points(total / count, direction, &page.generator), colour: colour.colour,
                word: colour.name)
        }
        let title = page.generator.draw(0...3) > 0 ? DocumentPage.chartTitle(&page) : nil
        // The test split alone draws points as crosses.
        let isHeldOut = page.split == .test && page.happens(2, in: 5)
        let size = draw(groups, axes, title, isCrosses: isHeldOut, on: &page)
        var asking = page.questioner()
        ask(groups, axes, direction, title, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isHeldOut ? "crosses" : "dots",
            isHeldOutLayout: isHeldOut, asking: asking, wear: .screen)
    }

    /// Points in a square of side 1, apart from each other. A band around a line, or anywhere.
    private static func points(
        _ count: Int, _ direction: Int, _ generator: inout SplitMix64
    ) -> [(x: Double, y: Double)] {
        while true {
            let points = attempt(count, direction, &generator)
            if direction != 0 || abs(correlation(points)) < 0.2 { return points }
        }
    }

    /// Pearson's coefficient, -1 to 1.
    private static func correlation(_ points: [(x: Double, y: Double)]) -> Double {
        let count = Double(points.count)
        let (x, y) = (points.map(\.x).reduce(0, +) / count, points.map(\.y).reduce(0, +) / count)
        var (across, down, both) = (1e-12, 1e-12, 0.0)
        for point in points {
            across += (point.x - x) * (point.x - x)
            down += (point.y - y) * (point.y - y)
            both += (point.x - x) * (point.y - y)
        }
        return both / (across * down).squareRoot()
    }

    private static func attempt(
        _ count: Int, _ direction: Int, _ generator: inout SplitMix64
    ) -> [(x: Double, y: Double)] {
        var points: [(x: Double, y: Double)] = []
        var tries = 0
        while points.count < count, tries < 400 {
            tries += 1
            // Points are spread over the width by their number.
            let x = (Double(points.count) + Double(generator.uniform())) / Double(count)
            let along = direction > 0 ? x : 1 - x
            let noise = Double(generator.uniform())
            let y = direction == 0 ? noise : 0.1 + 0.7 * along + 0.18 * noise
            let point = (x: 0.04 + 0.92 * x, y: min(0.97, max(0.03, y)))
            let isFree = points.allSatisfy { abs($0.x - point.x) > 0.045 || abs($0.y - point.y) > 0.07 }
            if isFree { points.append(point) }
        }
        return points
    }

    private static func draw(
        _ groups: [Group], _ axes: [String], _ title: String?, isCrosses: Bool, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let chart = Chart(top: Chart.top(&page), hasTitle: title != nil, isAxisRight: false, on: &page)
        // The name of the vertical axis stands above it.
        let shift = chart.text.leading + chart.text.capitals / 2 + 2
        let plot = ShapeScene.Box(
            x: chart.plot.x, y: chart.plot.y + shift, width: max(chart.plot.width, 140), height: chart.plot.height)
        let lowered = Chart(chart, plot: plot)
        lowered.drawAxes(page.generator.draw(from: Chart.Rules.allCases), on: &page)
        let (ink, text) = (page.theme.ink, chart.text)
        let bottom = plot.y + plot.height
        page.note(
            "axis label", text: axes[1],
            page.write(axes[1], text, x: 8, baseline: plot.y - chart.text.capitals / 2 - 5, ink))
        let box = page.write(
            axes[0], text, x: plot.x + plot.width, baseline: bottom + 6 + text.capitals, ink, .right)
        page.note("axis label", text: axes[0], box)
        let radius = Double(page.generator.draw(5...9)) / 2
        for group in groups {
            for point in group.points {
                let centre = Point(
                    Double(plot.x) + point.x * Double(plot.width), Double(bottom) - point.y * Double(plot.height))
                drawPoint(centre, radius, group.colour, isCross: isCrosses, on: &page)
                page.note(
                    "point", colour: group.word.rawValue,
                    ShapeScene.Box(
                        x: Int(centre.x - radius), y: Int(centre.y - radius), width: Int(2 * radius),
                        height: Int(2 * radius)))
            }
        }
        chart.write(title: title, on: &page)
        let foot = bottom + text.leading + 8
        guard groups.count > 1 else { return (lowered.width(right: 0, title: title), foot + 2) }
        let legend = groups.map { (name: $0.name, colour: $0.colour, word: $0.word) }
        let edge = chart.write(legend: legend, x: plot.x, y: foot, on: &page)
        return (lowered.width(right: edge.right, title: title), edge.bottom + 4)
    }

    private static func drawPoint(
        _ centre: Point, _ radius: Double, _ colour: RGB, isCross: Bool, on page: inout DocumentPage
    ) {
        guard isCross else {
            page.fill(Outline(circleAt: centre, radius: radius), colour)
            return
        }
        for side in [-1.0, 1.0] {
            page.line(
                Point(centre.x - radius, centre.y - side * radius), Point(centre.x + radius, centre.y + side * radius),
                width: 1.6, colour)
        }
    }

    private static func ask(
        _ groups: [Group], _ axes: [String], _ direction: Int, _ title: String?, _ asking: inout DocumentQuestioner
    ) {
        if let title { asking.askText(ChartWordings.title, text: title, lead: "The title is") }
        asking.askTrend("the cloud of points", direction)
        let (x, y) = (axes[0].lowercased(), axes[1].lowercased())
        if direction != 0 {
            asking.ask(
                relation, [y, x], isTrue: direction > 0,
                fact: direction > 0 ? "\(y) grows with \(x)" : "\(y) falls when \(x) grows")
        }
        for (index, name) in [(0, ["horizontal", "x"]), (1, ["vertical", "y"])] {
            let name = asking.generator.draw(from: name)
            asking.askText(axis, [name], text: axes[index], lead: "The label of the \(name) axis is")
        }
        let count = groups.map(\.points.count).reduce(0, +)
        if count <= 9 { asking.askCount("point", count) }
        if groups.count > 1 {
            let group = asking.generator.draw(from: groups)
            asking.askColour(of: "the group of \(group.name)", group.word)
        }
    }
}

extension Chart {
    /// The chart with another plot.
    fileprivate init(_ chart: Chart, plot: ShapeScene.Box) {
        self.plot = plot
        (top, step, text, bold, head) = (chart.top, chart.step, chart.text, chart.bold, chart.head)
        isAxisRight = chart.isAxisRight
    }
}
