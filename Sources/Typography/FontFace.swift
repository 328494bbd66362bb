import CFreeType

/// A font that cannot be used.
package enum FontError: Error, Equatable, CustomStringConvertible {
    /// FreeType is not on this machine.
    case library(String)
    /// A file that is no font with outlines.
    case face(path: String, reason: String)
    /// A file of the collection is missing.
    case missing(path: String)

    package var description: String {
        switch self {
        case .library(let reason): "text cannot be drawn: \(reason)"
        case .face(let path, let reason): "\(path) is not a usable font: \(reason)"
        case .missing(let path): "there is no font \(path): fetch the fonts with `make fonts`"
        }
    }
}

/// FreeType, loaded at run time. For one thread, with all its faces.
package final class FontLibrary {
    let handle: OpaquePointer

    /// Loads FreeType. Throws `FontError.library`, with the package to install, if it is not there.
    package init() throws(FontError) {
        var message = [CChar](repeating: 0, count: 200)
        guard let handle = apus_font_library_open(&message, message.count) else {
            throw .library(String(cMessage: message))
        }
        self.handle = handle
    }

    deinit { apus_font_library_close(handle) }
}

/// How a character is drawn.
package struct GlyphStyle: Sendable, Hashable {
    /// How outlines are fitted to pixels.
    package enum Hinting: Int32, Sendable, CaseIterable {
        /// In both directions; positions are whole pixels.
        case normal = 0
        /// Only upwards; positions are quarters of a pixel.
        case light = 1
        /// Not at all; positions are quarters of a pixel.
        case none = 2
        /// For pixels that are on or off, without grey; positions are whole pixels.
        case mono = 3

        /// Whether characters stand between pixels.
        package var hasFractions: Bool { self == .light || self == .none }
    }

    /// How outlines are fitted to pixels.
    package var hinting: Hinting
    /// By how many pixels stems become thicker, 0 to 4.
    package var embolden: Double
    /// How far the top of an em leans to the right, in ems, -0.5 to 0.5.
    package var slant: Double

    /// Whether the red, green and blue stripes of a pixel are covered on their own, as many systems draw on flat
    /// panels. Not with `mono`.
    package var hasStripes: Bool

    /// The given style.
    package init(hinting: Hinting = .light, embolden: Double = 0, slant: Double = 0, hasStripes: Bool = false) {
        precondition((0...4).contains(embolden) && (-0.5...0.5).contains(slant) && !(hinting == .mono && hasStripes))
        self.hinting = hinting
        self.embolden = embolden
        self.slant = slant
        self.hasStripes = hasStripes
    }
}

/// A drawn character.
package struct Glyph: Sendable {
    /// The first column, from the whole pixel at the pen.
    package let left: Int
    /// The first row lies so many rows above the baseline.
    package let top: Int
    /// Columns; 0 if nothing is inked.
    package let width: Int
    /// Rows; 0 if nothing is inked.
    package let height: Int
    /// `[height, width]`, or `[height, width, 3]` with stripes: how much of each pixel is inked, 0 to 255.
    package let coverage: [UInt8]
    /// The way to the next pen position in pixels.
    package let advance: Double
}

/// One face of a font file. Draws characters and keeps them. For the thread of its library.
package final class FontFace {
    /// The largest font file that is opened, in bytes.
    package static let maximumBytes = 32 << 20
    /// The sizes that are drawn, in pixels an em.
    package static let sizes = 4.0...512.0

    /// The file.
    package let path: String
    private let library: FontLibrary
    private let handle: OpaquePointer
    private let metrics: apus_face_metrics
    private var glyphs: [GlyphKey: Glyph] = [:]
    private var keptBytes = 0

    /// Opens face `index` of the file at `path`. Throws `FontError.face` if it is no font with outlines.
    package init(path: String, index: Int = 0, library: FontLibrary) throws(FontError) {
        var message = [CChar](repeating: 0, count: 200)
        guard
            let handle = apus_font_face_open(
                library.handle, path, Int32(clamping: index), Self.maximumBytes, &message, message.count)
        else { throw .face(path: path, reason: String(cMessage: message)) }
        let metrics = apus_font_face_metrics(handle)
        guard metrics.units > 0 else {
            apus_font_face_close(handle)
            throw .face(path: path, reason: "an em has no units")
        }
        self.path = path
        self.library = library
        self.handle = handle
        self.metrics = metrics
    }

    deinit { apus_font_face_close(handle) }

    /// The distance from the baseline to the top of the tallest letters at `size`, in pixels, as the font says.
    package func ascent(at size: Double) -> Double { Double(metrics.ascender) * size / Double(metrics.units) }

    /// The distance from the baseline down to the lowest letters at `size`, in pixels, positive.
    package func descent(at size: Double) -> Double { -Double(metrics.descender) * size / Double(metrics.units) }

    /// The distance between baselines at `size`, in pixels.
    package func lineHeight(at size: Double) -> Double { Double(metrics.height) * size / Double(metrics.units) }

    /// The height of the letter x at `size`, in pixels; half the size if there is none.
    package func xHeight(at size: Double) -> Double {
        let x = glyph("x", size: size, style: .init(hinting: .none))
        return x.map { Double($0.top) } ?? size / 2
    }

    /// Whether the face has a glyph for `scalar`.
    package func covers(_ scalar: Unicode.Scalar) -> Bool {
        apus_font_face_covers(handle, scalar.value) != 0
    }

    /// Whether the face has a glyph for every character of `text`.
    package func covers(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(covers) }

    /// What moves `right` when it follows `left` at `size`, in pixels, from the font's `kern` table.
    package func kerning(_ left: Unicode.Scalar, _ right: Unicode.Scalar, size: Double) -> Double {
        Double(apus_font_face_kerning(handle, left.value, right.value, Self.fixed(size))) / 64
    }

    /// `scalar` at `size` pixels an em, `quarter` quarters of a pixel (0 to 3) right of a whole one; nil if the face
    /// does not have it or cannot draw it.
    package func glyph(
        _ scalar: Unicode.Scalar, size: Double, quarter: Int = 0, style: GlyphStyle = GlyphStyle()
    ) -> Glyph? {
        precondition(Self.sizes.contains(size) && (0...3).contains(quarter), "size \(size), quarter \(quarter)")
        let key = GlyphKey(scalar, size: Self.fixed(size), quarter: quarter, style: style)
        if let known = glyphs[key] { return known }
        guard covers(scalar), let drawn = draw(key) else { return nil }
        keep(drawn, as: key)
        return drawn
    }

    private func draw(_ key: GlyphKey) -> Glyph? {
        var style = apus_glyph_style(
            size: key.size, hinting: key.hinting, shift: Int32(key.quarter) * 16, embolden: key.embolden,
            slant: key.slant, has_stripes: key.hasStripes ? 1 : 0)
        var drawn = apus_glyph()
        guard apus_font_face_draw(handle, key.scalar, &style, &drawn) == 0 else { return nil }
        let count = Int(drawn.width) * Int(drawn.height) * (key.hasStripes ? 3 : 1)
        return Glyph(
            left: Int(drawn.left), top: Int(drawn.top), width: Int(drawn.width), height: Int(drawn.height),
            coverage: Array(UnsafeBufferPointer(start: drawn.coverage, count: count)),
            advance: Double(drawn.advance) / 64)
    }

    /// Forgets all glyphs when they have become many: which ones are kept changes no pixel.
    private func keep(_ glyph: Glyph, as key: GlyphKey) {
        let bytes = glyph.coverage.count + 150
        if keptBytes + bytes > 1 << 18 {
            glyphs.removeAll(keepingCapacity: true)
            keptBytes = 0
        }
        keptBytes += bytes
        glyphs[key] = glyph
    }

    private static func fixed(_ size: Double) -> Int32 { Int32((size * 64).rounded()) }
}

/// What a drawn character depends on.
private struct GlyphKey: Hashable {
    let scalar: UInt32
    let size: Int32
    let quarter: Int
    let hinting: Int32
    let embolden: Int32
    let slant: Int32
    let hasStripes: Bool

    init(_ scalar: Unicode.Scalar, size: Int32, quarter: Int, style: GlyphStyle) {
        self.scalar = scalar.value
        self.size = size
        self.quarter = quarter
        hinting = style.hinting.rawValue
        embolden = Int32((style.embolden * 64).rounded())
        slant = Int32((style.slant * 65_536).rounded())
        hasStripes = style.hasStripes
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(scalar) << 32 | UInt64(UInt32(bitPattern: size)))
        hasher.combine(
            UInt64(quarter) << 2 | UInt64(hinting) | UInt64(UInt32(bitPattern: embolden)) << 4
                | UInt64(UInt32(bitPattern: slant)) << 40 | (hasStripes ? 1 << 32 : 0))
    }
}

extension String {
    /// The text of a C function's message.
    init(cMessage: [CChar]) {
        self.init(decoding: cMessage.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
