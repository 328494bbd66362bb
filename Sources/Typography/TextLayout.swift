/// A rectangle in pixels, between the outer edges of its pixels: an image's first pixel is 0 to 1 in both directions.
package struct InkBox: Sendable, Equatable {
    package var left: Float
    package var top: Float
    package var right: Float
    package var bottom: Float

    /// The given edges.
    package init(left: Float, top: Float, right: Float, bottom: Float) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// The middle between left and right.
    package var centreX: Float { (left + right) / 2 }
    /// The middle between top and bottom.
    package var centreY: Float { (top + bottom) / 2 }
}

/// A character and where it is on an image.
package struct PlacedCharacter: Sendable, Equatable {
    /// The character.
    package var scalar: Unicode.Scalar
    /// The middle of `box`, in pixels from the image's left edge.
    package var centreX: Float { box.centreX }
    /// The middle of `box`, in pixels from the image's upper edge.
    package var centreY: Float { box.centreY }
    /// The box around the ink. A space has a box of no height, as wide as its advance, at half the height of an x.
    package var box: InkBox
    /// The middle of its line here, in pixels from the image's upper edge: half the height of an x above the baseline.
    /// A full stop has the same as the word before it.
    package var lineY: Float

    /// `scalar` with its ink in `box`, in a line whose middle is `lineY`.
    package init(scalar: Unicode.Scalar, box: InkBox, lineY: Float) {
        self.scalar = scalar
        self.box = box
        self.lineY = lineY
    }

    /// Where the character is when its image is resized by these factors.
    package func scaled(x: Float, y: Float) -> PlacedCharacter {
        let box = InkBox(left: box.left * x, top: box.top * y, right: box.right * x, bottom: box.bottom * y)
        return PlacedCharacter(scalar: scalar, box: box, lineY: lineY * y)
    }

    /// Where the character is when its canvas, of the given size, is turned (`Canvas.turned`). Its box keeps its size.
    package func turned(slope: Double, width: Int, height: Int) -> PlacedCharacter {
        let cosine = 1 / (1 + slope * slope).squareRoot()
        let (middleX, middleY) = (Double(width) / 2, Double(height) / 2)
        func moved(_ x: Float, _ y: Float) -> (x: Float, y: Float) {
            let (dx, dy) = (Double(x) - middleX, Double(y) - middleY)
            return (Float(middleX + cosine * (dx - slope * dy)), Float(middleY + cosine * (dy + slope * dx)))
        }
        let centre = moved(centreX, centreY)
        let (dx, dy) = (centre.x - centreX, centre.y - centreY)
        let box = InkBox(left: box.left + dx, top: box.top + dy, right: box.right + dx, bottom: box.bottom + dy)
        return PlacedCharacter(scalar: scalar, box: box, lineY: moved(centreX, lineY).y)
    }
}

/// A line of text in one face: which glyph is where.
package struct TextLayout: Sendable {
    private struct Placement: Sendable {
        let scalar: Unicode.Scalar
        /// The whole pixel of the pen, from the line's start.
        let column: Int
        let glyph: Glyph
    }

    private var placements: [Placement] = []
    /// The text.
    package let text: String
    /// Pixels an em.
    package let size: Double
    /// From the start of the line to the pen after the last character, in pixels.
    package private(set) var width = 0.0
    /// From the baseline up to the top of the tallest ink of this text, in rows.
    package private(set) var inkAscent = 0
    /// From the baseline down to the lowest ink of this text, in rows.
    package private(set) var inkDescent = 0
    /// From the baseline up to the top of the face's letters, in pixels.
    package let ascent: Double
    /// From the baseline down to the bottom of the face's letters, in pixels, positive.
    package let descent: Double
    /// The height of the letter x in pixels.
    package let xHeight: Double

    /// `text` in `face` at `size` pixels an em, with `letterSpacing` pixels more between characters. Returns nil if the
    /// face lacks one of the characters.
    ///
    /// - Parameter fraction: where in its first pixel the line starts, 0 to below 1. Hinted characters stand on whole
    ///   pixels whatever it is.
    package init?(
        _ text: String, face: FontFace, size: Double, style: GlyphStyle = GlyphStyle(), letterSpacing: Double = 0,
        fraction: Double = 0
    ) {
        self.text = text
        self.size = size
        ascent = face.ascent(at: size)
        descent = face.descent(at: size)
        xHeight = face.xHeight(at: size)
        var pen = fraction
        var last: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if let last { pen += face.kerning(last, scalar, size: size) }
            // Quarters of a pixel, rounded to the nearest.
            let quarters = style.hinting.hasFractions ? Int((pen * 4).rounded()) : Int(pen.rounded()) * 4
            let glyph = face.glyph(scalar, size: size, quarter: quarters & 3, style: style)
            guard let glyph else { return nil }
            placements.append(Placement(scalar: scalar, column: quarters >> 2, glyph: glyph))
            inkAscent = max(inkAscent, glyph.top)
            inkDescent = max(inkDescent, glyph.height - glyph.top)
            pen += glyph.advance + letterSpacing
            last = scalar
        }
        width = pen - fraction
    }

    /// Draws the line with its start at column `x` and its baseline under row `baseline - 1`. Returns the characters
    /// with their ink's boxes, also of those that lie outside of the canvas. `curve` makes text bolder or thinner.
    @discardableResult
    package func draw(
        into canvas: inout Canvas, x: Int, baseline: Int, colour: RGB, curve: CoverageCurve = CoverageCurve()
    ) -> [PlacedCharacter] {
        placements.map { placement in
            let glyph = placement.glyph
            let left = x + placement.column + glyph.left
            let top = baseline - glyph.top
            if glyph.width > 0 { canvas.blend(glyph, x: left, y: top, colour: colour, curve: curve) }
            return PlacedCharacter(
                scalar: placement.scalar, box: box(of: placement, left: left, top: top, x: x, baseline: baseline),
                lineY: Float(baseline) - Float(xHeight) / 2)
        }
    }

    private func box(of placement: Placement, left: Int, top: Int, x: Int, baseline: Int) -> InkBox {
        let glyph = placement.glyph
        guard glyph.width > 0 else {
            let pen = Float(x + placement.column)
            let middle = Float(baseline) - Float(xHeight) / 2
            return InkBox(left: pen, top: middle, right: pen + Float(glyph.advance), bottom: middle)
        }
        return InkBox(
            left: Float(left), top: Float(top), right: Float(left + glyph.width), bottom: Float(top + glyph.height))
    }
}
