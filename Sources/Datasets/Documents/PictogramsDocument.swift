import Support
import Typography

/// One to four pictograms by one artist: training and validation see two artists, tests a third one.
enum PictogramsDocument {
    private static let what = DocumentWording(
        "What is this?", "What does the picture show?", "What do you see?", "What is in the picture?",
        "What does the icon show?", "Name the thing in the picture.", "What is shown here?", "What icon is this?",
        "Which thing do you see?", "Tell me what this is.", "What is the object?", "What does the symbol stand for?",
        heldOut: ["What's in this picture?", "What would you call this?", "Can you name the thing?"])
    private static let whatAt = DocumentWording(
        "What is #1?", "What do you see #1?", "What thing is #1?", "Which icon is #1?", "What is shown #1?",
        "Tell me what is #1.", "Name the thing #1.", "What does the icon #1 show?", "Which thing is #1?",
        "What is the icon #1?", heldOut: ["#1, what do you see?", "What has been put #1?"])
    private static let list = DocumentWording(
        "What things are in the picture?", "Name all things from left to right.", "Which icons do you see?",
        "List the things in the picture.", "What do the icons show?", "Name the icons.", "Which things are shown?",
        "What can you see, from left to right?", "Tell me what the icons are.", "What objects are there?",
        heldOut: ["Give me the icons from left to right.", "Which objects can you make out?"])

    static let wordings = [what, whatAt, list, DocumentWording.count, .presence]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let count = page.happens(1, in: 2) ? 1 : page.generator.draw(2...4)
        let things = Array(page.generator.shuffled(Pictogram.all).prefix(count))
        let artist = page.generator.draw(
            from: PictogramArtist.allCases.filter { ($0.split == .heldOut) == (page.split == .test) })
        // Opaque images keep their white corners.
        let ground: RGB? = artist == .emojiOne ? .white : nil
        let ink = page.colours(1, on: page.theme.ground).first.map(\.colour) ?? page.theme.ink
        let colour = page.happens(1, in: 2) ? page.theme.ink : ink
        let side = Int(page.size(count == 1 ? 28...160 : 28...84))
        let gap = page.generator.draw(6...28)
        var boxes: [ShapeScene.Box] = []
        for (index, thing) in things.enumerated() {
            let sticker = page.sticker(of: thing, by: artist, side: side, ink: colour)
            let x = index * (side + gap)
            let y = page.generator.draw(0...max(1, side / 4))
            page.place(sticker, x: x, y: y)
            let box = ShapeScene.Box(x: x, y: y, width: sticker.width, height: sticker.height)
            page.note("pictogram", text: thing.name, box)
            boxes.append(box)
        }
        let (width, height, shift) = page.room(around: boxes.united, margins: 6...60)
        var asking = page.questioner()
        ask(things, &asking)
        return page.finished(
            width: width, height: height, shift: shift, layout: artist.rawValue, isHeldOutLayout: artist == .emojiOne,
            asking: asking, ground: ground)
    }

    private static func ask(_ things: [Pictogram], _ asking: inout DocumentQuestioner) {
        // A palm tree is a tree too.
        let others = asking.generator.shuffled(
            Pictogram.all.filter { other in
                !things.contains { $0.name.contains(other.name) || other.name.contains($0.name) }
            })
        func truth(_ thing: Pictogram) -> GroundTruth {
            // A name that is a part of the right one would count for both.
            let right = [thing.name] + thing.others
            let wrong = Pictogram.all.filter { $0 != thing }.map(\.name)
                .filter { name in !right.contains { $0.contains(name) || name.contains($0) } }
            return .words(right: right, wrong: wrong)
        }
        if things.count == 1 {
            asking.ask(
                what, short: things[0].name, sentence: "It is \(things[0].phrase).", truth: truth(things[0]))
        } else {
            let places =
                things.count == 2
                ? ["on the left", "on the right"]
                : ["on the far left"] + Array(repeating: nil, count: things.count - 2) + ["on the far right"]
            for (thing, place) in zip(things, places) {
                guard let place else { continue }
                asking.ask(
                    whatAt, [place], short: thing.name, sentence: "The thing \(place) is \(thing.phrase).",
                    truth: truth(thing))
            }
            asking.ask(
                list, short: things.map(\.name).joined(separator: ", "),
                sentence: "I see \(Phrase.list(things.map(\.phrase))).",
                truth: .list(of: things.map(\.name), noneOf: [], isOrdered: false))
        }
        let present = asking.generator.draw(from: things)
        asking.ask(DocumentWording.presence, [present.phrase], isTrue: true, fact: "there is \(present.phrase)")
        asking.ask(DocumentWording.presence, [others[0].phrase], isTrue: false, fact: "there is no \(others[0].name)")
        asking.askCount("icon", things.count)
    }
}
