import Support
import Typography

/// Tables with a header: names in the first column, values in the others.
enum TablesDocument {
    private static let cell = DocumentWording(
        "What is the #1 of #2?", "What is the #2 row's #1?", "Which #1 does #2 have?", "Tell me the #1 of #2.",
        "What #1 is given for #2?", "Look up the #1 of #2.", "What does the table say for the #1 of #2?",
        "In the row #2, what is the #1?", "What is in the column #1 for #2?", "Give me the #1 for #2.",
        "What #1 belongs to #2?", "Find the cell in the row #2 and the column #1. What does it say?",
        "What is #1 for #2?", "What is the #1 for #2?", "What is #2's #1?", "What's the #1 of #2?", "#1 of #2?",
        heldOut: ["For #2, which #1 is listed?", "I need the #1 of #2.", "Read the #1 of #2 from the table."])
    private static let whose = DocumentWording(
        "Which row has #2 as its #1?", "Which #3 has a #1 of #2?", "Who or what has the #1 #2?",
        "What has the #1 #2?", "In which row is the #1 #2?", "Which entry has the #1 #2?",
        "For which #3 is the #1 #2?", "Name the #3 whose #1 is #2.", "Tell me which #3 has the #1 #2.",
        "Which row says #2 under #1?", heldOut: ["#2 is the #1 of which #3?", "Find the #3 with the #1 #2."])
    private static let extreme = DocumentWording(
        "Which #3 has the #1 #2?", "What has the #1 #2?", "Which row has the #1 #2?", "Who has the #1 #2?",
        "Which entry has the #1 #2?", "Name the #3 with the #1 #2.", "Tell me which #3 has the #1 #2.",
        "Where is the #2 the #1?", "For which #3 is the #2 the #1?", "Find the #1 #2. Which #3 has it?",
        heldOut: ["Of all rows, which has the #1 #2?", "The #1 #2 is that of which #3?"])
    private static let row = DocumentWording(
        "What does the row of #1 say?", "Read the row of #1.", "What does the line of #1 say?",
        "What is in the row #1?", "Tell me all values of #1.", "What is listed for #1?",
        "Give me the whole row of #1.", "What does the table say about #1?", "Which values does #1 have?",
        "Read the line that begins with #1.", heldOut: ["What stands beside #1?", "Read out what #1 has."])
    private static let sum = DocumentWording(
        "What is the #3 of #1 and #2 together?", "Add the #3 of #1 and the #3 of #2.",
        "What is the sum of the #3 of #1 and #2?", "How much is the #3 of #1 plus that of #2?",
        "What do #1 and #2 have together as their #3?", "Together, what is the #3 of #1 and #2?",
        "Sum up the #3 of #1 and #2.", "What do you get if you add the #3 of #1 and #2?",
        "What is the total #3 of #1 and #2?", "Tell me the #3 of #1 and #2 in all.",
        heldOut: ["#1 and #2: what is their #3 in all?", "What does the #3 of #1 and #2 come to?"])

    static let wordings = [cell, row, whose, extreme, sum, DocumentWording.lookUp, .count, .isTrue]

    /// A column of values.
    private struct Column {
        let name: String
        let cells: [String]
        /// The values; nil for text.
        let numbers: [Double]?
    }

    /// What the rows are.
    private static let kinds: [(noun: String, list: DocumentVocabulary)] = [
        ("item", .goods), ("name", .firstNames), ("city", .cities), ("group", .groups), ("name", .lastNames),
    ]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let kind = page.generator.draw(from: kinds)
        let names = page.names(page.generator.draw(2...8), kind.list)
        let columns = columns(names.count, &page)
        let title = page.generator.draw(0...3) == 0 ? DocumentPage.chartTitle(&page) : nil
        // The test split alone shows tables that are turned: each name heads a column.
        let isHeldOut = page.split == .test && names.count <= 4 && page.happens(2, in: 5)
        var grid = [[kind.noun.capitalizedFirst] + columns.map(\.name)]
        for (index, name) in names.enumerated() { grid.append([name] + columns.map { $0.cells[index] }) }
        if isHeldOut { grid = grid[0].indices.map { column in grid.map { $0[column] } } }
        let size = draw(
            grid, numeric: isHeldOut ? [] : Set(columns.indices.filter { columns[$0].numbers != nil }.map { $0 + 1 }),
            title, on: &page)
        var asking = page.questioner()
        ask(names, kind.noun, columns, title, isTurned: isHeldOut, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isHeldOut ? "turned" : "rows", isHeldOutLayout: isHeldOut,
            asking: asking)
    }

    private static func columns(_ rows: Int, _ page: inout DocumentPage) -> [Column] {
        let money = Money(&page.generator)
        var makers: [(inout DocumentPage) -> Column] = []
        func whole(_ names: [String], _ range: ClosedRange<Int>, suffix: String = "") {
            makers.append { page in
                let values = distinct(rows) { page.generator.draw(range) }
                return Column(
                    name: page.generator.draw(from: names), cells: values.map { "\($0)\(suffix)" },
                    numbers: values.map(Double.init))
            }
        }
        whole(["Stock", "Count", "Quantity", "Level", "Rank"], 1...99)
        whole(["Score", "Rating", "Result", "Speed", "Load"], 0...120)
        whole(["Year"], 1950...2029)
        whole(["Share", "Growth", "Discount"], 1...99, suffix: "%")
        whole(["Weight", "Distance", "Height"], 10...999)
        makers.append { page in
            let values = distinct(rows) { Money.price(&page.generator) }
            return Column(
                name: page.generator.draw(from: ["Price", "Cost", "Fee", "Amount"]), cells: values.map(money.text),
                numbers: values.map { Double($0) / 100 })
        }
        makers.append { page in
            let cells = distinct(rows) { page.studio.plainWord(3...8, page.split, &page.generator).capitalizedFirst }
            return Column(
                name: page.generator.draw(from: ["Type", "Brand", "Label", "Model"]), cells: cells, numbers: nil)
        }
        makers.append { page in
            let cells = distinct(rows) {
                "\(page.generator.draw(from: Array("ABCDEFGHKLMNPRSTUVWXYZ")))\(page.generator.draw(10...999))"
            }
            return Column(
                name: page.generator.draw(from: ["Code", "Room", "Seat", "Gate"]), cells: cells, numbers: nil)
        }
        return page.generator.shuffled(makers).prefix(page.generator.draw(1...4)).map { $0(&page) }
    }

    private static func distinct<Value: Equatable>(_ count: Int, _ draw: () -> Value) -> [Value] {
        var values: [Value] = []
        while values.count < count {
            let value = draw()
            if !values.contains(value) { values.append(value) }
        }
        return values
    }

    // MARK: Drawing

    private static func draw(
        _ grid: [[String]], numeric: Set<Int>, _ title: String?, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let fonts = page.fonts(.printer)
        var size = page.size(11...18)
        let padding = page.generator.draw(6...16)
        func widths(_ lettering: Lettering) -> [Int] {
            grid[0].indices.map { column in lettering.width(ofWidest: grid.map { $0[column] }) + 2 * padding }
        }
        while widths(fonts.bold(size)).reduce(0, +) > 490, size > 9 { size -= 1 }
        let (text, bold) = (fonts.regular(size), fonts.bold(size))
        let columns = widths(bold)
        let margin = page.generator.draw(5...16)
        let height = text.leading + page.generator.draw(2...10)
        var top = margin
        if let title {
            page.note(
                "title", text: title, page.write(title, bold, x: margin, baseline: top + bold.capitals, page.theme.ink))
            top += bold.leading + 4
        }
        let edges = columns.reduce(into: [margin]) { $0.append(($0.last ?? 0) + $1) }
        let right = edges.last ?? margin
        rules(rows: grid.count, top: top, height: height, edges: edges, on: &page)
        for (row, cells) in grid.enumerated() {
            let baseline = top + row * height + (height + text.capitals) / 2
            for (column, content) in cells.enumerated() {
                let isRight = numeric.contains(column)
                let x = isRight ? edges[column + 1] - padding : edges[column] + padding
                let box = page.write(
                    content, row == 0 ? bold : text, x: x, baseline: baseline, page.theme.ink, isRight ? .right : .left)
                page.note(row == 0 ? "header" : "cell", text: content, box)
            }
        }
        let titleWidth = title.map { bold.width(of: $0) + 2 * margin } ?? 0
        return (max(128, right + margin, titleWidth), top + grid.count * height + margin)
    }

    /// Lines and grounds of the cells, in one of five styles.
    private static func rules(rows: Int, top: Int, height: Int, edges: [Int], on page: inout DocumentPage) {
        let (left, right) = (edges[0], edges[edges.count - 1])
        let tone = page.theme.ground.mixed(with: page.theme.ink, part: page.generator.draw(14...36))
        let style = page.generator.draw(0...4)
        func band(_ row: Int) -> ShapeScene.Box {
            ShapeScene.Box(x: left, y: top + row * height, width: right - left, height: height)
        }
        if style != 4, page.generator.draw(0...1) == 0 { page.fill(band(0), tone) }
        if style == 2 { for row in stride(from: 2, to: rows, by: 2) { page.fill(band(row), tone) } }
        if style <= 1 {
            for row in 0...rows {
                page.fill(
                    ShapeScene.Box(x: left, y: top + row * height, width: right - left + 1, height: 1), page.theme.faint
                )
            }
        }
        if style == 0 {
            for edge in edges {
                page.fill(ShapeScene.Box(x: edge, y: top, width: 1, height: rows * height), page.theme.faint)
            }
        }
        if style >= 3 {
            page.fill(ShapeScene.Box(x: left, y: top + height - 1, width: right - left, height: 1), page.theme.faint)
        }
    }

    // MARK: Questions

    private static func ask(
        _ names: [String], _ noun: String, _ columns: [Column], _ title: String?, isTurned: Bool,
        _ asking: inout DocumentQuestioner
    ) {
        let rows = Array(names.indices)
        for row in asking.generator.shuffled(rows).prefix(2) {
            let column = asking.generator.draw(from: columns)
            askCell(names[row], column, row, &asking)
        }
        let column = asking.generator.draw(from: columns)
        let row = asking.generator.draw(from: rows)
        asking.ask(
            whose, [column.name.lowercased(), column.cells[row], noun], short: names[row],
            sentence: "\(names[row]) has the \(column.name.lowercased()) \(column.cells[row]).",
            truth: .words(right: [names[row]], wrong: names.filter { $0 != names[row] }), isReadOff: true)
        let cells = columns.map { $0.cells[row] }
        // A list of "3,50 kr" and others cannot be told from one of "3" and "50 kr".
        if !isTurned, columns.count > 1, !cells.contains(where: { $0.contains(",") }) {
            asking.ask(
                self.row, [names[row]], short: cells.joined(separator: ", "),
                sentence: "\(names[row]) has \(Phrase.list(cells)).",
                truth: .list(of: cells, noneOf: [], isOrdered: true), isReadOff: true)
        }
        if let numeric = columns.first(where: { $0.numbers != nil }), let numbers = numeric.numbers {
            askNumbers(names, noun, numeric, numbers, &asking)
        }
        if !isTurned {
            let isAcross = asking.generator.draw(0...1) == 0
            asking.askCount(isAcross ? "column" : noun, isAcross ? columns.count + 1 : names.count)
        }
        if let title { asking.askText(.lookUp, ["the title of the table"], text: title, lead: "The title is") }
        let isTrue = asking.generator.draw(0...1) == 0
        let other = isTrue ? row : (row + asking.generator.draw(1...max(1, rows.count - 1))) % rows.count
        asking.ask(
            .isTrue, ["the \(column.name.lowercased()) of \(names[row]) is \(column.cells[other])"],
            isTrue: isTrue || other == row,
            fact: "the \(column.name.lowercased()) of \(names[row]) is \(column.cells[row])")
    }

    private static func askCell(_ name: String, _ column: Column, _ row: Int, _ asking: inout DocumentQuestioner) {
        let (title, cell) = (column.name.lowercased(), column.cells[row])
        let truth = column.numbers.map { GroundTruth.number($0[row], within: 0) } ?? .transcript(cell)
        asking.ask(
            self.cell, [title, name], short: cell, sentence: "The \(title) of \(name) is \(cell).", truth: truth,
            isReadOff: true)
    }

    private static func askNumbers(
        _ names: [String], _ noun: String, _ column: Column, _ numbers: [Double], _ asking: inout DocumentQuestioner
    ) {
        let title = column.name.lowercased()
        let isHighest = asking.generator.draw(0...1) == 0
        let order = names.indices.sorted { numbers[$0] < numbers[$1] }
        guard let first = order.first, let last = order.last else { return }
        let winner = names[isHighest ? last : first]
        let word = isHighest ? "highest" : "lowest"
        asking.ask(
            extreme, [word, title, noun], short: winner, sentence: "\(winner) has the \(word) \(title).",
            truth: .words(right: [winner], wrong: names.filter { $0 != winner }), isReadOff: true)
        guard column.cells.allSatisfy({ Int($0) != nil }), title != "year" else { return }
        let pair = asking.generator.shuffled(Array(names.indices)).prefix(2)
        let total = Int(pair.map { numbers[$0] }.reduce(0, +))
        asking.ask(
            sum, [names[pair[0]], names[pair[1]], title], short: "\(total)", sentence: "Together it is \(total).",
            truth: .number(Double(total), within: 0))
    }
}

extension DocumentPage {
    /// A title as charts and tables have it: of the lists, or of words.
    static func chartTitle(_ page: inout DocumentPage) -> String {
        if page.generator.draw(0...2) == 0 {
            return page.studio.names(2, page.split, &page.generator).joined(separator: " ")
        }
        let about =
            page.generator.draw(0...2) == 0
            ? DocumentVocabulary.cities.draw(page.split, &page.generator) : "\(page.generator.draw(1990...2030))"
        let title = DocumentVocabulary.titles.draw(page.split, &page.generator)
        return title.split(separator: "#1", omittingEmptySubsequences: false).joined(separator: about)
    }
}
