package import Images
import Support
package import Typography

/// An image full of text of many fonts, with the place of every character: for training a vision encoder to read.
///
/// The seed decides everything, also the split (`SeedSplit`): training draws training fonts and training words,
/// validation training fonts and held-out words, a test held-out fonts and held-out words.
package struct TextPage: Sendable {
    /// The image.
    package let image: RGBImage
    /// The characters whose middle lies on the image, line by line from the left; spaces inside of lines too.
    package let characters: [PlacedCharacter]

    /// Draws the page of `seed`.
    ///
    /// - Parameter sizes: pixels an em; a text's size is log-uniform among them.
    /// - Throws: `FontError` if a font is damaged.
    package init(
        seed: UInt64, width: Int = 256, height: Int = 256, sizes: ClosedRange<Double> = 10...40, fonts: OpenFonts,
        words: WordList
    ) throws(FontError) {
        let split = SeedSplit(of: seed)
        var generator = SplitMix64(seed: seed, stream: 0x7465_7874)
        let frame = PageFrame(width: width, height: height, &generator)
        var page = PageWriter(
            frame: frame, sizes: sizes, typesetter: Typesetter(fonts: fonts, isHeldOut: split == .test),
            side: words.side(of: split), generator: generator)
        try page.write()
        (image, characters) = page.finished()
    }
}

/// The size that a page is drawn at: sometimes another one than its image's, which is resampled then.
private struct PageFrame {
    /// The image's.
    let width: Int
    let height: Int
    /// The canvas's.
    let canvasWidth: Int
    let canvasHeight: Int

    init(width: Int, height: Int, _ generator: inout SplitMix64) {
        self.width = width
        self.height = height
        // Eighths of the size.
        let scale = generator.draw(0...99) < 88 ? 8 : generator.draw(from: [6, 7, 9, 10, 12])
        canvasWidth = width * scale / 8
        canvasHeight = height * scale / 8
    }

    var isResampled: Bool { canvasWidth != width }
}

/// Rows and columns of a canvas.
private struct PageRegion {
    var x: Int
    var y: Int
    var width: Int
    var height: Int

    func inset(_ across: Int, _ down: Int) -> PageRegion {
        PageRegion(x: x + across, y: y + down, width: width - 2 * across, height: height - 2 * down)
    }
}

/// Fills a page from the top.
private struct PageWriter {
    let frame: PageFrame
    let sizes: [Double]
    let typesetter: Typesetter
    let side: WordList.Side
    var generator: SplitMix64
    var canvas: Canvas
    var characters: [PlacedCharacter] = []

    init(
        frame: PageFrame, sizes: ClosedRange<Double>, typesetter: Typesetter, side: WordList.Side,
        generator: SplitMix64
    ) {
        self.frame = frame
        // The image's sizes, as they are on the canvas; 3 % apart.
        let scale = Double(frame.canvasWidth) / Double(frame.width)
        self.sizes = Array(
            sequence(first: sizes.lowerBound) { $0 * 1.03 }.prefix { $0 <= sizes.upperBound }.map { $0 * scale })
        self.typesetter = typesetter
        self.side = side
        self.generator = generator
        canvas = Canvas(width: frame.canvasWidth, height: frame.canvasHeight, colour: .white)
    }

    private mutating func happens(_ percent: Int) -> Bool { generator.draw(1...100) <= percent }

    mutating func write() throws(FontError) {
        let colours = PageColours(&generator)
        ground(colours)
        let whole = PageRegion(x: 0, y: 0, width: canvas.width, height: canvas.height)
        switch generator.draw(1...100) {
        case ...60: try fill(whole.inset(generator.draw(2...12), generator.draw(2...10)), colours)
        case ...75: try fillColumns(whole, colours)
        case ...90: try fillPanels(whole, colours)
        default: try fillTable(whole.inset(generator.draw(2...10), generator.draw(2...10)), colours)
        }
    }

    private mutating func ground(_ colours: PageColours) {
        if let second = colours.secondGround {
            if happens(35) {
                canvas.patches(from: colours.ground, to: second, cells: generator.draw(3...40), &generator)
            } else {
                canvas.gradient(from: colours.ground, to: second, isVertical: happens(50))
            }
        } else {
            canvas.fill(x: 0, y: 0, width: canvas.width, height: canvas.height, colour: colours.ground)
        }
    }

    // MARK: Layouts

    /// Two columns, with or without a rule between them.
    private mutating func fillColumns(_ region: PageRegion, _ colours: PageColours) throws(FontError) {
        let left = region.width * generator.draw(35...65) / 100
        let gap = generator.draw(3...8)
        if happens(50) { canvas.fill(x: left, y: region.y, width: 1, height: region.height, colour: colours.rule) }
        var first = region
        first.width = left
        var second = region
        second.x = left
        second.width = region.width - left
        try fill(first.inset(gap, 4), colours)
        try fill(second.inset(gap, 4), colours)
    }

    /// Two to three panels one below the other, each with its own ground and sometimes an outline.
    private mutating func fillPanels(_ region: PageRegion, _ colours: PageColours) throws(FontError) {
        let count = generator.draw(2...3)
        let gap = generator.draw(0...6)
        let height = region.height / count
        for index in 0..<count {
            let panel = PageRegion(x: 0, y: index * height, width: region.width, height: height).inset(gap, gap / 2)
            let own = PageColours(&generator)
            canvas.fill(x: panel.x, y: panel.y, width: panel.width, height: panel.height, colour: own.ground)
            if happens(50) {
                canvas.outline(
                    x: panel.x, y: panel.y, width: panel.width, height: panel.height, thickness: generator.draw(1...2),
                    colour: own.rule)
            }
            try fill(panel.inset(generator.draw(4...10), generator.draw(3...6)), own)
        }
    }

    /// Rows of cells in one face, between rules.
    private mutating func fillTable(_ region: PageRegion, _ colours: PageColours) throws(FontError) {
        let columns = generator.draw(2...3)
        let face = try typesetter.face(&generator)
        let largest = 22 * Double(frame.canvasWidth) / Double(frame.width)
        let look = TextLook(face: face, size: min(size(), max(largest, sizes[0])), &generator)
        let rowHeight = Int(look.size * Double(generator.draw(130...190)) / 100) + 1
        let cellWidth = region.width / columns
        let isRuled = happens(70)
        var y = region.y
        while y + rowHeight <= region.y + region.height {
            for column in 0..<columns {
                let cell = PageRegion(x: region.x + column * cellWidth, y: y, width: cellWidth, height: rowHeight)
                if isRuled {
                    canvas.outline(
                        x: cell.x, y: cell.y, width: cellWidth + 1, height: rowHeight + 1, colour: colours.rule)
                }
                let room = cell.inset(3, 1)
                guard let line = line(look, room: room.width, longest: 1) else { continue }
                let free = room.height - line.inkAscent - line.inkDescent
                let shift = happens(30) ? max(0, room.width - Int(line.width.rounded(.up))) : 0
                let baseline = room.y + line.inkAscent + max(0, free / 2)
                place(line, look, x: room.x + shift, baseline: baseline, colours.ink)
            }
            y += rowHeight
        }
    }

    /// Blocks and lines that are no text, at most `height` rows high. Returns how high.
    private mutating func drawShapes(_ region: PageRegion, _ colours: PageColours) -> Int {
        let height = min(region.height, generator.draw(12...60))
        guard height >= 6, region.width >= 12 else { return 0 }
        for _ in 0..<generator.draw(1...5) {
            let width = generator.draw(4...max(4, region.width / 2))
            let rows = generator.draw(2...height)
            let x = region.x + generator.draw(0...max(0, region.width - width))
            let y = region.y + generator.draw(0...(height - rows))
            let colour = colours.ground.mixed(with: colours.otherInk(&generator), part: generator.draw(80...255))
            switch generator.draw(0...3) {
            case 0: canvas.fill(x: x, y: y, width: width, height: rows, colour: colour)
            case 1: canvas.outline(x: x, y: y, width: width, height: rows, colour: colour)
            case 2: canvas.line(from: (x, y), to: (x + width - 1, y + rows - 1), colour: colour)
            default: canvas.line(from: (x, y + rows - 1), to: (x + width - 1, y), colour: colour)
            }
        }
        return height + 2
    }

    /// Lines from the top to the bottom of `region`, in paragraphs of one look.
    private mutating func fill(_ region: PageRegion, _ colours: PageColours) throws(FontError) {
        var y = region.y
        var misses = 0
        while misses < 2, let size = size(below: region.y + region.height - y) {
            if happens(5) {
                var rest = region
                (rest.y, rest.height) = (y, region.y + region.height - y)
                y += drawShapes(rest, colours)
                continue
            }
            let face = try typesetter.face(&generator)
            let look = TextLook(face: face, size: size, &generator)
            let lines = happens(45) ? 1 : generator.draw(2...4)
            let leading = look.size * Double(generator.draw(105...150)) / 100
            let ink = happens(25) ? colours.otherInk(&generator) : colours.ink
            let indent = happens(25) ? generator.draw(0...(max(1, region.width / 4))) : 0
            var written = 0
            for _ in 0..<lines {
                guard let line = line(look, room: region.width - indent, longest: 12) else { break }
                let height = max(Int(leading), line.inkAscent + line.inkDescent + 1)
                guard y + line.inkAscent + line.inkDescent <= region.y + region.height else { break }
                let free = max(0, region.width - indent - Int(line.width.rounded(.up)))
                let shift = look.alignment * free / 2
                place(line, look, x: region.x + indent + shift, baseline: y + line.inkAscent, ink)
                decorate(line, x: region.x + indent + shift, baseline: y + line.inkAscent, colours.rule)
                y += height
                written += 1
            }
            if written == 0 { misses += 1 }
            y += happens(50) ? generator.draw(0...8) : 1
            if written > 0, happens(8) {
                canvas.fill(x: region.x, y: y - 1, width: region.width, height: 1, colour: colours.rule)
                y += 2
            }
        }
    }

    // MARK: Lines

    /// Some lines are underlined.
    private mutating func decorate(_ line: TextLayout, x: Int, baseline: Int, _ colour: RGB) {
        guard happens(4) else { return }
        canvas.fill(x: x, y: baseline + 2, width: Int(line.width), height: 1, colour: colour)
    }

    private mutating func place(_ line: TextLayout, _ look: TextLook, x: Int, baseline: Int, _ colour: RGB) {
        characters += line.draw(into: &canvas, x: x, baseline: baseline, colour: colour, curve: look.curve)
    }

    /// A size, log-uniform; most texts have a whole number of pixels.
    private mutating func size() -> Double {
        let size = generator.draw(from: sizes)
        return happens(60) ? size.rounded() : (size * 4).rounded() / 4
    }

    /// A size for lines that fit into `room` rows; nil if even the smallest does not.
    private mutating func size(below room: Int) -> Double? {
        guard let least = sizes.first, least * 0.9 <= Double(room) else { return nil }
        let drawn = size()
        return drawn <= Double(room) ? drawn : max(least, min(drawn, Double(room)).rounded())
    }

    /// Up to `longest` samples that fit into `room` pixels; nil if not even one character does, or the face lacks one.
    private mutating func line(_ look: TextLook, room: Int, longest: Int) -> TextLayout? {
        // A part of the lines stays short.
        let limit = happens(70) ? Double(room) : Double(room) * Double(generator.draw(40...100)) / 100
        var text = ""
        var samples = 0
        while samples < longest, Double(text.count) * look.size * 0.5 < limit {
            text += (text.isEmpty ? "" : " ") + TextSamples.sample(from: side, &generator)
            samples += 1
        }
        return look.layout(text, room: limit)
    }

    // MARK: The end

    /// The image with its degradations, and the characters on it.
    mutating func finished() -> (RGBImage, [PlacedCharacter]) {
        if frame.isResampled {
            canvas = canvas.resized(
                width: frame.width, height: frame.height, filter: generator.draw(from: ResampleFilter.allCases))
            let across = Float(frame.width) / Float(frame.canvasWidth)
            let down = Float(frame.height) / Float(frame.canvasHeight)
            characters = characters.map { $0.scaled(x: across, y: down) }
        }
        if happens(6) { turn() }
        if happens(18) { canvas.blur(weight: generator.draw(8...60)) }
        if happens(10) { canvas.scaleContrast(percent: generator.draw(65...95), around: 128) }
        if happens(25) { canvas.addNoise(amplitude: generator.draw(2...16), isGrey: happens(50), &generator) }
        if happens(12) { canvas.compress(quality: generator.draw(25...92), halvesColour: happens(60)) }
        return (canvas.image, characters.filter(isInside))
    }

    private mutating func turn() {
        let slope = Double(generator.draw(-40...40)) / 1_000
        canvas = canvas.turned(slope: slope)
        let (width, height) = (canvas.width, canvas.height)
        characters = characters.map { $0.turned(slope: slope, width: width, height: height) }
    }

    private func isInside(_ character: PlacedCharacter) -> Bool {
        (0..<Float(canvas.width)).contains(character.centreX) && (0..<Float(canvas.height)).contains(character.centreY)
    }
}
