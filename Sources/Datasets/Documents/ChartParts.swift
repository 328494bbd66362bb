import Support
import Typography

/// What bar, line and scatter charts have in common: a plot with axes, a title and a legend.
struct Chart {
    /// The plot inside the axes, in pixels.
    let plot: ShapeScene.Box
    /// The value at the top of the plot; the bottom is 0.
    let top: Int
    /// Between two marks on the axis.
    let step: Int
    let text: Lettering
    let bold: Lettering
    /// The rows above the plot.
    let head: Int
    let isAxisRight: Bool

    /// The lines under the plot.
    enum Rules: CaseIterable {
        case none, horizontal, both
    }

    /// A chart with room for a title, and for labels on the axis that has the values.
    init(top: Int, hasTitle: Bool, isAxisRight: Bool, on page: inout DocumentPage) {
        let fonts = page.fonts(.office)
        let size = page.size(10...14)
        text = fonts.regular(size)
        bold = fonts.bold(size * Double(page.generator.draw(10...14)) / 10)
        self.top = top
        self.isAxisRight = isAxisRight
        // A number may stand on the highest bar.
        head = 8 + (hasTitle ? bold.leading + 6 : 4) + text.capitals
        let left = 10 + (isAxisRight ? 6 : text.width(of: "\(top)") + 6)
        let height = page.generator.draw(80...190)
        // Labels need room of their own height and a half between them.
        let most = height * 2 / (text.capitals * 5)
        step = top / page.generator.draw(from: [4, 5, 5, 10].filter { top % $0 == 0 && ($0 <= most || $0 <= 5) })
        plot = ShapeScene.Box(x: left, y: head, width: page.generator.draw(120...300), height: height)
    }

    /// The row of a value.
    func y(_ value: Double) -> Double {
        Double(plot.y) + Double(plot.height) * (1 - value / Double(top))
    }

    /// The tops of charts: the highest mark on the axis.
    static func top(_ page: inout DocumentPage) -> Int {
        page.generator.draw(from: [10, 20, 50, 100, 100, 200, 500, 1000])
    }

    /// Draws the axes with their marks.
    func drawAxes(_ rules: Rules, on page: inout DocumentPage) {
        let (ink, faint) = (page.theme.ink, page.theme.ground.mixed(with: page.theme.ink, part: 45))
        let bottom = plot.y + plot.height
        let right = plot.x + plot.width
        for value in stride(from: 0, through: top, by: step) {
            let row = Int(y(Double(value)).rounded())
            if rules != .none, value > 0 {
                page.fill(ShapeScene.Box(x: plot.x, y: row, width: plot.width, height: 1), faint)
            }
            page.write(
                "\(value)", text, x: isAxisRight ? right + 5 : plot.x - 5, baseline: row + text.capitals / 2, ink,
                isAxisRight ? .left : .right)
        }
        page.fill(ShapeScene.Box(x: plot.x, y: bottom, width: plot.width, height: 1), ink)
        page.fill(ShapeScene.Box(x: isAxisRight ? right : plot.x, y: plot.y, width: 1, height: plot.height), ink)
    }

    /// Writes the title above the plot.
    func write(title: String?, on page: inout DocumentPage) {
        guard let title else { return }
        let middle = plot.x + plot.width / 2
        let half = bold.width(of: title) / 2
        let box = page.write(
            title, bold, x: max(middle, half + 6), baseline: 8 + bold.capitals, page.theme.ink, .centre)
        page.note("title", text: title, box)
    }

    /// Writes a legend below `y`, or to the right of `x` if `isBeside`. Returns its right and lower edges.
    func write(
        legend: [(name: String, colour: RGB, word: SceneColour)], x: Int, y: Int, on page: inout DocumentPage
    ) -> (right: Int, bottom: Int) {
        var row = y
        var right = x
        for entry in legend {
            let side = Double(text.capitals)
            page.fill(Outline(x: Double(x), y: Double(row), width: side, height: side), entry.colour)
            let box = page.write(
                entry.name, text, x: x + Int(side) + 6, baseline: row + text.capitals, page.theme.ink)
            page.note("legend entry", colour: entry.word.rawValue, text: entry.name, box)
            right = max(right, box.x + box.width)
            row += text.leading + 2
        }
        return (right, row)
    }

    /// The width of a page with this chart and everything to the right of its plot.
    func width(right: Int, title: String?) -> Int {
        let axis = plot.x + plot.width + (isAxisRight ? text.width(of: "\(top)") + 14 : 10)
        return max(128, axis, right + 8, title.map { edge(of: $0, middle: plot.x + plot.width / 2) } ?? 0)
    }

    /// The right edge of a title in the middle of something, with a margin.
    func edge(of title: String, middle: Int) -> Int {
        let half = (bold.width(of: title) + 1) / 2
        return max(middle, half + 6) + half + 6
    }
}

/// Wordings of charts.
enum ChartWordings {
    static let value = DocumentWording(
        "What is the value of #1?", "What value does #1 have?", "How high is #1?", "How much is #1?",
        "Which value does the chart show for #1?", "Tell me the value of #1.", "Read the value of #1.",
        "What number belongs to #1?", "What is the value for #1?", "Look up the value of #1 in the chart.",
        "What does the chart say about #1?",
        heldOut: ["Give the value of #1.", "#1 has which value?", "Estimate the value of #1."])
    static let higher = DocumentWording(
        "Is #1 higher than #2?", "Is #1 more than #2?", "Does #1 have a higher value than #2?",
        "Is the value of #1 higher than that of #2?", "Is #1 larger than #2?", "Is #1 above #2?",
        "Does #1 have more than #2?", "Is the value of #1 greater than the value of #2?",
        "Would you say that #1 is higher than #2?", "Is it true that #1 is higher than #2?",
        heldOut: ["Does #1 beat #2?", "Compared with #2, is #1 higher?"], allowsOneWord: true)
    static let trend = DocumentWording(
        "How does the trend of #1 look?", "Which way does #1 go?", "Does #1 go up or down?", "Is #1 rising or falling?",
        "What trend does #1 show?", "Does #1 rise or fall?", "How does #1 develop?", "In which direction does #1 go?",
        "Is the trend of #1 up or down?", "What is the trend of #1?",
        heldOut: ["Which direction does #1 take?", "Is #1 growing or shrinking?"])
    static let title = DocumentWording(
        "What is the title of the chart?", "What is the chart about?", "What is the title?",
        "What does the title say?", "Read the title.", "What is the chart called?", "Tell me the title of the chart.",
        "What is the name of the chart?", "What is written above the chart?", "Which title does the chart have?",
        heldOut: ["What is the heading of the chart?", "How is the chart titled?"])

    /// Words for a trend.
    static let up = ["up", "upward", "upwards", "rising", "rises", "increasing", "increases", "growing", "grows"]
    static let down = ["down", "downward", "downwards", "falling", "falls", "decreasing", "decreases", "shrinking"]
    static let flat = ["flat", "constant", "stable", "level", "neither", "no trend", "random", "none"]
}

extension DocumentQuestioner {
    /// Asks whether one value is higher than another.
    mutating func askHigher(_ names: [String], _ values: [Int]) {
        let pair = generator.shuffled(Array(names.indices)).prefix(2)
        guard pair.count == 2, values[pair[0]] != values[pair[1]] else { return }
        let isTrue = values[pair[0]] > values[pair[1]]
        ask(
            ChartWordings.higher, [names[pair[0]], names[pair[1]]], isTrue: isTrue,
            fact: "\(names[pair[0]]) is \(isTrue ? "higher" : "lower") than \(names[pair[1]])")
    }

    /// Asks for the direction of a trend: 1 for up, -1 for down, 0 for neither.
    mutating func askTrend(_ noun: String, _ direction: Int) {
        let words = [ChartWordings.down, ChartWordings.flat, ChartWordings.up]
        let right = words[direction + 1]
        let short = ["down", "flat", "up"][direction + 1]
        let sentence = ["goes down", "stays flat", "goes up"][direction + 1]
        ask(
            ChartWordings.trend, [noun], short: short, sentence: "\(noun.capitalizedFirst) \(sentence).",
            truth: .words(right: right, wrong: words.joined().filter { !right.contains($0) }))
    }
}
