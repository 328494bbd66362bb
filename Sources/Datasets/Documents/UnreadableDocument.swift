import Images
import Support
import Typography

/// Textures, gradients and text that is too blurred to read. The right answer says that it cannot tell, and what there
/// is to see.
enum UnreadableDocument {
    private static let says = DocumentWording(
        "What does it say?", "Read the text.", "What is written here?", "What word is this?", "Read the sign.",
        "What does the picture say?", "Tell me what it says.", "What text do you see?", "Can you read this?",
        "What is the first word?", "What number is shown?", "Please read the line.",
        heldOut: ["Type what is written here.", "Transcribe the picture.", "Which words are on the image?"])
    private static let shows = DocumentWording(
        "What is in the picture?", "What is this?", "What does the picture show?", "Which animal is this?",
        "Who is in the picture?", "What kind of place is this?", "Describe the picture.", "Where was this taken?",
        "What do you see?", "What object is this?",
        heldOut: ["Which thing is in the image?", "What am I looking at?", "What happens in the picture?"])
    private static let value = DocumentWording(
        "What is the total?", "What time is it?", "Which bar is the tallest?", "What is the title of the chart?",
        "What does the error say?", "Which buttons are there?", "What is the price?", "What date is on the form?",
        "What is the value in the first row?", "Which slice is the largest?",
        heldOut: ["What does the left button say?", "How much do I have to pay?", "What is the trend?"])

    static let wordings = [says, shows, value]

    private enum Content {
        case blurredText, noise, gradient, spots, landscape
        /// In the test split alone.
        case waves
    }

    static func make(_ page: DocumentPage) -> Document {
        var page = page
        let isHeldOut = page.split == .test && page.happens(1, in: 4)
        let content =
            isHeldOut
            ? Content.waves
            : page.generator.draw(from: [.blurredText, .blurredText, .noise, .gradient, .spots, .landscape])
        let width = page.generator.draw(128...320)
        let height = page.generator.draw(96...256)
        let (canvas, seen) = draw(content, width: width, height: height, &page)
        var asking = page.questioner()
        ask(content, seen, &asking)
        return Document(
            image: canvas.image, characters: [], objects: [], layout: "\(content)", isHeldOutLayout: isHeldOut,
            questions: asking.chosen())
    }

    // MARK: Drawing

    /// The image with a phrase for what can be seen on it.
    private static func draw(
        _ content: Content, width: Int, height: Int, _ page: inout DocumentPage
    ) -> (canvas: Canvas, seen: String) {
        let shades = page.colours(2, on: page.theme.ground)
        let (first, second) = (shades[0], shades[1])
        var canvas = Canvas(width: width, height: height, colour: page.theme.ground)
        switch content {
        case .blurredText:
            return (blurredText(width: width, height: height, &page), "blurred text")
        case .noise:
            canvas = Canvas(width: width, height: height, colour: first.colour)
            canvas.addNoise(
                amplitude: page.generator.draw(60...120), isGrey: page.generator.draw(0...1) == 0, &page.generator)
            if page.generator.draw(0...1) == 0 { canvas.blur(weight: 60) }
            return (canvas, "noise")
        case .gradient:
            canvas.gradient(from: first.colour, to: second.colour, isVertical: page.generator.draw(0...1) == 0)
            return (canvas, "a gradient from \(first.name) to \(second.name)")
        case .spots:
            let pattern = SoftPattern(width: width, height: height, cell: page.generator.draw(12...40), &page.generator)
            pattern.draw(from: first.colour, to: second.colour, into: &canvas)
            return (canvas, "soft spots in \(first.name) and \(second.name)")
        case .landscape:
            let pattern = SoftPattern(width: width, height: height, cell: page.generator.draw(10...30), &page.generator)
            pattern.drawHorizon(
                sky: RGB(150, 190, 230), ground: page.shade(of: page.generator.draw(from: [.green, .brown, .gray])),
                into: &canvas, &page.generator)
            return (canvas, "a blurred landscape")
        case .waves:
            let period = page.generator.draw(9...40)
            for x in 0..<width {
                let (sine, _) = Turn.wave(x, period: period)
                for y in 0..<height {
                    let part = 128 + Int(60 * sine) + Int(60 * Turn.wave(y, period: period + 7).sine)
                    canvas.blend(x: x, y: y, colour: first.colour, coverage: UInt8(clamping: part))
                }
            }
            return (canvas, "a pattern of waves in \(first.name)")
        }
    }

    /// Lines of text, blurred until no letter can be told from another.
    private static func blurredText(width: Int, height: Int, _ page: inout DocumentPage) -> Canvas {
        let size = page.size(10...22)
        let lettering = page.fonts(.any).any(size, &page.generator)
        var canvas = Canvas(width: width, height: height, colour: page.theme.ground)
        var baseline = page.generator.draw(14...30)
        let left = page.generator.draw(4...14)
        while baseline < height - 4 {
            let line = page.studio.line(10...34, page.split, &page.generator)
            lettering.layout(line).draw(into: &canvas, x: left, baseline: baseline, colour: page.theme.ink)
            baseline += lettering.leading + page.generator.draw(0...8)
        }
        // Shrunk until letters have two pixels or fewer, then enlarged: no stroke is left.
        let factor = max(6, Int(size * 0.55))
        let small = canvas.resized(width: max(8, width / factor), height: max(8, height / factor), filter: .bilinear)
        var large = small.resized(width: width, height: height, filter: .bilinear)
        for _ in 0..<3 { large.blur(weight: 80) }
        return large
    }

    // MARK: Questions

    private static func ask(_ content: Content, _ seen: String, _ asking: inout DocumentQuestioner) {
        let isText = content == .blurredText
        for (wording, verb) in [(says, "read it"), (shows, "tell what it is"), (value, "tell")] {
            for _ in 0..<2 {
                let reason =
                    isText && wording.texts == says.texts
                    ? "The text is too blurred." : "I only see \(seen)."
                asking.ask(
                    wording, answer: "I cannot \(verb). \(reason)", form: .description, truth: .unreadable)
            }
        }
    }
}

extension Turn {
    /// The sine of `position` for a wave of `period` pixels.
    fileprivate static func wave(_ position: Int, period: Int) -> (sine: Double, cosine: Double) {
        sineAndCosine(Double(position) / Double(period))
    }
}

/// A field of soft spots: random values on a grid, with straight lines between them, at two scales.
private struct SoftPattern {
    private let width: Int
    private let height: Int
    /// `[height, width]`, 0 to 255.
    private let values: [UInt8]

    init(width: Int, height: Int, cell: Int, _ generator: inout SplitMix64) {
        self.width = width
        self.height = height
        var sums = [Int](repeating: 0, count: width * height)
        for (size, weight) in [(cell, 170), (max(3, cell / 4), 85)] {
            let columns = width / size + 2
            let grid = (0..<columns * (height / size + 2)).map { _ in generator.draw(0...255) }
            for y in 0..<height {
                let (row, down) = y.quotientAndRemainder(dividingBy: size)
                for x in 0..<width {
                    let (column, along) = x.quotientAndRemainder(dividingBy: size)
                    let at = row * columns + column
                    let above = grid[at] * (size - along) + grid[at + 1] * along
                    let below = grid[at + columns] * (size - along) + grid[at + columns + 1] * along
                    sums[y * width + x] += (above * (size - down) + below * down) / (size * size) * weight / 255
                }
            }
        }
        values = sums.map { UInt8(clamping: $0) }
    }

    func draw(from first: RGB, to second: RGB, into canvas: inout Canvas) {
        let ramp = (0...255).map { first.mixed(with: second, part: $0) }
        for y in 0..<height {
            for x in 0..<width {
                canvas.set(x, y, ramp[Int(values[y * width + x])])
            }
        }
    }

    /// Sky above and ground below an uneven line.
    func drawHorizon(sky: RGB, ground: RGB, into canvas: inout Canvas, _ generator: inout SplitMix64) {
        let line = generator.draw(height / 4...height * 2 / 3)
        let skies = (0...255).map { sky.mixed(with: .white, part: $0 / 2) }
        let grounds = (0...255).map { ground.mixed(with: .black, part: $0 * 2 / 3) }
        for x in 0..<width {
            let edge = line + (Int(values[line * width + x]) - 128) / 6
            for y in 0..<height {
                let value = Int(values[y * width + x])
                canvas.set(x, y, y < edge ? skies[value] : grounds[value])
            }
        }
    }
}

extension Canvas {
    fileprivate mutating func set(_ x: Int, _ y: Int, _ colour: RGB) {
        let at = (y * width + x) * 3
        pixels[at] = colour.red
        pixels[at + 1] = colour.green
        pixels[at + 2] = colour.blue
    }
}
