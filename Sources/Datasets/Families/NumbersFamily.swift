import Support

/// A printed number of two or three digits. Each digit is in a separate column of visual tokens.
enum NumbersFamily {
    private static let number = Wording(
        "What number is this?", "Which number is shown?", "What number do you see?", "Read the number in the picture.",
        "What number is in the image?")
    private static let isNumber = Wording(
        "Is this the number #1?", "Does the picture show #1?", "Do you see the number #1?", "Is the number #1?")
    private static let digit = Wording(
        "What is the #1 digit of the number?", "What is the #1 digit?", "Which digit comes #1?",
        "Tell me the #1 digit of this number.")
    private static let length = Wording(
        "How many digits does the number have?", "How many digits are there?", "How many digits do you see?",
        "Count the digits.")

    static let wordings = [number, isNumber, digit, length, DigitsFamily.colour, DigitsFamily.isColour]

    static func image(seed: UInt64) -> FamilyImage {
        var generator = SplitMix64(seed: seed)
        let rules = HeldOutRules(SeedSplit(of: seed))
        let digits = drawDigits(generator.draw(2...3), rules, &generator)
        let colour = generator.draw(from: SceneColour.allCases)
        let look = GlyphLook(rules, &generator)
        var canvas = SceneCanvas(&generator)
        for (digit, place) in zip(digits, places(digits.count, &generator)) {
            canvas.draw(digit, colour, look, at: place, &generator)
        }
        let scene = canvas.scene(&generator)
        var asking = Questioner(.numbers, generator)
        askIsNumber(digits, rules, &asking)
        askDigit("first", digits[0], &asking)
        askDigit("last", digits[digits.count - 1], &asking)
        asking.ask(
            length, short: "\(digits.count)", sentence: "The number has \(digits.count) digits.",
            truth: .count(digits.count))
        DigitsFamily.askColour(of: "number", colour, &asking)
        DigitsFamily.askIsColour("number", colour, &asking)
        repeat { askNumber(digits, &asking) } while asking.questions.count < 8
        return FamilyImage(scene: scene, questions: asking.chosen())
    }

    /// The digits of a number that the split may show, without a leading zero.
    private static func drawDigits(
        _ count: Int, _ rules: HeldOutRules, _ generator: inout SplitMix64
    ) -> [Int] {
        while true {
            let digits = [generator.draw(1...9)] + (1..<count).map { _ in generator.draw(0...9) }
            if rules.allows(number: value(digits)) { return digits }
        }
    }

    private static func value(_ digits: [Int]) -> Int { digits.reduce(0) { $0 * 10 + $1 } }

    /// Boxes side by side, in quarters of a pixel.
    private static func places(_ count: Int, _ generator: inout SplitMix64) -> [SceneGrid.Placement] {
        let pitch = generator.draw(count == 3 ? 70...82 : 76...116)
        let width = pitch - generator.draw(8...14)
        let height = min(width * generator.draw(13...20) / 10, 200)
        let whole = 4 * ShapeScene.side
        let first = generator.draw(width / 2 + 5...whole - 5 - width / 2 - (count - 1) * pitch)
        let row = generator.draw(height / 2 + 5...whole - 5 - height / 2)
        return (0..<count).map {
            SceneGrid.Placement(width: width, height: height, centreX: first + $0 * pitch, centreY: row)
        }
    }

    private static func askNumber(_ digits: [Int], _ asking: inout Questioner) {
        let value = value(digits)
        asking.ask(number, short: "\(value)", sentence: "The number is \(value).", truth: .text("\(value)"))
    }

    private static func askDigit(_ place: String, _ digit: Int, _ asking: inout Questioner) {
        asking.ask(
            self.digit, [place], short: "\(digit)", sentence: "The \(place) digit is \(digit).",
            truth: .text("\(digit)"))
    }

    /// The other number has the same length. If it is long enough for several such numbers, it shares a digit at one
    /// end.
    private static func askIsNumber(_ digits: [Int], _ rules: HeldOutRules, _ asking: inout Questioner) {
        let isTrue = asking.generator.draw(0...1) == 0
        var asked = digits
        while !isTrue && (asked == digits || !isNear(asked, digits)) {
            asked = drawDigits(digits.count, rules, &asking.generator)
        }
        let fact = "the number is \(value(digits))"
        asking.ask(isNumber, ["\(value(asked))"], isTrue: isTrue, yes: fact, no: fact)
    }

    private static func isNear(_ one: [Int], _ other: [Int]) -> Bool {
        other.count == 2 || one.first == other.first || one.last == other.last
    }
}
