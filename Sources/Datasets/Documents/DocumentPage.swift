import Images
import Support
import Typography

/// A face at a size, with everything that decides how its text looks.
struct Lettering {
    let face: FontFace
    /// Pixels an em.
    let size: Double
    var style = GlyphStyle()
    /// Pixels more between characters.
    var spacing = 0.0

    /// The distance between the baselines of a paragraph, in whole pixels.
    var leading: Int { Int((size * 1.35).rounded()) }
    /// The height of capital letters, about.
    var capitals: Int { Int((size * 0.72).rounded()) }

    /// The same face at another size.
    func sized(_ size: Double) -> Lettering { Lettering(face: face, size: size, style: style, spacing: spacing) }

    func layout(_ text: String) -> TextLayout {
        guard let layout = TextLayout(text, face: face, size: size, style: style, letterSpacing: spacing) else {
            preconditionFailure("\(face.path) has no glyph for a character of \(text)")
        }
        return layout
    }

    /// The width of `text` in whole pixels.
    func width(of text: String) -> Int { Int(layout(text).width.rounded(.up)) }

    /// The width of the widest of `texts` in whole pixels.
    func width(ofWidest texts: [String]) -> Int { texts.map { width(of: $0) }.max() ?? 0 }
}

/// A document while it is composed: marks are collected first, and drawn when the size of the image is known.
struct DocumentPage {
    /// Where text stands relative to its position.
    enum Alignment {
        case left, centre, right
    }

    private enum Mark {
        case outline(Outline, RGB)
        case text(TextLayout, x: Int, baseline: Int, RGB)
        case sticker(Sticker, x: Int, y: Int)
    }

    let family: DocumentFamily
    let split: SeedSplit
    let studio: DocumentStudio
    var generator: SplitMix64
    let theme: DocumentTheme
    private var marks: [Mark] = []
    private(set) var objects: [DocumentObject] = []

    /// An empty page; fonts and colours of the seed's split.
    init(_ family: DocumentFamily, seed: UInt64, studio: DocumentStudio) {
        self.family = family
        self.studio = studio
        split = SeedSplit(of: seed)
        // Families draw from streams of their own, so that equal seeds do not give equal words.
        var generator = SplitMix64(seed: seed, stream: family.stream)
        theme = DocumentTheme(&generator)
        self.generator = generator
    }

    /// A questioner with a generator of its own.
    mutating func questioner() -> DocumentQuestioner {
        DocumentQuestioner(family, split, SplitMix64(seed: generator.next()))
    }

    // MARK: Chance

    /// Whether an event with a chance of `part` in `whole` happens.
    mutating func happens(_ part: Int, in whole: Int) -> Bool { generator.draw(1...whole) <= part }

    /// A size in pixels, small sizes as likely as large ones by ratio.
    mutating func size(_ range: ClosedRange<Double>) -> Double {
        // The middle of the logarithmic range is its geometric mean; three halvings are fine enough.
        var (low, high) = (range.lowerBound, range.upperBound)
        for _ in 0..<4 {
            let middle = (low * high).squareRoot()
            if generator.draw(0...1) == 0 { high = middle } else { low = middle }
        }
        let quarters = generator.draw(Int(low * 4)...max(Int(low * 4), Int(high * 4)))
        return Double(quarters) / 4
    }

    // MARK: Drawing

    /// The number of marks so far; see `insert`.
    var mark: Int { marks.count }

    /// Fills an outline.
    mutating func fill(_ outline: Outline, _ colour: RGB) { marks.append(.outline(outline, colour)) }

    /// Fills an outline under the marks that were made since `mark`.
    mutating func fill(_ outline: Outline, _ colour: RGB, under mark: Int) {
        marks.insert(.outline(outline, colour), at: mark)
    }

    /// Fills a box of whole pixels.
    mutating func fill(_ box: ShapeScene.Box, _ colour: RGB) { fill(Outline(box), colour) }

    /// Draws a line.
    mutating func line(_ from: Point, _ to: Point, width: Double = 1, _ colour: RGB) {
        fill(Outline(line: [from, to], width: width), colour)
    }

    /// Writes one line of text. `x` is where it begins, ends or has its middle. Returns the box of its ink.
    @discardableResult
    mutating func write(
        _ text: String, _ lettering: Lettering, x: Int, baseline: Int, _ colour: RGB, _ alignment: Alignment = .left
    ) -> ShapeScene.Box {
        let layout = lettering.layout(text)
        let width = Int(layout.width.rounded(.up))
        let left =
            switch alignment {
            case .left: x
            case .centre: x - width / 2
            case .right: x - width
            }
        marks.append(.text(layout, x: left, baseline: baseline, colour))
        return ShapeScene.Box(
            x: left, y: baseline - layout.inkAscent, width: max(1, width),
            height: max(1, layout.inkAscent + layout.inkDescent))
    }

    /// A pictogram with its longer side of `side` pixels.
    func sticker(of thing: Pictogram, by artist: PictogramArtist, side: Int, ink: RGB) -> Sticker {
        studio.sticker(of: thing, by: artist, side: side, ink: ink)
    }

    /// Places a sticker with its first pixel at (`x`, `y`).
    mutating func place(_ sticker: Sticker, x: Int, y: Int) { marks.append(.sticker(sticker, x: x, y: y)) }

    /// Notes an object.
    mutating func note(_ kind: String, colour: String? = nil, text: String? = nil, _ box: ShapeScene.Box) {
        objects.append(DocumentObject(kind: kind, colour: colour, text: text, box: box))
    }

    // MARK: Colours

    /// Different colours that stand out from `ground` and whose words fit them, in random order.
    /// `contrast` is the least difference of brightness, 0 to 255.
    mutating func colours(
        _ count: Int, on ground: RGB, contrast: Int = 40
    ) -> [(name: SceneColour, colour: RGB)] {
        let shades = SceneColour.allCases.map { (name: $0, colour: shade(of: $0)) }
        let seen = shades.filter { $0.colour.stands(outFrom: ground, contrast: contrast) }
        return Array(generator.shuffled(seen).prefix(count))
    }

    /// One of the shades that the word names.
    mutating func shade(of colour: SceneColour) -> RGB {
        let shade = generator.draw(0...16)
        let channels = zip(colour.rgb, colour.otherShade).map { one, other in
            UInt8((Int(one) * (16 - shade) + Int(other) * shade) / 16)
        }
        return RGB(channels[0], channels[1], channels[2])
    }

    // MARK: The end

    /// Draws everything, with the questions. The size is in pixels; `shift` moves all marks to the right and down.
    func finished(
        width: Int, height: Int, shift: (x: Int, y: Int) = (0, 0), layout: String, isHeldOutLayout: Bool = false,
        asking: DocumentQuestioner, wear: DocumentWear = .paper, ground: RGB? = nil
    ) -> Document {
        var (asking, generator) = (asking, generator)
        var canvas = Canvas(width: width, height: height, colour: ground ?? theme.ground)
        if ground == nil, theme.isGradient {
            canvas.gradient(from: theme.ground, to: theme.otherGround, isVertical: generator.draw(0...1) == 0)
        }
        var characters: [PlacedCharacter] = []
        for mark in marks {
            switch mark {
            case .outline(let outline, let colour):
                canvas.fill(outline.moved(x: Double(shift.x), y: Double(shift.y)), colour)
            case .text(let layout, let x, let baseline, let colour):
                characters += layout.draw(
                    into: &canvas, x: x + shift.x, baseline: baseline + shift.y, colour: colour)
            case .sticker(let sticker, let x, let y): canvas.draw(sticker, x: x + shift.x, y: y + shift.y)
            }
        }
        wear.apply(to: &canvas, &generator)
        // Now and then the question is about something else: an answer to everything would be an invention.
        if asking.generator.draw(0...5) == 0 { asking.askAbsent(besides: Set(objects.map(\.kind))) }
        let moved = objects.map {
            DocumentObject(
                kind: $0.kind, colour: $0.colour, text: $0.text,
                box: ShapeScene.Box(
                    x: $0.box.x + shift.x, y: $0.box.y + shift.y, width: $0.box.width, height: $0.box.height))
        }
        return Document(
            image: canvas.image, characters: characters, objects: moved, layout: layout,
            isHeldOutLayout: isHeldOutLayout, questions: asking.chosen(), textSize: textSize)
    }

    /// The size of the median character, in pixels an em.
    private var textSize: Double? {
        let sizes = marks.flatMap { mark -> [Double] in
            guard case .text(let layout, _, _, _) = mark else { return [] }
            return Array(repeating: layout.size, count: layout.text.count)
        }.sorted()
        return sizes.isEmpty ? nil : sizes[sizes.count / 2]
    }
}

extension DocumentFamily {
    /// The number of the family's stream of random numbers. It never changes.
    fileprivate var stream: UInt64 {
        rawValue.utf8.reduce(0xD0C0_0000) { $0 &* 131 &+ UInt64($1) }
    }
}

/// The colours of a page.
struct DocumentTheme {
    /// The background.
    let ground: RGB
    /// The background's other end, if it is a gradient.
    let otherGround: RGB
    let isGradient: Bool
    /// The colour of text.
    let ink: RGB
    /// The colour of rules and of less important text.
    let faint: RGB
    /// Whether the background is dark.
    let isDark: Bool

    /// Three in four are light, one in eight is a gradient.
    init(_ generator: inout SplitMix64) {
        isDark = generator.draw(0...3) == 0
        let tint = generator.draw(0...2) == 0
        func channel(_ range: ClosedRange<Int>) -> UInt8 { UInt8(generator.draw(range)) }
        if isDark {
            let base = generator.draw(0...50)
            let room = tint ? base...(base + 45) : base...(base + 6)
            ground = RGB(channel(room), channel(room), channel(room))
            ink = RGB(channel(205...255), channel(205...255), channel(205...255))
        } else {
            let room = tint ? 205...255 : 240...255
            ground = generator.draw(0...3) == 0 ? .white : RGB(channel(room), channel(room), channel(room))
            let dark = generator.draw(0...2) == 0 ? 0...100 : 0...35
            ink = RGB(channel(dark), channel(dark), channel(dark))
        }
        faint = ink.mixed(with: ground, part: generator.draw(110...165))
        isGradient = generator.draw(0...7) == 0
        let step = generator.draw(-16...16)
        otherGround = RGB(
            Self.shifted(ground.red, step), Self.shifted(ground.green, -step), Self.shifted(ground.blue, step))
    }

    private static func shifted(_ channel: UInt8, _ step: Int) -> UInt8 {
        UInt8(max(0, min(255, Int(channel) + step)))
    }
}

extension RGB {
    /// Whether text or a mark of this colour is easy to see on `ground`.
    func stands(outFrom ground: RGB, contrast: Int = 40) -> Bool {
        let luma = abs(luma - ground.luma)
        let distances = [
            Int(red) - Int(ground.red), Int(green) - Int(ground.green), Int(blue) - Int(ground.blue),
        ]
        return luma >= contrast && distances.reduce(0) { $0 + $1 * $1 } >= 10_000
    }

    /// Black or white, whichever is easier to read on this colour.
    var readable: RGB { luma > 120 ? .black : .white }
}

/// What happened to an image after it was drawn.
enum DocumentWear {
    /// A screenshot: sometimes stored as JPEG.
    case screen
    /// Anything: sometimes with noise, a little blurred, or stored as JPEG.
    case paper

    func apply(to canvas: inout Canvas, _ generator: inout SplitMix64) {
        if self == .paper {
            if generator.draw(0...5) == 0 { canvas.blur(weight: generator.draw(8...40)) }
            if generator.draw(0...2) == 0 {
                canvas.addNoise(
                    amplitude: generator.draw(3...12), isGrey: generator.draw(0...1) == 0, &generator)
            }
        }
        guard generator.draw(0...7) == 0 else { return }
        let stored = canvas.image.compressedAsJPEG(
            quality: generator.draw(60...94), halvesColour: generator.draw(0...1) == 0)
        if let stored { canvas = Canvas(stored) }
    }
}

extension Canvas {
    /// Fills an outline with antialiasing.
    mutating func fill(_ outline: Outline, _ colour: RGB) {
        guard let mask = CoverageMask(of: outline, canvasWidth: width, canvasHeight: height) else { return }
        blend(
            coverage: mask.values, width: mask.width, height: mask.height, x: mask.x, y: mask.y, colour: colour)
    }
}

extension Outline {
    /// A box of whole pixels.
    init(_ box: ShapeScene.Box, radius: Double = 0) {
        self.init(
            x: Double(box.x), y: Double(box.y), width: Double(box.width), height: Double(box.height), radius: radius)
    }
}
