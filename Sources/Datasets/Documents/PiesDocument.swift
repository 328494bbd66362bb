import Support
import Typography

/// Pie charts with names at the slices or in a legend.
enum PiesDocument {
    private static let extreme = DocumentWording(
        "Which slice is the #1?", "What is the #1 slice?", "Name the #1 slice.", "Which is the #1 part?",
        "Tell me which slice is the #1.", "Which of the slices is the #1?", "What has the #1 share?",
        "Which part of the pie is the #1?", "Say which slice is the #1.", "Which one is the #1 slice?",
        heldOut: ["Of all slices, which is the #1?", "Find the #1 slice.", "Which has the #1 part of the pie?"])
    private static let share = DocumentWording(
        "What is the share of #1?", "What percentage does #1 have?", "How many percent is #1?",
        "What share does #1 have?", "Tell me the percentage of #1.", "How much of the pie is #1?",
        "What part of the whole is #1, in percent?", "Which percentage belongs to #1?", "What is the percentage of #1?",
        "How large is the share of #1?", heldOut: ["#1 is how many percent?", "Give the share of #1 in percent."])

    static let wordings = [extreme, share, ChartWordings.higher, ChartWordings.title, .count, .colour]

    private struct Slice {
        let name: String
        /// Percent.
        let share: Int
        let colour: RGB
        let word: SceneColour
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let count = page.generator.draw(2...6)
        let names = page.names(count, .groups)
        let colours = page.colours(count, on: page.theme.ground)
        let shares = shares(colours.count, &page.generator)
        let slices = zip(zip(names, shares), colours).map {
            Slice(name: $0.0, share: $0.1, colour: $1.colour, word: $1.name)
        }
        let title = page.generator.draw(0...3) > 0 ? DocumentPage.chartTitle(&page) : nil
        // The test split alone shows rings.
        let isHeldOut = page.split == .test && page.happens(2, in: 5)
        let hasShares = page.generator.draw(0...1) == 0
        let size = draw(slices, title, isRing: isHeldOut, hasShares: hasShares, on: &page)
        var asking = page.questioner()
        ask(slices, title, hasShares: hasShares, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isHeldOut ? "ring" : "pie", isHeldOutLayout: isHeldOut,
            asking: asking, wear: .screen)
    }

    /// Percentages that sum to 100. The largest and the smallest one are four or more from the next.
    private static func shares(_ count: Int, _ generator: inout SplitMix64) -> [Int] {
        while true {
            let weights = (0..<count).map { _ in generator.draw(5...60) }
            let sum = weights.reduce(0, +)
            var shares = weights.map { $0 * 100 / sum }
            shares[0] += 100 - shares.reduce(0, +)
            let sorted = shares.sorted()
            if sorted[0] >= 4, sorted[1] - sorted[0] >= 3, sorted[count - 1] - sorted[count - 2] >= 4 { return shares }
        }
    }

    private static func draw(
        _ slices: [Slice], _ title: String?, isRing: Bool, hasShares: Bool, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let chart = Chart(top: 100, hasTitle: title != nil, isAxisRight: false, on: &page)
        let text = chart.text
        let radius = Double(page.generator.draw(45...90))
        let labels = slices.map { hasShares ? "\($0.name) \($0.share)%" : $0.name }
        let hasLegend = page.generator.draw(0...1) == 0
        let side = hasLegend ? 10 : text.width(ofWidest: labels) + 14
        let rim = hasLegend ? 6 : text.leading + 4
        let centre = Point(Double(side) + radius, Double(chart.head + rim) + radius)
        var start = Double(page.generator.draw(0...7)) / 8
        for (slice, label) in zip(slices, labels) {
            let end = start + Double(slice.share) / 100
            let outline = Outline(
                sectorAt: centre, radius: radius, inner: isRing ? radius * 0.55 : 0, from: start, to: end)
            page.fill(outline, slice.colour)
            page.fill(outline.stroked(width: 1), page.theme.ground)
            let bounds = outline.bounds ?? (centre.x, centre.y, centre.x + 1, centre.y + 1)
            page.note(
                "slice", colour: slice.word.rawValue, text: slice.name,
                ShapeScene.Box(
                    x: Int(bounds.left), y: Int(bounds.top), width: max(1, Int(bounds.right - bounds.left)),
                    height: max(1, Int(bounds.bottom - bounds.top))))
            if !hasLegend { write(label, text, centre, radius, at: (start + end) / 2, on: &page) }
            start = end
        }
        let bottom = chart.head + 2 * rim + Int(2 * radius)
        let right = 2 * side + Int(2 * radius)
        writeTitle(title, chart, middle: right / 2, on: &page)
        guard hasLegend else {
            return (max(128, right, title.map { chart.edge(of: $0, middle: right / 2) } ?? 0), bottom + 6)
        }
        let legend = zip(slices, labels).map { (name: $1, colour: $0.colour, word: $0.word) }
        let isBeside = page.generator.draw(0...1) == 0
        let edge = chart.write(
            legend: legend, x: isBeside ? right + 8 : 14, y: isBeside ? chart.head + 10 : bottom + 6, on: &page)
        let width = max(128, right, edge.right + 8, title.map { chart.edge(of: $0, middle: right / 2) } ?? 0)
        return (width, max(bottom, edge.bottom) + 6)
    }

    private static func writeTitle(_ title: String?, _ chart: Chart, middle: Int, on page: inout DocumentPage) {
        guard let title else { return }
        let half = chart.bold.width(of: title) / 2
        let box = page.write(
            title, chart.bold, x: max(middle, half + 6), baseline: 8 + chart.bold.capitals, page.theme.ink, .centre)
        page.note("title", text: title, box)
    }

    /// A name beside its slice.
    private static func write(
        _ label: String, _ text: Lettering, _ centre: Point, _ radius: Double, at turns: Double,
        on page: inout DocumentPage
    ) {
        let point = Point.onCircle(centre, radius: radius + 5, turns: turns)
        let isLeft = point.x < centre.x
        let drop = Double(text.capitals) * (0.5 + (point.y - centre.y) / (2 * radius))
        page.write(
            label, text, x: Int(point.x) + (isLeft ? -2 : 2), baseline: Int(point.y + drop), page.theme.ink,
            isLeft ? .right : .left)
    }

    private static func ask(
        _ slices: [Slice], _ title: String?, hasShares: Bool, _ asking: inout DocumentQuestioner
    ) {
        let names = slices.map(\.name)
        let order = slices.sorted { $0.share < $1.share }
        if let first = order.first, let last = order.last {
            for (slice, words) in [(last, ["largest", "biggest"]), (first, ["smallest", "narrowest"])] {
                let word = asking.generator.draw(from: words)
                asking.ask(
                    extreme, [word], short: slice.name, sentence: "The \(word) slice is \(slice.name).",
                    truth: .words(right: [slice.name], wrong: names.filter { $0 != slice.name }), isReadOff: true)
            }
        }
        for slice in asking.generator.shuffled(slices).prefix(2) {
            asking.askColour(of: "the slice of \(slice.name)", slice.word)
            if hasShares {
                asking.ask(
                    share, [slice.name], short: "\(slice.share)%",
                    sentence: "The share of \(slice.name) is \(slice.share)%.",
                    truth: .number(Double(slice.share), within: 0), isReadOff: true)
            }
        }
        let pair = asking.generator.shuffled(slices)
        if abs(pair[0].share - pair[1].share) >= 4 || hasShares {
            asking.askHigher([pair[0].name, pair[1].name], [pair[0].share, pair[1].share])
        }
        asking.askCount("slice", slices.count)
        if let title { asking.askText(ChartWordings.title, text: title, lead: "The title is") }
    }
}
