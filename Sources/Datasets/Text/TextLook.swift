import Support
import Typography

/// How the lines of a paragraph look.
struct TextLook {
    let face: FontFace
    let size: Double
    let style: GlyphStyle
    let letterSpacing: Double
    let fraction: Double
    let curve: CoverageCurve
    /// 0 left, 1 in the middle, 2 right.
    let alignment: Int

    init(face: FontFace, size: Double, _ generator: inout SplitMix64) {
        self.face = face
        self.size = size
        var style = GlyphStyle(hinting: Self.hinting(&generator))
        if style.hinting != .mono {
            if generator.draw(1...100) <= 6 { style.embolden = size * Double(generator.draw(1...3)) / 64 }
            if generator.draw(1...100) <= 12 { style.hasStripes = true }
            if generator.draw(1...100) <= 5 { style.slant = Double(generator.draw(8...16)) / 64 }
        }
        self.style = style
        letterSpacing = generator.draw(1...100) <= 80 ? 0 : size * Double(generator.draw(-2...10)) / 100
        fraction = Double(generator.draw(0...3)) / 4
        curve = generator.draw(1...100) <= 50 ? CoverageCurve() : CoverageCurve(percent: generator.draw(-30...70))
        alignment = generator.draw(from: [0, 0, 0, 0, 0, 0, 1, 1, 2])
    }

    private static func hinting(_ generator: inout SplitMix64) -> GlyphStyle.Hinting {
        switch generator.draw(1...100) {
        case ...40: .light
        case ...80: .none
        case ...96: .normal
        default: .mono
        }
    }

    /// As much of `text` as fits into `room` pixels, cut behind a word where there is one; nil if nothing does.
    func layout(_ text: String, room: Double) -> TextLayout? {
        var scalars = Array(text.unicodeScalars)
        while !scalars.isEmpty {
            var part = String.UnicodeScalarView()
            part.append(contentsOf: scalars)
            let made = TextLayout(
                String(part), face: face, size: size, style: style, letterSpacing: letterSpacing, fraction: fraction)
            guard let made else { return nil }
            if made.width <= room { return made }
            // About as many characters as there is room for, then back to the last space.
            let most = min(scalars.count - 1, Int(Double(scalars.count) * room / made.width))
            scalars.removeLast(scalars.count - most)
            if let space = scalars.lastIndex(of: " "), space > 0 { scalars.removeLast(scalars.count - space) }
            while scalars.last == " " { scalars.removeLast() }
        }
        return nil
    }
}

/// Chooses faces: kinds by their share, families of a kind and faces of a family equally often.
struct Typesetter {
    private let fonts: OpenFonts
    private let families: [(share: Int, families: [FontFamily])]

    init(fonts: OpenFonts, isHeldOut: Bool) {
        self.fonts = fonts
        let all = fonts.collection.families(of: isHeldOut ? .heldOut : .training)
        let shares: [(FontFamily.Kind, Int)] = [
            (.sans, 42), (.serif, 24), (.mono, 13), (.condensed, 9), (.display, 7), (.hand, 5),
        ]
        families = shares.compactMap { kind, share in
            let found = all.filter { $0.kind == kind }
            return found.isEmpty ? nil : (share, found)
        }
    }

    func face(_ generator: inout SplitMix64) throws(FontError) -> FontFace {
        precondition(!families.isEmpty, "the collection has no fonts for this split")
        var drawn = generator.draw(0...(families.reduce(0) { $0 + $1.share } - 1))
        var chosen = families[0].families
        for (share, group) in families {
            chosen = group
            if drawn < share { break }
            drawn -= share
        }
        let family = generator.draw(from: chosen)
        return try fonts.face(generator.draw(from: family.faces))
    }
}

/// The colours of a page or panel: light, dark or coloured ground, and ink that can be told from it.
struct PageColours {
    /// The least difference of brightness between ink and ground, of 255.
    static let minimumContrast = 70

    let ground: RGB
    /// The other end of a gradient.
    let secondGround: RGB?
    let ink: RGB
    /// For rules and outlines.
    let rule: RGB

    init(_ generator: inout SplitMix64) {
        let ground = Self.ground(&generator)
        var second: RGB?
        if generator.draw(1...100) <= 15 {
            // At most as far away as text stays readable on both ends.
            second = ground.mixed(with: Self.any(&generator), part: generator.draw(20...90))
        }
        self.ground = ground
        secondGround = second
        ink = Self.ink(on: [ground] + (second.map { [$0] } ?? []), &generator)
        rule = ground.mixed(with: ink, part: generator.draw(60...255))
    }

    /// Another ink for this ground.
    func otherInk(_ generator: inout SplitMix64) -> RGB {
        Self.ink(on: [ground] + (secondGround.map { [$0] } ?? []), &generator)
    }

    private static func any(_ generator: inout SplitMix64) -> RGB {
        RGB(
            UInt8(generator.draw(0...255)), UInt8(generator.draw(0...255)), UInt8(generator.draw(0...255)))
    }

    private static func grey(_ range: ClosedRange<Int>, _ generator: inout SplitMix64) -> RGB {
        let level = UInt8(generator.draw(range))
        return RGB(level, level, level)
    }

    private static func ground(_ generator: inout SplitMix64) -> RGB {
        switch generator.draw(1...100) {
        case ...25: .white
        case ...40: grey(225...254, &generator)
        case ...52: RGB.white.mixed(with: any(&generator), part: generator.draw(10...70))
        case ...62: grey(0...45, &generator)
        case ...72: RGB.black.mixed(with: any(&generator), part: generator.draw(10...90))
        default: any(&generator)
        }
    }

    private static func ink(on grounds: [RGB], _ generator: inout SplitMix64) -> RGB {
        func isReadable(_ ink: RGB) -> Bool {
            grounds.allSatisfy { abs($0.luma - ink.luma) >= minimumContrast }
        }
        let mean = grounds.reduce(0) { $0 + $1.luma } / grounds.count
        for _ in 0..<12 {
            let ink: RGB =
                switch generator.draw(1...100) {
                case ...45: mean > 128 ? grey(0...50, &generator) : grey(215...255, &generator)
                case ...60: grey(0...255, &generator)
                default: any(&generator)
                }
            if isReadable(ink) { return ink }
        }
        return mean > 128 ? .black : .white
    }
}
