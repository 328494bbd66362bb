import Support
import Typography

/// Flags of stripes, crosses and discs: flags of countries, and invented flags.
enum FlagsDocument {
    private static let country = DocumentWording(
        "Which country has this flag?", "What country's flag is this?", "Whose flag is this?",
        "Which country is this the flag of?", "What flag is this?", "Name the country with this flag.",
        "To which country does this flag belong?", "Which flag do you see?", "Tell me the country of this flag.",
        "What country does this flag stand for?",
        heldOut: ["Where would you see this flag?", "This is the flag of which country?"])
    private static let colours = DocumentWording(
        "What colors does the flag have?", "Which colors are on the flag?", "What are the colors of the flag?",
        "Name the colors of the flag.", "Which colors do you see on the flag?", "List the colors of the flag.",
        "Tell me the colors of the flag.", "What colors are there?", "Which colors does this flag have?",
        "What colors can you see on the flag?",
        heldOut: ["In which colors is the flag?", "The flag shows which colors?"])
    private static let inOrder = DocumentWording(
        "What are the colors of the stripes from #1?", "Name the stripes from #1.",
        "From #1, which colors do the stripes have?", "Which colors are the stripes, from #1?",
        "List the colors from #1.", "Read the colors of the stripes from #1.", "From #1, what are the colors?",
        "Tell me the colors of the stripes from #1.", "What colors do you see from #1?",
        "In what order are the colors, from #1?",
        heldOut: ["Go from #1: which colors come?", "Give the stripes in order from #1."])
    private static let stripe = DocumentWording(
        "What color is the #1 stripe?", "Which color does the #1 stripe have?", "What is the color of the #1 stripe?",
        "Tell me the color of the #1 stripe.", "What colour is the #1 stripe?", "Which color is the #1 stripe?",
        "Name the color of the #1 stripe.", "In what color is the #1 stripe?", "What color has the #1 stripe?",
        "Can you tell the color of the #1 stripe?",
        heldOut: ["The #1 stripe has which color?", "Look at the #1 stripe: which color is it?"], allowsOneWord: true)
    private static let hasColour = DocumentWording(
        "Is there #1 on the flag?", "Does the flag have #1?", "Is #1 one of the colors?", "Do you see #1 on the flag?",
        "Does the flag contain #1?", "Is any part of the flag #1?", "Can you see #1 on the flag?",
        "Is #1 on the flag?", "Does the flag show #1?", "Is something on the flag #1?",
        heldOut: ["Look for #1 on the flag. Is it there?", "Would you find #1 on this flag?"], allowsOneWord: true)

    static let wordings = [country, colours, inOrder, stripe, hasColour, DocumentWording.count]

    private enum Pattern {
        case vertical, horizontal, disc, cross
    }

    private struct Flag {
        let country: String?
        let pattern: Pattern
        let colours: [String]

        init(_ country: String?, _ pattern: Pattern, _ colours: String) {
            self.country = country
            self.pattern = pattern
            self.colours = colours.split(separator: " ").map(String.init)
        }
    }

    private static let known = [
        Flag("France", .vertical, "blue white red"), Flag("Italy", .vertical, "green white red"),
        Flag("Ireland", .vertical, "green white orange"), Flag("Belgium", .vertical, "black yellow red"),
        Flag("Romania", .vertical, "blue yellow red"), Flag("Nigeria", .vertical, "green white green"),
        Flag("Peru", .vertical, "red white red"), Flag("Mali", .vertical, "green yellow red"),
        Flag("Guinea", .vertical, "red yellow green"), Flag("Germany", .horizontal, "black red yellow"),
        Flag("Russia", .horizontal, "white blue red"), Flag("Hungary", .horizontal, "red white green"),
        Flag("Bulgaria", .horizontal, "white green red"), Flag("Austria", .horizontal, "red white red"),
        Flag("Lithuania", .horizontal, "yellow green red"), Flag("Estonia", .horizontal, "blue black white"),
        Flag("Poland", .horizontal, "white red"), Flag("Ukraine", .horizontal, "blue yellow"),
        Flag("Yemen", .horizontal, "red white black"), Flag("Armenia", .horizontal, "red blue orange"),
        Flag("Gabon", .horizontal, "green yellow blue"), Flag("Bolivia", .horizontal, "red yellow green"),
        Flag("Netherlands", .horizontal, "red white blue"), Flag("Japan", .disc, "white red"),
        Flag("Bangladesh", .disc, "green red"), Flag("Palau", .disc, "blue yellow"),
        Flag("Sweden", .cross, "blue yellow"), Flag("Finland", .cross, "white blue"),
        Flag("Denmark", .cross, "red white"),
    ]

    private static let words = [
        "white", "black", "red", "green", "blue", "yellow", "orange", "purple", "brown", "pink",
    ]

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        // The test split alone shows invented flags of four stripes.
        let isHeldOut = page.split == .test && page.happens(1, in: 3)
        let flag =
            isHeldOut
            ? invented(4, &page.generator)
            : page.generator.draw(0...1) == 0
                ? page.generator.draw(from: known) : invented(page.generator.draw(2...3), &page.generator)
        let width = Double(page.generator.draw(90...260))
        let height = (width * Double(page.generator.draw(50...70)) / 100).rounded()
        let box = ShapeScene.Box(x: 0, y: 0, width: Int(width), height: Int(height))
        draw(flag, box, on: &page)
        page.fill(Outline(box).stroked(width: 1), page.theme.faint)
        page.note("flag", text: flag.country, box)
        let (imageWidth, imageHeight, shift) = page.room(around: box, margins: 6...40)
        var asking = page.questioner()
        ask(flag, &asking)
        return page.finished(
            width: imageWidth, height: imageHeight, shift: shift, layout: "\(flag.pattern)", isHeldOutLayout: isHeldOut,
            asking: asking)
    }

    /// A flag of stripes that no country in the list has.
    private static func invented(_ count: Int, _ generator: inout SplitMix64) -> Flag {
        while true {
            let colours = generator.shuffled(words).prefix(count).joined(separator: " ")
            let flag = Flag(nil, generator.draw(0...1) == 0 ? .vertical : .horizontal, colours)
            if !known.contains(where: { $0.colours == flag.colours }) { return flag }
        }
    }

    private static func draw(_ flag: Flag, _ box: ShapeScene.Box, on page: inout DocumentPage) {
        let shades = flag.colours.map { word in
            SceneColour(rawValue: word).map { page.shade(of: $0) } ?? RGB.white
        }
        let (width, height) = (Double(box.width), Double(box.height))
        switch flag.pattern {
        case .vertical, .horizontal:
            for (index, shade) in shades.enumerated() {
                let (from, to) = (Double(index) / Double(shades.count), Double(index + 1) / Double(shades.count))
                page.fill(
                    flag.pattern == .vertical
                        ? Outline(x: from * width, y: 0, width: (to - from) * width, height: height)
                        : Outline(x: 0, y: from * height, width: width, height: (to - from) * height), shade)
            }
        case .disc:
            page.fill(Outline(box), shades[0])
            page.fill(Outline(circleAt: Point(width / 2, height / 2), radius: height * 0.3), shades[1])
        case .cross:
            page.fill(Outline(box), shades[0])
            let arm = height / 5
            page.fill(Outline(x: width * 0.36 - arm / 2, y: 0, width: arm, height: height), shades[1])
            page.fill(Outline(x: 0, y: (height - arm) / 2, width: width, height: arm), shades[1])
        }
    }

    private static func ask(_ flag: Flag, _ asking: inout DocumentQuestioner) {
        var different: [String] = []
        for colour in flag.colours where !different.contains(colour) { different.append(colour) }
        let others = words.filter { !different.contains($0) }
        if let country = flag.country {
            asking.ask(
                self.country, short: country, sentence: "This is the flag of \(country).",
                truth: .words(right: [country], wrong: known.compactMap(\.country).filter { $0 != country }))
        }
        asking.ask(
            colours, short: different.joined(separator: ", "), sentence: "The flag is \(Phrase.list(different)).",
            truth: .list(of: different, noneOf: others, isOrdered: false))
        let isTrue = asking.generator.draw(0...1) == 0
        let asked = asking.generator.draw(from: isTrue ? different : others)
        asking.ask(
            hasColour, [asked], isTrue: isTrue, fact: "the flag is \(Phrase.list(different))")
        guard flag.pattern == .vertical || flag.pattern == .horizontal else { return }
        let isVertical = flag.pattern == .vertical
        asking.ask(
            inOrder, [isVertical ? "left to right" : "top to bottom"], short: flag.colours.joined(separator: ", "),
            sentence: "They are \(Phrase.list(flag.colours)).",
            truth: .list(of: flag.colours, noneOf: others, isOrdered: true))
        asking.askCount("stripe", flag.colours.count)
        let ends = isVertical ? ["left", "right"] : ["top", "bottom"]
        let end = asking.generator.draw(0...1)
        var stripes = [(ends[end], flag.colours[end == 0 ? 0 : flag.colours.count - 1])]
        if flag.colours.count == 3 { stripes.append(("middle", flag.colours[1])) }
        for (name, colour) in stripes {
            asking.ask(
                stripe, [name], short: colour, sentence: "The \(name) stripe is \(colour).",
                truth: .words(right: [colour], wrong: words.filter { $0 != colour }))
        }
    }
}
