import Support
import Typography

/// One word, 12 to 40 pixels high, on any ground.
enum WordsDocument {
    private static let read = DocumentWording(
        "What does it say?", "What word is this?", "Which word do you see?", "Read the word.", "What is written here?",
        "What does the picture say?", "Read the text.", "What text is in the picture?", "Tell me what it says.",
        "Can you read this?", "Please read the word in the picture.", "What word is shown?",
        heldOut: ["What's the word?", "Spell out what is written.", "Which word is on the image?"])
    private static let isWord = DocumentWording(
        "Does it say “#1”?", "Is this the word “#1”?", "Is the word “#1”?", "Do you read “#1”?",
        "Does the picture say “#1”?", "Is “#1” written here?", "Can you see the word “#1”?",
        "Is “#1” the word in the picture?", "Is it true that it says “#1”?", "Would you read this as “#1”?",
        heldOut: ["“#1”: is that what it says?", "Am I right to read “#1”?"], allowsOneWord: true)

    static let wordings = [read, isWord, DocumentWording.lookUp, .count, .colour]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let word = page.studio.word(3...12, page.split, &page.generator)
        var lettering = page.fonts(.any).any(page.size(12...40), &page.generator)
        while lettering.width(of: word) > 430 { lettering = lettering.sized(lettering.size * 0.8) }
        // Half of all words are of a colour with a name.
        let named = page.generator.draw(0...1) == 0 ? page.colours(1, on: page.theme.ground, contrast: 70).first : nil
        let ink = named?.colour ?? page.theme.ink
        let under = page.mark
        let box = page.write(word, lettering, x: 0, baseline: 0, ink)
        page.note("word", colour: named?.name.rawValue, text: word, box)
        let look = page.look(around: box, size: lettering.size, under: under)
        let (width, height, shift) = page.room(around: look.box)
        var asking = page.questioner()
        ask(word, colour: named?.name, page, &asking)
        return page.finished(
            width: width, height: height, shift: shift, layout: look.name, isHeldOutLayout: look.isHeldOut,
            asking: asking)
    }

    private static func ask(
        _ word: String, colour: SceneColour?, _ page: DocumentPage, _ asking: inout DocumentQuestioner
    ) {
        asking.askText(read, text: word, lead: "It says")
        let isTrue = asking.generator.draw(0...1) == 0
        let other = isTrue ? word : page.studio.lookAlike(of: word, page.split, &asking.generator)
        if !DocumentStudio.isMisleading(word), !DocumentStudio.isMisleading(other) {
            asking.ask(isWord, [other], isTrue: isTrue, fact: "it says “\(word)”")
        }
        if asking.generator.draw(0...1) == 0 {
            asking.askText(
                .lookUp, ["the first letter of the word"], text: String(word.prefix(1)), lead: "The first letter is")
        }
        if asking.generator.draw(0...1) == 0 {
            asking.askText(
                .lookUp, ["the last letter of the word"], text: String(word.suffix(1)), lead: "The last letter is")
        }
        if asking.generator.draw(0...2) == 0 {
            asking.ask(
                .count, ["letters"], short: "\(word.count)", sentence: "There are \(word.count) letters.",
                truth: .number(Double(word.count), within: 0))
        }
        if let colour { asking.askColour(of: "the word", colour) }
        while asking.questions.count < 3 { asking.askText(read, text: word, lead: "It says") }
    }
}

extension DocumentPage {
    /// Around a piece of text: nothing, a panel, a frame or lines. Returns the box with what was drawn.
    mutating func look(
        around box: ShapeScene.Box, size: Double, under mark: Int
    ) -> (box: ShapeScene.Box, name: String, isHeldOut: Bool) {
        let pad = max(4, Int(size * 0.45))
        let outer = ShapeScene.Box(
            x: box.x - pad, y: box.y - pad, width: box.width + 2 * pad, height: box.height + 2 * pad)
        let tone = theme.ground.mixed(with: theme.ink, part: generator.draw(12...38))
        // The test split shows the last look in a third of its images; no other split does.
        let isHeldOut = split == .test && happens(1, in: 3)
        switch isHeldOut ? 4 : generator.draw(0...7) {
        case 0:
            fill(Outline(outer, radius: generator.draw(0...1) == 0 ? 0 : Double(pad)), tone, under: mark)
            return (outer, "panel", false)
        case 1:
            let radius = Double(generator.draw(0...pad))
            let width = Double(generator.draw(2...5)) / 2
            fill(Outline(outer, radius: radius).stroked(width: width), theme.faint, under: mark)
            return (outer, "frame", false)
        case 2:
            let y = box.y + box.height + max(2, pad / 3)
            fill(ShapeScene.Box(x: box.x, y: y, width: box.width, height: generator.draw(1...3)), theme.faint)
            return (outer, "underline", false)
        case 3:
            let height = generator.draw(1...2)
            fill(ShapeScene.Box(x: outer.x - 300, y: outer.y, width: 1100, height: height), theme.faint)
            fill(ShapeScene.Box(x: outer.x - 300, y: outer.y + outer.height, width: 1100, height: height), theme.faint)
            return (outer, "rules", false)
        case 4 where isHeldOut:
            let corner = min(16, Double(outer.height) / 2)
            let (left, right) = (Double(outer.x) - corner, Double(outer.x + outer.width) + corner)
            let (top, bottom) = (Double(outer.y), Double(outer.y + outer.height))
            fill(
                Outline(polygon: [
                    Point(left, top), Point(right - corner, top), Point(right, (top + bottom) / 2),
                    Point(right - corner, bottom), Point(left, bottom),
                ]), tone, under: mark)
            return (
                ShapeScene.Box(
                    x: outer.x - Int(corner), y: outer.y, width: outer.width + 2 * Int(corner), height: outer.height),
                "arrow panel", true
            )
        default: return (outer, "plain", false)
        }
    }

    /// A size for the image, 128 to 512 pixels wide, and where `box` is moved to lie in it.
    /// `edge` pixels around it stay free.
    mutating func room(
        around box: ShapeScene.Box, margins: ClosedRange<Int> = 4...60, edge: Int = 2
    ) -> (width: Int, height: Int, shift: (x: Int, y: Int)) {
        func side(_ length: Int, _ smallest: Int) -> (side: Int, start: Int) {
            let side = min(512, max(smallest, length + 2 * max(edge, generator.draw(margins))))
            let slack = side - length
            return (side, slack > 2 * edge ? generator.draw(edge...(slack - edge)) : max(0, slack / 2))
        }
        let (width, x) = side(box.width, 128)
        let (height, y) = side(box.height, 32)
        return (width, height, (x - box.x, y - box.y))
    }
}
