import Support

/// One printed digit, in several fonts, sizes and positions.
enum DigitsFamily {
    private static let digit = Wording(
        "What digit is this?", "Which digit is shown?", "What digit do you see?", "Read the digit in the picture.",
        "What digit is in the image?")
    private static let isDigit = Wording(
        "Is this #1 #2?", "Does the picture show #1 #2?", "Do you see #1 #2?", "Is the digit #1 #2?")
    static let colour = Wording(
        "What color is the #1?", "What is the color of the #1?", "Which color does the #1 have?",
        "What colour is the #1?")
    static let isColour = Wording(
        "Is the #1 #2?", "Is the color of the #1 #2?", "Does the #1 look #2?", "Is the #1 printed in #2?")

    static let wordings = [digit, isDigit, colour, isColour]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let look = GlyphLook(HeldOutRules(SeedSplit(of: seed)), &generator)
        let value = generator.draw(0...9)
        let colour = generator.draw(from: SceneColour.allCases)
        // In quarters of a pixel.
        let height = generator.draw(72...200)
        let width = height * generator.draw(50...78) / 100
        let whole = 4 * ShapeScene.side
        let place = SceneGrid.Placement(
            width: width, height: height, centreX: generator.draw(width / 2 + 5...whole - 5 - width / 2),
            centreY: generator.draw(height / 2 + 5...whole - 5 - height / 2))
        var canvas = SceneCanvas(&generator)
        canvas.draw(value, colour, look, at: place, &generator)
        let scene = canvas.scene(&generator)
        var asking = Questioner(.digits, generator)
        askIsDigit(value, &asking)
        askColour(of: "digit", colour, &asking)
        askIsColour("digit", colour, &asking)
        repeat { askDigit(value, &asking) } while asking.questions.count < 6
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    private static func askDigit(_ value: Int, _ asking: inout Questioner) {
        asking.ask(digit, short: "\(value)", sentence: "The digit is \(value).", truth: .text("\(value)"))
    }

    private static func askIsDigit(_ value: Int, _ asking: inout Questioner) {
        let isTrue = asking.generator.draw(0...1) == 0
        let asked = isTrue ? value : asking.generator.draw(from: (0...9).filter { $0 != value })
        let fact = "it is \(article(value)) \(value)"
        asking.ask(isDigit, [article(asked), "\(asked)"], isTrue: isTrue, yes: fact, no: fact)
    }

    /// Asks for the colour of the digit or number.
    static func askColour(of noun: String, _ colour: SceneColour, _ asking: inout Questioner) {
        let wrong = SceneColour.allCases.filter { $0 != colour }.map(\.rawValue)
        asking.ask(
            Self.colour, [noun], short: colour.rawValue, sentence: "The \(noun) is \(colour).",
            truth: .words(right: [colour.rawValue], wrong: wrong))
    }

    /// Asks whether the digit or number has a colour.
    static func askIsColour(_ noun: String, _ colour: SceneColour, _ asking: inout Questioner) {
        let isTrue = asking.generator.draw(0...1) == 0
        let asked = isTrue ? colour : asking.generator.draw(from: SceneColour.allCases.filter { $0 != colour })
        let fact = "the \(noun) is \(colour)"
        asking.ask(isColour, [noun, "\(asked)"], isTrue: isTrue, yes: fact, no: fact)
    }

    private static func article(_ digit: Int) -> String { digit == 8 ? "an" : "a" }
}

extension SceneCanvas {
    /// Draws a digit.
    mutating func draw(
        _ digit: Int, _ colour: SceneColour, _ look: GlyphLook, at place: SceneGrid.Placement,
        _ generator: inout SplitMix64
    ) {
        draw(.glyph("\(digit)"), colour, at: place, &generator) { x, y in
            look.covers(digit, x, y, width: place.width, height: place.height)
        }
    }
}
