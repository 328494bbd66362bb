import Support

/// The style of the digits in one image.
struct GlyphLook {
    private enum Face {
        case bitmap(BitmapFont)
        case strokes(StrokeFont)
    }

    private let face: Face
    /// Whether a bitmap's corners are rounded.
    private let isSmooth: Bool
    /// For smooth styles: the ink around a point, of 256, from which the point is covered. A lower threshold is bolder.
    private let threshold: Int
    /// The slant of the top to the right, in eighths of the width.
    private let slant: Int

    init(_ rules: HeldOutRules, _ generator: inout SplitMix64) {
        let drawsStrokes = rules.showsStrokes && generator.draw(0...1) == 0
        face = drawsStrokes ? .strokes(StrokeFont(&generator)) : .bitmap(generator.draw(from: rules.fonts))
        isSmooth = generator.draw(0...2) > 0
        threshold = generator.draw(80...120)
        slant = generator.draw(from: [0, 0, 0, 1, 2])
    }

    /// Whether `digit` covers the point in the middle of quarter pixel (`x`, `y`) of a box.
    func covers(_ digit: Int, _ x: Int, _ y: Int, width: Int, height: Int) -> Bool {
        // A slanted digit leaves room for its top.
        let room = width - width * slant / 8
        let shift = width * slant / 8 * (height - 1 - y) / height
        // In 256ths of the font's grid.
        func scaled(columns: Int, rows: Int) -> (column: Int, row: Int) {
            ((2 * (x - shift) + 1) * 128 * columns / room, (2 * y + 1) * 128 * rows / height)
        }
        switch face {
        case .strokes(let font):
            let (column, row) = scaled(columns: StrokeFont.width, rows: StrokeFont.height)
            return font.covers(digit, column, row)
        case .bitmap(let font):
            let (column, row) = scaled(columns: font.width, rows: font.height)
            return isSmooth
                ? coversSmoothly(font, digit, column, row) : font.isInked(digit, column >> 8, row >> 8)
        }
    }

    /// Interpolates between the middles of four cells.
    private func coversSmoothly(_ font: BitmapFont, _ digit: Int, _ column: Int, _ row: Int) -> Bool {
        let (left, right) = ((column - 128) >> 8, (column - 128) & 0xFF)
        let (top, bottom) = ((row - 128) >> 8, (row - 128) & 0xFF)
        var ink = 0
        if font.isInked(digit, left, top) { ink += (256 - right) * (256 - bottom) }
        if font.isInked(digit, left + 1, top) { ink += right * (256 - bottom) }
        if font.isInked(digit, left, top + 1) { ink += (256 - right) * bottom }
        if font.isInked(digit, left + 1, top + 1) { ink += right * bottom }
        return ink >= threshold << 8
    }
}
