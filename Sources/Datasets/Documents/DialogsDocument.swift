import Support
import Typography

/// Windows with messages, buttons, boxes to tick and text fields.
enum DialogsDocument {
    private static let message = DocumentWording(
        "What does the message say?", "What is the message?", "Read the message.", "What does the dialog say?",
        "What does the window say?", "What message is shown?", "Tell me what the message says.",
        "What is the text of the dialog?", "What does it tell me?", "Can you read the message?",
        "Please read the message in the window.",
        heldOut: ["Which message do you see?", "What do they want to tell me?", "Read out the message."])
    private static let error = DocumentWording(
        "What does the error say?", "What is the error?", "Read the error message.", "What went wrong?",
        "What error is shown?", "Tell me the error message.", "What does the error message say?",
        "Which error do you see?", "What is the problem here?", "Can you read the error?",
        heldOut: ["Read out the error.", "What problem is reported?"])
    private static let buttons = DocumentWording(
        "Which buttons are there?", "What buttons can I press?", "What buttons do you see?", "Name the buttons.",
        "List the buttons.", "What do the buttons say?", "Which buttons can I click?", "Read the buttons.",
        "What are the buttons?", "Tell me which buttons there are.",
        heldOut: ["Between which buttons can I choose?", "What can I click on?"])
    private static let isTicked = DocumentWording(
        "Is “#1” checked?", "Is the box “#1” ticked?", "Is “#1” turned on?", "Is “#1” selected?",
        "Has “#1” been checked?", "Is there a check mark at “#1”?", "Is the box next to “#1” checked?",
        "Is “#1” enabled?", "Did I check “#1”?", "Is the checkbox “#1” checked?",
        heldOut: ["Is the option “#1” on?", "Look at “#1”: is it checked?"], allowsOneWord: true)
    private static let ticked = DocumentWording(
        "Which boxes are checked?", "Which options are selected?", "What is checked?", "Which options are turned on?",
        "List what is checked.", "Name the options that are checked.", "What options are on?",
        "Which of the boxes are ticked?", "Tell me what is checked.", "What has a check mark?",
        heldOut: ["Which settings are on?", "What did the user check?"])
    private static let isButton = DocumentWording(
        "Is there a button “#1”?", "Can I click on “#1”?", "Is there a “#1” button?", "Do you see a button “#1”?",
        "Is “#1” one of the buttons?", "Does the window have a button “#1”?", "Can I press “#1”?",
        "Does a button say “#1”?", "Can I choose “#1”?", "Is a button “#1” shown?",
        heldOut: ["Would I find a button “#1”?", "Does the dialog offer “#1”?"], allowsOneWord: true)

    static let wordings = [
        message, error, buttons, isTicked, ticked, isButton, DocumentWording.lookUp, .says, .count, .colour,
    ]

    private struct Content {
        var title: String?
        var message: String?
        var isError = false
        var code: String?
        var options: [(name: String, isOn: Bool)] = []
        var entry: (name: String, value: String)?
        var buttons: [String] = []
        /// The colour of the button that stands out, and its number.
        var main: (index: Int, colour: SceneColour, shade: RGB)?
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let content = content(&page)
        // The test split alone shows buttons on the left.
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let size = draw(content, isLeft: isHeldOut, on: &page)
        var asking = page.questioner()
        ask(content, &asking)
        return page.finished(
            width: size.width, height: size.height, layout: isHeldOut ? "buttons left" : "buttons right",
            isHeldOutLayout: isHeldOut, asking: asking, wear: .screen)
    }

    // MARK: Content

    private static func content(_ page: inout DocumentPage) -> Content {
        var content = Content()
        let split = page.split
        let kind = page.generator.draw(0...9)
        if page.generator.draw(0...4) > 0 {
            content.title =
                page.generator.draw(0...2) == 0
                ? page.studio.names(page.generator.draw(1...2), split, &page.generator).joined(separator: " ")
                : DocumentVocabulary.windows.draw(split, &page.generator)
        }
        if kind < 6 {
            content.message = message(&page)
            content.isError = page.generator.draw(0...1) == 0
            if content.isError, page.generator.draw(0...1) == 0 {
                content.code =
                    page.generator.draw(from: ["Error ", "Code ", "0x", "E-"]) + "\(page.generator.draw(10...9999))"
            }
        }
        if kind >= 6, kind < 9 || page.generator.draw(0...1) == 0 {
            let names = DocumentVocabulary.options.draw(page.generator.draw(2...5), split, &page.generator)
            content.options = names.map { ($0, page.generator.draw(0...1) == 0) }
        }
        if kind == 9 {
            let name = page.generator.draw(from: ["Name", "User", "Search", "File name", "City", "Host", "Folder"])
            content.entry = (
                name, page.word(3...10) + (page.generator.draw(0...2) == 0 ? "_\(page.generator.draw(1...99))" : "")
            )
        }
        let count = page.generator.draw(content.options.isEmpty ? 1...3 : 0...2)
        content.buttons = DocumentVocabulary.buttons.draw(count, split, &page.generator)
        if count > 0, page.generator.draw(0...1) == 0 {
            let known = page.colours(1, on: page.theme.ground)[0]
            content.main = (page.generator.draw(0...count - 1), known.name, known.colour)
        }
        return content
    }

    /// A message of the lists with names filled in, or a sentence of words; of up to `longest` characters.
    static func message(_ page: inout DocumentPage, longest: Int = 60) -> String {
        // The test split has few messages of the list, and so half of its messages are of words.
        guard page.generator.draw(0...(page.split == .test ? 1 : 3)) > 0 else {
            return page.studio.line(14...longest, page.split, &page.generator)
        }
        let ending = page.generator.draw(from: [".txt", ".pdf", ".doc", ".png", ".zip", "", "", ".log", ".csv"])
        let name = page.studio.plainWord(3...9, page.split, &page.generator) + ending
        let template = DocumentVocabulary.messages.draw(page.split, &page.generator)
        let text = template.split(separator: "#1", omittingEmptySubsequences: false).joined(separator: name)
            .split(separator: "#2", omittingEmptySubsequences: false)
            .joined(separator: "\(page.generator.draw(2...99))").capitalizedFirst
        return text.count <= longest ? text : page.studio.line(14...longest, page.split, &page.generator)
    }

    // MARK: Drawing

    private static func draw(
        _ content: Content, isLeft: Bool, on page: inout DocumentPage
    ) -> (width: Int, height: Int) {
        let fonts = page.fonts(.office)
        let size = page.size(12...17)
        let (text, bold) = (fonts.regular(size), fonts.bold(size))
        let (pad, ink) = (page.generator.draw(10...18), page.theme.ink)
        let lines = content.message.map { wrapped($0, text, room: page.generator.draw(150...330)) } ?? []
        let icon = content.message == nil ? 0 : page.generator.draw(0...1) * Int(size * 2.2)
        let buttonPad = page.generator.draw(7...14)
        let widths = content.buttons.map { max(Int(size * 2.5), text.width(of: $0)) + 2 * buttonPad }
        let optionWidth = text.width(ofWidest: content.options.map(\.name)) + Int(size * 1.8)
        let entryWidth = content.entry.map { text.width(of: $0.name) + max(80, text.width(of: $0.value)) + 30 } ?? 0
        let inner = max(
            lines.isEmpty ? 0 : text.width(ofWidest: lines) + icon, widths.reduce(0, +) + 8 * max(0, widths.count - 1),
            optionWidth, entryWidth, (content.title.map { bold.width(of: $0) } ?? 0) + 40, 120 - 2 * pad)
        let width = inner + 2 * pad
        var y = titleBar(content.title, bold, width: width, pad: pad, on: &page) + pad
        let top = y
        for line in lines {
            page.note(
                "message", text: line, page.write(line, text, x: pad + icon, baseline: y + text.capitals + 2, ink))
            y += text.leading
        }
        if icon > 0 {
            drawIcon(
                isError: content.isError, Point(Double(pad) + size * 0.8, Double(top) + size * 0.8), size, on: &page)
            y = max(y, top + Int(size * 1.8))
        }
        if let code = content.code {
            page.note("code", text: code, page.write(code, text, x: pad + icon, baseline: y + text.capitals + 4, ink))
            y += text.leading
        }
        for option in content.options {
            draw(option, text, x: pad, y: y, on: &page)
            y += text.leading + 5
        }
        if let entry = content.entry { y = draw(entry, text, x: pad, y: y, right: width - pad, on: &page) }
        guard !widths.isEmpty else { return (max(128, width), y + pad) }
        y += page.generator.draw(4...12)
        let total = widths.reduce(0, +) + 8 * (widths.count - 1)
        var x = isLeft ? pad : page.generator.draw(0...2) == 0 ? (width - total) / 2 : width - pad - total
        let height = text.leading + page.generator.draw(2...8)
        let radius = Double(page.generator.draw(from: [0, 2, 4, height / 2]))
        for (index, name) in content.buttons.enumerated() {
            let box = ShapeScene.Box(x: x, y: y, width: widths[index], height: height)
            let main = content.main?.index == index ? content.main : nil
            draw(name, text, box, radius: radius, main?.shade, on: &page)
            page.note("button", colour: main?.colour.rawValue, text: name, box)
            x += widths[index] + 8
        }
        return (max(128, width), y + height + pad)
    }

    private static func wrapped(_ message: String, _ text: Lettering, room: Int) -> [String] {
        var lines: [String] = []
        var current = ""
        for word in message.split(separator: " ") {
            let longer = current.isEmpty ? String(word) : current + " " + word
            if !current.isEmpty, text.width(of: longer) > room {
                lines.append(current)
                current = String(word)
            } else {
                current = longer
            }
        }
        return lines + [current]
    }

    /// Returns the row under the bar.
    private static func titleBar(
        _ title: String?, _ bold: Lettering, width: Int, pad: Int, on page: inout DocumentPage
    ) -> Int {
        guard let title else { return 0 }
        let height = bold.leading + 8
        let tones = [
            page.theme.ground.mixed(with: page.theme.ink, part: 40), RGB(40, 60, 120), RGB(60, 60, 60),
            page.theme.ground.mixed(with: page.theme.ink, part: 20),
        ]
        let tone = page.generator.draw(from: tones)
        page.fill(ShapeScene.Box(x: 0, y: 0, width: max(128, width), height: height), tone)
        let isCentred = page.generator.draw(0...2) == 0
        let box = page.write(
            title, bold, x: isCentred ? width / 2 : pad, baseline: (height + bold.capitals) / 2, tone.readable,
            isCentred ? .centre : .left)
        page.note("title", text: title, box)
        if page.generator.draw(0...1) == 0 {
            let (x, y, arm) = (Double(width) - 14, Double(height) / 2, 4.0)
            page.line(Point(x - arm, y - arm), Point(x + arm, y + arm), width: 1.5, tone.readable)
            page.line(Point(x - arm, y + arm), Point(x + arm, y - arm), width: 1.5, tone.readable)
        }
        return height
    }

    private static func drawIcon(isError: Bool, _ centre: Point, _ size: Double, on page: inout DocumentPage) {
        let radius = size * 0.75
        if isError {
            page.fill(Outline(circleAt: centre, radius: radius), RGB(205, 40, 40))
            let arm = radius * 0.4
            page.line(Point(centre.x - arm, centre.y - arm), Point(centre.x + arm, centre.y + arm), width: 2.5, .white)
            page.line(Point(centre.x - arm, centre.y + arm), Point(centre.x + arm, centre.y - arm), width: 2.5, .white)
        } else {
            page.fill(Outline(circleAt: centre, radius: radius), RGB(50, 110, 200))
            page.line(
                Point(centre.x, centre.y - radius * 0.1), Point(centre.x, centre.y + radius * 0.5), width: 2.5, .white)
            page.fill(Outline(circleAt: Point(centre.x, centre.y - radius * 0.5), radius: 1.8), .white)
        }
    }

    private static func draw(
        _ option: (name: String, isOn: Bool), _ text: Lettering, x: Int, y: Int, on page: inout DocumentPage
    ) {
        let side = Double(text.capitals + 3)
        let top = Double(y) + 1
        let box = Outline(x: Double(x) + 0.5, y: top + 0.5, width: side, height: side, radius: 2)
        let isFull = option.isOn && page.generator.draw(0...1) == 0
        let accent = RGB(40, 100, 200)
        page.fill(isFull ? box : box.stroked(width: 1.2), isFull ? accent : page.theme.ink)
        if option.isOn {
            let (left, unit) = (Double(x) + 0.5, side / 10)
            let points = [
                Point(left + 2 * unit, top + 5.5 * unit), Point(left + 4.2 * unit, top + 8 * unit),
                Point(left + 8.2 * unit, top + 2.6 * unit),
            ]
            page.fill(Outline(line: points, width: max(1.6, side / 7)), isFull ? .white : page.theme.ink)
        }
        let box2 = page.write(option.name, text, x: x + Int(side) + 7, baseline: y + text.capitals + 2, page.theme.ink)
        page.note(option.isOn ? "checked box" : "unchecked box", text: option.name, box2)
    }

    private static func draw(
        _ entry: (name: String, value: String), _ text: Lettering, x: Int, y: Int, right: Int,
        on page: inout DocumentPage
    ) -> Int {
        let baseline = y + text.capitals + 6
        page.write(entry.name, text, x: x, baseline: baseline, page.theme.ink)
        let left = x + text.width(of: entry.name) + 10
        let box = ShapeScene.Box(x: left, y: y, width: right - left, height: text.capitals + 12)
        let tone = page.theme.isDark ? page.theme.ground.mixed(with: .white, part: 25) : RGB.white
        page.fill(Outline(box, radius: 2), tone)
        page.fill(Outline(box, radius: 2).stroked(width: 1), page.theme.faint)
        page.write(entry.value, text, x: left + 6, baseline: baseline, tone.readable)
        page.note("text field", text: entry.value, box)
        return y + box.height + 4
    }

    private static func draw(
        _ name: String, _ text: Lettering, _ box: ShapeScene.Box, radius: Double, _ shade: RGB?,
        on page: inout DocumentPage
    ) {
        let tone = shade ?? page.theme.ground.mixed(with: page.theme.ink, part: 25)
        let outline = Outline(box, radius: radius)
        page.fill(outline, tone)
        if shade == nil { page.fill(outline.stroked(width: 1), page.theme.faint) }
        page.write(
            name, text, x: box.x + box.width / 2, baseline: box.y + (box.height + text.capitals) / 2,
            shade?.readable ?? page.theme.ink, .centre)
    }

    // MARK: Questions

    private static func ask(_ content: Content, _ asking: inout DocumentQuestioner) {
        if let title = content.title {
            asking.askText(.lookUp, ["the title of the window"], text: title, lead: "The title is")
        }
        if let message = content.message {
            asking.askText(Self.message, text: message, lead: "The message says")
            if content.isError { asking.askText(error, text: message, lead: "The error says") }
        }
        if let code = content.code {
            asking.askText(.lookUp, ["the error code"], text: code, lead: "The error code is")
        }
        if let entry = content.entry {
            asking.askText(
                .lookUp, ["the text in the field “\(entry.name)”"], text: entry.value, lead: "The text in the field is")
        }
        askOptions(content.options, &asking)
        askButtons(content, &asking)
    }

    private static func askOptions(_ options: [(name: String, isOn: Bool)], _ asking: inout DocumentQuestioner) {
        guard !options.isEmpty else { return }
        // One that is on and one that is off, if there are both, so that yes is as likely as no.
        for isOn in [true, false] {
            guard let option = asking.generator.shuffled(options.filter { $0.isOn == isOn }).first else { continue }
            asking.ask(
                isTicked, [option.name], isTrue: isOn,
                fact: "“\(option.name)” is \(isOn ? "checked" : "not checked")")
        }
        let on = options.filter(\.isOn).map(\.name)
        let off = options.filter { !$0.isOn }.map(\.name)
        if on.isEmpty {
            asking.ask(
                ticked, short: "none", sentence: "None of the boxes is checked.",
                truth: .words(right: ["none", "nothing", "no"], wrong: off))
        } else {
            asking.ask(
                ticked, short: on.joined(separator: ", "),
                sentence: "\(Phrase.list(on)) \(on.count == 1 ? "is" : "are") checked.",
                truth: .list(of: on, noneOf: off, isOrdered: false), isReadOff: true)
        }
        asking.askCount("checkbox", options.count)
    }

    private static func askButtons(_ content: Content, _ asking: inout DocumentQuestioner) {
        let names = content.buttons
        asking.askCount("button", names.count)
        guard let first = names.first, let last = names.last else { return }
        if names.count > 1 {
            asking.ask(
                buttons, short: names.joined(separator: ", "),
                sentence: "The buttons are \(Phrase.list(names.map { "“\($0)”" })).",
                truth: .list(of: names, noneOf: [], isOrdered: false), isReadOff: true)
            let isLeft = asking.generator.draw(0...1) == 0
            asking.askText(
                .says, ["the \(isLeft ? "left" : "right") button"], text: isLeft ? first : last,
                lead: "The \(isLeft ? "left" : "right") button says")
        } else {
            asking.askText(.says, ["the button"], text: first, lead: "The button says")
        }
        if let main = content.main {
            asking.askText(.says, ["the \(main.colour) button"], text: names[main.index], lead: "The button says")
            asking.askColour(of: "the “\(names[main.index])” button", main.colour)
        }
        let isTrue = asking.generator.draw(0...1) == 0
        let absent = DocumentVocabulary.buttons.entries(asking.split).filter { !names.contains($0) }
        let asked = asking.generator.draw(from: isTrue ? names : absent)
        asking.ask(
            isButton, [asked], isTrue: isTrue, fact: "there is \(isTrue ? "a" : "no") button “\(asked)”")
    }
}
