import Support
import Typography

/// Forms and invoices: names of fields with their values, some of them empty.
enum FormsDocument {
    private static let isFilled = DocumentWording(
        "Is the field “#1” filled in?", "Has the field “#1” been filled in?", "Is there an entry for “#1”?",
        "Did they fill in “#1”?", "Does the field “#1” have an entry?", "Is anything entered for “#1”?",
        "Is something written next to “#1”?", "Does “#1” have a value?", "Is a value given for “#1”?",
        "Can you see an entry for “#1”?",
        heldOut: ["Check the field “#1”: is it filled in?", "Is “#1” complete?"], allowsOneWord: true)

    static let wordings = [DocumentWording.lookUp, .amount, isFilled, .count, .isTrue]

    private struct Field {
        let name: String
        /// Empty if it is not filled in.
        let value: String

        /// As a question calls it: "the first name", "the IBAN".
        var noun: String {
            let isAcronym = name.dropFirst().first?.isUppercase == true
            return "the " + (isAcronym ? name : name.prefix(1).lowercased() + name.dropFirst())
        }

        /// How its value is asked for.
        var wording: DocumentWording { ["Net", "Tax", "Total"].contains(name) ? .amount : .lookUp }
    }

    private enum Look: CaseIterable {
        case colons, boxes, underlines, dots
        /// The value under its name, in the test split alone.
        case stacked
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let isInvoice = page.generator.draw(0...2) == 0
        var fields = isInvoice ? invoice(&page) : person(&page)
        if !isInvoice, fields.count > 2, page.happens(1, in: 2) {
            let index = page.generator.draw(0...fields.count - 1)
            fields[index] = Field(name: fields[index].name, value: "")
        }
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let look = isHeldOut ? Look.stacked : page.generator.draw(from: [.colons, .boxes, .underlines, .dots])
        let title = title(isInvoice: isInvoice, &page)
        let size = draw(fields, title, look, on: &page)
        var asking = page.questioner()
        ask(fields, title, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: "\(look)", isHeldOutLayout: isHeldOut, asking: asking)
    }

    // MARK: Content

    private static func title(isInvoice: Bool, _ page: inout DocumentPage) -> String? {
        if isInvoice {
            return page.generator.draw(from: ["INVOICE", "Invoice", "Bill", "Order", "Statement", "Quote"])
        }
        guard page.generator.draw(0...2) > 0 else { return nil }
        return page.generator.draw(0...1) == 0
            ? page.studio.names(2, page.split, &page.generator).joined(separator: " ")
            : page.generator.draw(from: [
                "Registration", "Application Form", "Contact", "Order Form", "Visitor Card", "Membership", "Survey",
                "Library Card", "Booking", "Patient Record", "Student ID", "Delivery Note",
            ])
    }

    private static func person(_ page: inout DocumentPage) -> [Field] {
        let split = page.split
        let first = DocumentVocabulary.firstNames.draw(split, &page.generator)
        let last = DocumentVocabulary.lastNames.draw(split, &page.generator)
        let word = page.studio.names(1, split, &page.generator)[0]
        var fields: [Field] = []
        if page.generator.draw(0...1) == 0 {
            fields = [Field(name: "First name", value: first), Field(name: "Last name", value: last)]
        } else {
            fields = [Field(name: "Name", value: "\(first) \(last)")]
        }
        let others = [
            Field(name: "City", value: DocumentVocabulary.cities.draw(split, &page.generator)),
            Field(name: "Street", value: "\(page.generator.draw(1...199)) \(word) Street"),
            Field(name: "Phone", value: page.studio.sample(.phone, split, &page.generator)),
            Field(name: "E-mail", value: page.studio.sample(.email, split, &page.generator)),
            Field(name: "Date of birth", value: date(&page, years: 1940...2012)),
            Field(name: "Age", value: "\(page.generator.draw(16...99))"),
            Field(name: "Zip code", value: "\(page.generator.draw(10_000...99_999))"),
            Field(name: "Member number", value: "\(page.generator.draw(100...99_999))"),
            Field(name: "Company", value: page.studio.names(2, split, &page.generator).joined(separator: " ")),
            Field(name: "Job", value: page.studio.names(1, split, &page.generator)[0]),
            Field(name: "Account", value: "\(page.generator.draw(1_000_000...99_999_999))"),
            Field(name: "Height", value: "\(page.generator.draw(140...205)) cm"),
        ]
        return fields + page.generator.shuffled(others).prefix(page.generator.draw(1...4))
    }

    private static func invoice(_ page: inout DocumentPage) -> [Field] {
        let split = page.split
        let money = Money(&page.generator)
        let amount = page.generator.draw(1_000...99_999)
        let tax = amount * page.generator.draw(from: [5, 7, 10, 19, 20]) / 100
        let first = DocumentVocabulary.firstNames.draw(split, &page.generator)
        let last = DocumentVocabulary.lastNames.draw(split, &page.generator)
        let head = [
            Field(
                name: "Invoice number",
                value: page.generator.draw(from: ["INV-", "", "A", "2024-"]) + "\(page.generator.draw(100...9999))"),
            Field(name: "Date", value: date(&page, years: 2010...2030)),
            Field(name: "Due date", value: date(&page, years: 2010...2030)),
            Field(name: "Customer", value: "\(first) \(last)"),
            Field(name: "From", value: page.studio.names(2, split, &page.generator).joined(separator: " ")),
            Field(name: "Customer number", value: "\(page.generator.draw(100...9999))"),
        ]
        let chosen = page.generator.shuffled(Array(head.indices)).prefix(page.generator.draw(2...4)).sorted()
        return chosen.map { head[$0] }
            + [
                Field(name: "Net", value: money.text(amount)), Field(name: "Tax", value: money.text(tax)),
                Field(name: "Total", value: money.text(amount + tax)),
            ].suffix(page.generator.draw(1...3))
    }

    private static func date(_ page: inout DocumentPage, years: ClosedRange<Int>) -> String {
        let (day, month) = (page.generator.draw(1...28), page.generator.draw(1...12))
        let year = page.generator.draw(years)
        let (days, months) = (ReceiptsDocument.padded(day), ReceiptsDocument.padded(month))
        switch page.generator.draw(0...4) {
        case 0: return "\(year)-\(months)-\(days)"
        case 1: return "\(days).\(months).\(year)"
        case 2: return "\(month)/\(day)/\(year)"
        case 3: return "\(day) \(DocumentVocabulary.months[month - 1]) \(year)"
        default: return "\(DocumentVocabulary.months[month - 1].prefix(3)) \(day), \(year)"
        }
    }

    // MARK: Drawing

    private static func draw(
        _ fields: [Field], _ title: String?, _ look: Look, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let fonts = page.fonts(.office)
        let size = page.size(11...18)
        let value = fonts.regular(size)
        let name = page.generator.draw(0...1) == 0 ? fonts.bold(size) : value
        let heading = fonts.bold(size * Double(page.generator.draw(11...15)) / 10)
        let margin = page.generator.draw(6...18)
        let names = fields.map { $0.name + (look == .colons ? ":" : "") }
        let isStacked = look == .stacked
        let gap = page.generator.draw(8...24)
        let column = isStacked ? margin : margin + name.width(ofWidest: names) + gap
        let room = max(60, value.width(ofWidest: fields.map(\.value)) + 2 * 5)
        let step = value.leading + page.generator.draw(4...12) + (isStacked ? name.leading : 0)
        var top = margin
        if let title {
            page.note(
                "title", text: title,
                page.write(title, heading, x: margin, baseline: top + heading.capitals, page.theme.ink))
            top += heading.leading + page.generator.draw(0...6)
        }
        let muted =
            page.generator.draw(0...2) == 0 ? page.theme.ink.mixed(with: page.theme.ground, part: 70) : page.theme.ink
        for (index, field) in fields.enumerated() {
            var baseline = top + index * step + (value.leading + value.capitals) / 2
            page.write(names[index], name, x: margin, baseline: baseline, muted)
            if isStacked { baseline += name.leading }
            let cell = ShapeScene.Box(
                x: column, y: baseline - value.capitals - 4, width: room, height: value.capitals + 8)
            frame(cell, look, page.theme, on: &page)
            if !field.value.isEmpty {
                page.write(field.value, value, x: column + (look == .boxes ? 4 : 0), baseline: baseline, page.theme.ink)
            }
            page.note("field", text: "\(field.name): \(field.value)", cell)
        }
        let right = max(
            column + room, margin + name.width(ofWidest: names), title.map { margin + heading.width(of: $0) } ?? 0)
        return (max(128, right + margin), top + fields.count * step + margin)
    }

    private static func frame(
        _ cell: ShapeScene.Box, _ look: Look, _ theme: DocumentTheme, on page: inout DocumentPage
    ) {
        let bottom = cell.y + cell.height
        switch look {
        case .colons: break
        case .boxes:
            page.fill(Outline(cell, radius: 2).stroked(width: 1), theme.faint)
        case .underlines, .stacked:
            page.fill(ShapeScene.Box(x: cell.x, y: bottom - 1, width: cell.width, height: 1), theme.faint)
        case .dots:
            for x in stride(from: cell.x, to: cell.x + cell.width, by: 4) {
                page.fill(ShapeScene.Box(x: x, y: bottom - 2, width: 1, height: 1), theme.faint)
            }
        }
    }

    // MARK: Questions

    private static func ask(_ fields: [Field], _ title: String?, _ asking: inout DocumentQuestioner) {
        let filled = fields.filter { !$0.value.isEmpty }
        for field in asking.generator.shuffled(filled).prefix(4) {
            asking.askText(
                field.wording, [field.noun], text: field.value, lead: "\(field.noun.capitalizedFirst) is")
        }
        if let title { asking.askText(.lookUp, ["the title of the form"], text: title, lead: "The title is") }
        let empty = fields.first { $0.value.isEmpty }
        if let empty, asking.generator.draw(0...1) == 0 {
            asking.ask(
                isFilled, [empty.name], isTrue: false, fact: "the field “\(empty.name)” is empty")
        } else if empty != nil, let field = filled.first {
            asking.ask(
                isFilled, [field.name], isTrue: true, fact: "the field “\(field.name)” is filled in")
        }
        asking.askCount("field", fields.count)
        guard let field = asking.generator.shuffled(filled).first else { return }
        let others = filled.filter { $0.value != field.value }
        let isTrue = others.isEmpty || asking.generator.draw(0...1) == 0
        let told = isTrue ? field.value : asking.generator.draw(from: others).value
        asking.ask(
            .isTrue, ["\(field.noun) is “\(told)”"], isTrue: isTrue, fact: "\(field.noun) is “\(field.value)”")
    }
}
