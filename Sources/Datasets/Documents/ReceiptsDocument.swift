import Support
import Typography

/// Amounts of money as documents print them.
struct Money {
    private let prefix: String
    private let suffix: String
    private let point: String

    /// Dollars most often, and other ways of writing.
    init(_ generator: inout SplitMix64) {
        switch generator.draw(0...7) {
        case 0...3: (prefix, suffix, point) = ("$", "", ".")
        case 4, 5: (prefix, suffix, point) = ("", "", ".")
        case 6: (prefix, suffix, point) = ("", " EUR", generator.draw(0...1) == 0 ? "," : ".")
        default: (prefix, suffix, point) = ("", " kr", ",")
        }
    }

    /// An amount in hundredths, as "$3.50".
    func text(_ cents: Int) -> String {
        let rest = cents % 100
        return "\(prefix)\(cents / 100)\(point)\(rest < 10 ? "0" : "")\(rest)\(suffix)"
    }

    /// A price that shops like, in hundredths.
    static func price(_ generator: inout SplitMix64) -> Int {
        let whole = generator.draw(0...2) == 0 ? generator.draw(10...89) : generator.draw(1...9)
        return whole * 100 + generator.draw(from: [0, 50, 25, 75, 95, 99, 20, 80, generator.draw(0...99)])
    }
}

/// Receipts: a shop, goods with prices, a total.
enum ReceiptsDocument {
    private static let whichCosts = DocumentWording(
        "Which item costs #1?", "What costs #1?", "What was bought for #1?", "Which product has the price #1?",
        "What can I get for #1?", "Which item has a price of #1?", "Tell me what costs #1.", "What is sold for #1?",
        "Name the item that costs #1.", "Which of the items costs #1?",
        heldOut: ["For what did I pay #1?", "#1 is the price of which item?"])
    private static let dearest = DocumentWording(
        "Which item is #1?", "What is #1 item?", "Which product is #1?", "Tell me #1 item.", "What is #1 thing here?",
        "Name #1 item.", "Which of the items is #1?", "Which thing on the receipt is #1?", "What was #1 item?",
        "Can you tell which item is #1?", heldOut: ["Of all items, which is #1?", "Find #1 item."])
    private static let sum = DocumentWording(
        "How much do the #1 and the #2 cost together?", "What do the #1 and the #2 cost in all?",
        "What is the sum of the prices of the #1 and the #2?", "Add the prices of the #1 and the #2.",
        "How much are the #1 and the #2 together?", "What is the price of the #1 plus the price of the #2?",
        "How much did I pay for the #1 and the #2 together?", "Together, how much are the #1 and the #2?",
        "Tell me the sum for the #1 and the #2.", "What do I pay for the #1 and the #2?",
        heldOut: ["#1 and #2: how much is that in all?", "If I buy the #1 and the #2, what do I pay?"])
    private static let price = DocumentWording(
        "How much is the #1?", "What does the #1 cost?", "What is the price of the #1?", "How much does the #1 cost?",
        "Tell me the price of the #1.", "What was paid for the #1?", "How much did the #1 cost?",
        "What price does the #1 have?", "Look up the price of the #1.", "I need the price of the #1.",
        "What is the amount for the #1?",
        heldOut: ["The #1 is how much?", "How expensive is the #1?", "Find the price of the #1."])

    static let wordings = [price, whichCosts, dearest, sum, DocumentWording.lookUp, .amount, .count, .isTrue]

    private struct Item {
        let name: String
        let cents: Int
    }

    /// One row of text: left, right, and whether it is bold.
    private struct Row {
        let left: String
        let right: String
        var isBold = false
        var rule = false
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let money = Money(&page.generator)
        let names = page.names(page.generator.draw(2...6), .goods)
        var items: [Item] = []
        for name in names {
            var cents = Money.price(&page.generator)
            while items.contains(where: { $0.cents == cents }) { cents = Money.price(&page.generator) }
            items.append(Item(name: name, cents: cents))
        }
        let shop =
            page.studio.names(1, page.split, &page.generator)[0] + " "
            + DocumentVocabulary.shops.draw(page.split, &page.generator)
        let net = items.map(\.cents).reduce(0, +)
        let tax = page.generator.draw(0...2) == 0 ? net * page.generator.draw(from: [5, 7, 8, 10, 19, 20]) / 100 : nil
        let total = net + (tax ?? 0)
        let facts = facts(page.split, &page.generator)
        let payment = page.generator.draw(0...2) == 0 ? (total / 1000 + 1) * 1000 : nil
        // The test split alone shows receipts with the price in front.
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let rows = rows(items, money, total: total, tax: tax, payment: payment, pricesFirst: isHeldOut)
        let size = draw(shop, facts, rows, pricesFirst: isHeldOut, on: &page)
        var asking = page.questioner()
        ask(items, money, total: total, tax: tax, shop: shop, facts: facts, payment: payment, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isHeldOut ? "prices first" : "prices last",
            isHeldOutLayout: isHeldOut, asking: asking, ground: RGB.white.mixed(with: .black, part: 8))
    }

    /// Lines under the shop's name, each with its kind.
    private static func facts(_ split: SeedSplit, _ generator: inout SplitMix64) -> [(noun: String, text: String)] {
        let day = (generator.draw(1...28), generator.draw(1...12), generator.draw(2015...2029))
        let date = generator.draw(from: [
            "\(day.1)/\(day.0)/\(day.2)", "\(day.2)-\(padded(day.1))-\(padded(day.0))",
            "\(padded(day.0)).\(padded(day.1)).\(day.2)",
        ])
        let all = [
            (noun: "date", text: date),
            (noun: "time", text: "\(generator.draw(7...22)):\(padded(generator.draw(0...59)))"),
            (noun: "city", text: DocumentVocabulary.cities.draw(split, &generator)),
            (noun: "receipt number", text: "\(generator.draw(1000...99_999))"),
        ]
        let chosen = generator.shuffled(Array(all.indices)).prefix(generator.draw(0...2)).sorted()
        return chosen.map { all[$0] }
    }

    static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func rows(
        _ items: [Item], _ money: Money, total: Int, tax: Int?, payment: Int?, pricesFirst: Bool
    ) -> [Row] {
        var rows = items.map { Row(left: $0.name, right: money.text($0.cents)) }
        rows.append(Row(left: "", right: "", rule: true))
        if let tax {
            rows.append(Row(left: "Subtotal", right: money.text(total - tax)))
            rows.append(Row(left: "Tax", right: money.text(tax)))
        }
        rows.append(Row(left: "Total", right: money.text(total), isBold: true))
        if let payment {
            rows.append(Row(left: "Cash", right: money.text(payment)))
            rows.append(Row(left: "Change", right: money.text(payment - total)))
        }
        return pricesFirst
            ? rows.map { Row(left: $0.right, right: $0.left, isBold: $0.isBold, rule: $0.rule) } : rows
    }

    private static func draw(
        _ shop: String, _ facts: [(noun: String, text: String)], _ rows: [Row], pricesFirst: Bool,
        on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let fonts = page.fonts(.printer)
        let size = page.size(11...18)
        let (text, bold) = (fonts.regular(size), fonts.bold(size))
        let heading = fonts.bold(size * Double(page.generator.draw(10...14)) / 10)
        let ink = RGB.black.mixed(with: .white, part: page.generator.draw(0...60))
        let gap = page.generator.draw(14...60)
        let widest =
            pricesFirst
            ? bold.width(ofWidest: rows.map(\.left)) + gap + bold.width(ofWidest: rows.map(\.right))
            : rows.map { bold.width(of: $0.left) + gap + bold.width(of: $0.right) }.max() ?? 0
        let inner = max(widest, heading.width(of: shop), 104)
        let margin = page.generator.draw(8...20)
        let (left, right) = (margin, margin + inner)
        let leading = text.leading + page.generator.draw(0...5)
        var baseline = margin + heading.capitals
        page.note(
            "heading", text: shop,
            page.write(shop, heading, x: (left + right) / 2, baseline: baseline, ink, .centre))
        baseline += Int(heading.size * 0.4)
        for fact in facts {
            baseline += leading
            let box = page.write(fact.text, text, x: (left + right) / 2, baseline: baseline, ink, .centre)
            page.note(fact.noun, text: fact.text, box)
        }
        baseline += Int(size / 2)
        for row in rows {
            if row.rule {
                baseline += leading / 2
                rule(left, right, y: baseline, ink, on: &page)
                continue
            }
            baseline += leading
            let lettering = row.isBold ? bold : text
            page.note("row", text: row.left, page.write(row.left, lettering, x: left, baseline: baseline, ink))
            page.write(
                row.right, lettering, x: pricesFirst ? left + gap + bold.width(ofWidest: rows.map(\.left)) : right,
                baseline: baseline, ink, pricesFirst ? .left : .right)
        }
        return (max(128, right + margin), baseline + Int(size / 3) + margin)
    }

    private static func rule(_ left: Int, _ right: Int, y: Int, _ ink: RGB, on page: inout DocumentPage) {
        let dash = page.generator.draw(from: [0, 0, 4])
        guard dash > 0 else {
            page.fill(ShapeScene.Box(x: left, y: y, width: right - left, height: 1), ink)
            return
        }
        for x in stride(from: left, to: right - dash, by: 2 * dash) {
            page.fill(ShapeScene.Box(x: x, y: y, width: dash, height: 1), ink)
        }
    }

    private static func ask(
        _ items: [Item], _ money: Money, total: Int, tax: Int?, shop: String, facts: [(noun: String, text: String)],
        payment: Int?, _ asking: inout DocumentQuestioner
    ) {
        func askAmount(_ wording: DocumentWording, _ fillers: [String], _ cents: Int, lead: String, isSum: Bool = false)
        {
            asking.ask(
                wording, fillers, short: money.text(cents), sentence: "\(lead) \(money.text(cents)).",
                truth: .number(Double(cents) / 100, within: 0), isReadOff: !isSum)
        }
        let shuffled = asking.generator.shuffled(items)
        for item in shuffled.prefix(2) {
            askAmount(price, [item.name], item.cents, lead: "The \(item.name) costs")
        }
        let asked = asking.generator.draw(from: items)
        askWhichCosts(asked, items, money, &asking)
        askAmount(.amount, ["the total"], total, lead: "The total is")
        if items.count > 2 || asking.generator.draw(0...1) == 0 {
            let (one, other) = (shuffled[0], shuffled[1])
            askAmount(
                sum, [one.name, other.name], one.cents + other.cents, lead: "Together they cost", isSum: true)
        }
        if let tax {
            askAmount(.amount, ["the subtotal"], total - tax, lead: "The subtotal is")
            askAmount(.amount, ["the tax"], tax, lead: "The tax is")
        }
        if let payment { askAmount(.amount, ["the change"], payment - total, lead: "The change is") }
        asking.askText(.lookUp, ["the name of the shop"], text: shop, lead: "The name of the shop is")
        for fact in facts {
            asking.askText(.lookUp, ["the \(fact.noun)"], text: fact.text, lead: "The \(fact.noun) is")
        }
        asking.askCount("item", items.count)
        let isTrue = asking.generator.draw(0...1) == 0
        let told = isTrue ? total : total + asking.generator.draw(from: [-100, 100, 50, 1000, -10, 10])
        asking.ask(
            .isTrue, ["the total is \(money.text(told))"], isTrue: isTrue, fact: "the total is \(money.text(total))")
    }

    private static func askWhichCosts(
        _ item: Item, _ items: [Item], _ money: Money, _ asking: inout DocumentQuestioner
    ) {
        let others = items.map(\.name).filter { $0 != item.name }
        asking.ask(
            whichCosts, [money.text(item.cents)], short: item.name,
            sentence: "The \(item.name) costs \(money.text(item.cents)).",
            truth: .words(right: [item.name], wrong: others), isReadOff: true)
        let sorted = items.sorted { $0.cents < $1.cents }
        let isDearest = asking.generator.draw(0...1) == 0
        guard let extreme = isDearest ? sorted.last : sorted.first else { return }
        let word = isDearest ? "the most expensive" : "the cheapest"
        asking.ask(
            dearest, [word], short: extreme.name, sentence: "The \(extreme.name) is \(word).",
            truth: .words(right: [extreme.name], wrong: items.map(\.name).filter { $0 != extreme.name }),
            isReadOff: true)
    }
}
