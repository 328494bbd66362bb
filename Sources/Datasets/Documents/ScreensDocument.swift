import Support
import Typography

/// Screens of programs and pages: a menu, a heading, some text, a notice, a button.
enum ScreensDocument {
    private static let selected = DocumentWording(
        "Which menu item is selected?", "What is selected in the menu?", "Which item of the menu is highlighted?",
        "Which menu entry is active?", "What is the selected menu item?", "Name the highlighted menu item.",
        "Tell me which menu item is selected.", "Which page of the menu is open?", "What is highlighted in the menu?",
        "In the menu, which item is selected?",
        heldOut: ["Which menu item did I choose?", "On which menu item am I?"])
    private static let items = DocumentWording(
        "What is in the menu?", "Which menu items are there?", "List the menu items.", "Read the menu.",
        "What does the menu offer?", "Name the entries of the menu.", "What items does the menu have?",
        "Which entries are in the menu?", "Tell me the menu items.", "What can I choose in the menu?",
        heldOut: ["Where can I go from the menu?", "Which pages does the menu list?"])
    private static let notice = DocumentWording(
        "What does the notice say?", "Read the notice.", "What is in the colored box?", "What does the message say?",
        "What is the notice?", "What does the colored box say?", "Tell me what the notice says.",
        "Which message is shown?", "What is written in the notice?", "Please read the message.",
        heldOut: ["What am I being told?", "Which notice do you see?"])

    static let wordings = [selected, items, notice, DocumentWording.lookUp, .says, .count, .colour]

    private struct Content {
        let program: String
        let menu: [String]
        let selected: Int
        let heading: String
        let lines: [String]
        let notice: (text: String, colour: SceneColour, shade: RGB)?
        let button: String?
    }

    private enum Look {
        case menuLeft, menuTop
        /// In the test split alone.
        case menuRight
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let look = isHeldOut ? Look.menuRight : page.generator.draw(from: [.menuLeft, .menuTop])
        let content = content(menuItems: look == .menuTop ? 2...4 : 3...6, &page)
        let size = draw(content, look, on: &page)
        var asking = page.questioner()
        ask(content, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: "\(look)", isHeldOutLayout: isHeldOut, asking: asking,
            wear: .screen)
    }

    private static func content(menuItems: ClosedRange<Int>, _ page: inout DocumentPage) -> Content {
        let split = page.split
        let menu = page.names(page.generator.draw(menuItems), .menus)
        let shades = page.colours(1, on: page.theme.ground)
        let hasNotice = page.generator.draw(0...1) == 0
        let heading = page.studio.names(page.generator.draw(1...3), split, &page.generator).joined(separator: " ")
        return Content(
            program: page.studio.names(page.generator.draw(1...2), split, &page.generator).joined(separator: " "),
            menu: menu, selected: page.generator.draw(0...menu.count - 1), heading: heading,
            lines: page.studio.lines(page.generator.draw(1...4), 8...28, split, &page.generator),
            notice: hasNotice
                ? (DialogsDocument.message(&page, longest: 34), shades[0].name, shades[0].colour) : nil,
            button: page.generator.draw(0...2) > 0
                ? DocumentVocabulary.buttons.draw(split, &page.generator) : nil)
    }

    // MARK: Drawing

    private static func draw(
        _ content: Content, _ look: Look, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let fonts = page.fonts(.office)
        let size = page.size(11...15)
        let (text, bold, heading) = (fonts.regular(size), fonts.bold(size), fonts.bold(size * 1.4))
        let pad = page.generator.draw(8...14)
        let menuWidth =
            look == .menuTop ? 0 : text.width(ofWidest: content.menu) + 2 * pad
        let widest = max(
            text.width(ofWidest: content.lines), heading.width(of: content.heading),
            content.notice.map { text.width(of: $0.text) + 2 * pad } ?? 0, 120)
        let menuLine = content.menu.map { text.width(of: $0) + 2 * pad }.reduce(0, +)
        let width = max(
            widest + menuWidth + 2 * pad, look == .menuTop ? menuLine : 0, bold.width(of: content.program) + 2 * pad)
        let bar = bold.leading + 8
        let tone = page.theme.ground.mixed(with: page.theme.ink, part: page.generator.draw(20...50))
        page.fill(ShapeScene.Box(x: 0, y: 0, width: max(128, width), height: bar), tone)
        let ink = page.theme.ink
        page.note(
            "title", text: content.program,
            page.write(content.program, bold, x: pad, baseline: (bar + bold.capitals) / 2, tone.readable))
        let under = page.mark
        let top = drawMenu(content, look, text, pad: pad, y: bar, width: width, menuWidth: menuWidth, on: &page)
        let x = look == .menuLeft ? menuWidth + pad : pad
        var y = top.content + pad
        let box = page.write(content.heading, heading, x: x, baseline: y + heading.capitals, ink)
        page.note("heading", text: content.heading, box)
        y += heading.leading + 2
        if let notice = content.notice {
            let area = ShapeScene.Box(
                x: x, y: y, width: text.width(of: notice.text) + 2 * pad, height: text.leading + 8)
            page.fill(Outline(area, radius: 3), notice.shade)
            page.write(
                notice.text, text, x: x + pad, baseline: y + (area.height + text.capitals) / 2, notice.shade.readable)
            page.note("notice", colour: notice.colour.rawValue, text: notice.text, area)
            y += area.height + 6
        }
        for line in content.lines {
            page.note("line", text: line, page.write(line, text, x: x, baseline: y + text.capitals + 2, ink))
            y += text.leading
        }
        y = drawButton(content.button, text, x: x, y: y + 6, on: &page)
        let height = max(y, top.menu) + pad
        if look != .menuTop {
            let left = look == .menuLeft ? 0 : width - menuWidth
            let area = ShapeScene.Box(x: left, y: bar, width: menuWidth, height: height - bar)
            page.fill(Outline(area), page.theme.ground.mixed(with: page.theme.ink, part: 14), under: under)
        }
        return (max(128, width), height)
    }

    /// Returns the rows below the menu: where the content begins, and where the menu itself ends.
    private static func drawMenu(
        _ content: Content, _ look: Look, _ text: Lettering, pad: Int, y: Int, width: Int, menuWidth: Int,
        on page: inout DocumentPage
    ) -> (content: Int, menu: Int) {
        let height = text.leading + 6
        let mark = page.theme.ground.mixed(with: page.theme.ink, part: page.generator.draw(60...90))
        var x = look == .menuRight ? width - menuWidth : 0
        var row = y + (look == .menuTop ? 0 : 4)
        for (index, item) in content.menu.enumerated() {
            let cell = ShapeScene.Box(
                x: x, y: row, width: look == .menuTop ? text.width(of: item) + 2 * pad : menuWidth, height: height)
            let isSelected = index == content.selected
            if isSelected { page.fill(cell, mark) }
            page.write(
                item, text, x: x + pad, baseline: row + (height + text.capitals) / 2,
                isSelected ? mark.readable : page.theme.ink)
            page.note(isSelected ? "selected menu item" : "menu item", text: item, cell)
            if look == .menuTop { x += cell.width } else { row += height }
        }
        return look == .menuTop ? (row + height, row + height) : (y, row)
    }

    /// Returns the row below the button.
    private static func drawButton(
        _ name: String?, _ text: Lettering, x: Int, y: Int, on page: inout DocumentPage
    ) -> Int {
        guard let name else { return y }
        let box = ShapeScene.Box(x: x, y: y, width: text.width(of: name) + 24, height: text.leading + 6)
        let outline = Outline(box, radius: Double(page.generator.draw(0...6)))
        let tone = page.theme.ground.mixed(with: page.theme.ink, part: 30)
        page.fill(outline, tone)
        page.fill(outline.stroked(width: 1), page.theme.faint)
        page.write(
            name, text, x: x + box.width / 2, baseline: y + (box.height + text.capitals) / 2, page.theme.ink, .centre)
        page.note("button", text: name, box)
        return y + box.height
    }

    // MARK: Questions

    private static func ask(_ content: Content, _ asking: inout DocumentQuestioner) {
        let name = content.menu[content.selected]
        asking.ask(
            selected, short: name, sentence: "\(name) is selected.",
            truth: .words(right: [name], wrong: content.menu.filter { $0 != name }), isReadOff: true)
        asking.ask(
            items, short: content.menu.joined(separator: ", "),
            sentence: "The menu has \(Phrase.list(content.menu)).",
            truth: .list(of: content.menu, noneOf: [], isOrdered: false), isReadOff: true)
        asking.askText(.lookUp, ["the heading"], text: content.heading, lead: "The heading is")
        asking.askText(.lookUp, ["the title of the window"], text: content.program, lead: "The title is")
        asking.askText(.says, ["the first line of the text"], text: content.lines[0], lead: "The first line says")
        asking.askCount("menu item", content.menu.count)
        if let notice = content.notice {
            asking.askText(self.notice, text: notice.text, lead: "The notice says")
            asking.askColour(of: "the notice", notice.colour)
        }
        if let button = content.button { asking.askText(.says, ["the button"], text: button, lead: "The button says") }
    }
}
