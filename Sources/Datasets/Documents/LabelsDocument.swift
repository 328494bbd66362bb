import Support
import Typography

/// Words on coloured things: signs, tags, boxes, circles.
enum LabelsDocument {
    private static let whichColour = DocumentWording(
        "What color is the #1 that says “#2”?", "Which color has the #1 with “#2”?",
        "What is the color of the #1 with “#2” on it?", "“#2” is on a #1 of which color?",
        "What colour is the #1 that says “#2”?", "The #1 says “#2”. What color is it?",
        "Tell me the color of the #1 that says “#2”.", "On which color is “#2” written?",
        "In front of which color is “#2”?", "Which color is behind “#2”?",
        heldOut: ["Find the #1 with “#2”: which color is it?", "Name the color of the #1 that reads “#2”."],
        allowsOneWord: true)
    static let wordings = [DocumentWording.says, .count, whichColour, .presence]

    /// How the things look.
    private enum Look: CaseIterable {
        case sign, box, circle, tag, button
        /// In the test split alone.
        case octagon

        var noun: String {
            switch self {
            case .sign, .octagon: "sign"
            case .box: "box"
            case .circle: "circle"
            case .tag: "tag"
            case .button: "button"
            }
        }
    }

    private struct Label {
        let text: String
        let colour: SceneColour
        let box: ShapeScene.Box
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let look = isHeldOut ? Look.octagon : page.generator.draw(from: [.sign, .box, .circle, .tag, .button])
        let isAcross = page.generator.draw(0...1) == 0
        let count = page.generator.draw(1...(isAcross ? 3 : 4))
        let colours = page.colours(count, on: page.theme.ground)
        let lettering = page.fonts(.any).any(page.size(12...24), &page.generator)
        let gap = page.generator.draw(6...24)
        var labels: [Label] = []
        var position = 0
        var texts: Set<String> = []
        for (name, colour) in colours where position < (isAcross ? 340 : 300) {
            var text = page.word(2...(isAcross ? 7 : 10))
            while DocumentStudio.isMisleading(text) || !texts.insert(text.lowercased()).inserted {
                text = page.word(2...(isAcross ? 7 : 10))
            }
            let box = draw(text, look, colour, lettering, at: position, isAcross: isAcross, on: &page)
            page.note(look.noun, colour: name.rawValue, text: text, box)
            labels.append(Label(text: text, colour: name, box: box))
            position = (isAcross ? box.x + box.width : box.y + box.height) + gap
        }
        let whole = labels.map(\.box).united
        var asking = page.questioner()
        ask(labels, look.noun, isAcross: isAcross, &asking)
        let (width, height, shift) = page.room(around: whole, margins: 4...30)
        return page.finished(
            width: width, height: height, shift: shift, layout: "\(look)",
            isHeldOutLayout: isHeldOut, asking: asking)
    }

    private static func draw(
        _ text: String, _ look: Look, _ colour: RGB, _ lettering: Lettering, at position: Int, isAcross: Bool,
        on page: inout DocumentPage
    ) -> ShapeScene.Box {
        let inner = lettering.width(of: text)
        let pad = Int(lettering.size * 0.6)
        let isRound = look == .circle || look == .octagon
        let width = inner + (look == .tag ? 3 : 2) * pad
        let height = isRound ? width : Int(lettering.size * 1.2) + pad
        let box = ShapeScene.Box(
            x: isAcross ? position : 0, y: isAcross ? 0 : position, width: width, height: height)
        page.fill(outline(look, box, pad: pad), colour)
        let middle = box.x + box.width / 2 + (look == .tag ? pad / 2 : 0)
        page.write(
            text, lettering, x: middle, baseline: box.y + (height + lettering.capitals) / 2, colour.readable, .centre)
        return box
    }

    private static func outline(_ look: Look, _ box: ShapeScene.Box, pad: Int) -> Outline {
        let (x, y) = (Double(box.x), Double(box.y))
        let (width, height) = (Double(box.width), Double(box.height))
        let centre = Point(x + width / 2, y + height / 2)
        switch look {
        case .box: return Outline(box)
        case .sign: return Outline(box, radius: height / 5)
        case .button: return Outline(box, radius: height / 2)
        case .circle: return Outline(circleAt: centre, radius: width / 2)
        case .octagon:
            return Outline(
                polygon: (0..<8).map { Point.onCircle(centre, radius: width / 1.9, turns: (Double($0) + 0.5) / 8) })
        case .tag:
            var tag = Outline(polygon: [
                Point(x + Double(pad), y), Point(x + width, y), Point(x + width, y + height),
                Point(x + Double(pad), y + height), Point(x, y + height / 2),
            ])
            tag.cut(Outline(circleAt: Point(x + Double(pad), y + height / 2), radius: height / 9))
            return tag
        }
    }

    private static func ask(
        _ labels: [Label], _ noun: String, isAcross: Bool, _ asking: inout DocumentQuestioner
    ) {
        let names = labels.map { "the \($0.colour) \(noun)" }
        for (label, name) in zip(labels, names).shuffled(&asking.generator).prefix(3) {
            asking.askText(.says, [labels.count == 1 ? "the \(noun)" : name], text: label.text, lead: "It says")
            asking.ask(
                whichColour, [noun, label.text], short: label.colour.rawValue,
                sentence: "The \(noun) that says “\(label.text)” is \(label.colour).",
                truth: .words(
                    right: [label.colour.rawValue],
                    wrong: SceneColour.allCases.filter { $0 != label.colour }.map(\.rawValue)))
        }
        if labels.count > 1, let first = labels.first, let last = labels.last {
            let ends = isAcross ? ["on the left", "on the right"] : ["at the top", "at the bottom"]
            let end = asking.generator.draw(0...1)
            asking.askText(
                .says, ["the \(noun) \(ends[end])"], text: (end == 0 ? first : last).text,
                lead: "The \(noun) \(ends[end]) says")
        }
        asking.askCount(noun, labels.count)
        askPresence(labels, noun, &asking)
    }

    private static func askPresence(_ labels: [Label], _ noun: String, _ asking: inout DocumentQuestioner) {
        let absent = SceneColour.allCases.filter { colour in !labels.contains { $0.colour == colour } }
        let isTrue = asking.generator.draw(0...1) == 0
        let colour = isTrue ? asking.generator.draw(from: labels).colour : asking.generator.draw(from: absent)
        let thing = "\(colour) \(noun)"
        asking.ask(
            .presence, [Phrase.indefinite(thing)], isTrue: isTrue,
            fact: isTrue ? "there is \(Phrase.indefinite(thing))" : "there is no \(thing)")
        guard asking.generator.draw(0...2) == 0 else { return }
        let missing = "\(asking.generator.draw(from: absent)) \(noun)"
        asking.ask(
            .says, ["the \(missing)"], short: "There is no \(missing).", sentence: "There is no \(missing).",
            truth: .absent(thing: missing))
    }
}

extension Sequence {
    /// The elements in random order.
    func shuffled(_ generator: inout SplitMix64) -> [Element] { generator.shuffled(Array(self)) }
}

extension [ShapeScene.Box] {
    /// The smallest box around all; there must be one.
    var united: ShapeScene.Box {
        let left = map(\.x).min() ?? 0
        let top = map(\.y).min() ?? 0
        let right = map { $0.x + $0.width }.max() ?? 1
        let bottom = map { $0.y + $0.height }.max() ?? 1
        return ShapeScene.Box(x: left, y: top, width: right - left, height: bottom - top)
    }
}
