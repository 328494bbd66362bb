/// The digits of one typeface, drawn by hand for this project on a small grid.
package struct BitmapFont: Sendable, Equatable {
    /// Columns of the grid.
    package let width: Int
    /// Rows of the grid.
    package let height: Int
    /// Whether a cell is inked, digit by digit, row by row.
    private let cells: [Bool]

    /// `rows` hold the ten digits side by side with one column between them; `#` is ink.
    private init(_ rows: [String]) {
        let rows = rows.map(Array.init)
        height = rows.count
        width = (rows[0].count + 1) / 10 - 1
        let (width, height) = (self.width, self.height)
        cells = (0..<10).flatMap { digit in
            (0..<height).flatMap { row in
                (0..<width).map { rows[row][digit * (width + 1) + $0] == "#" }
            }
        }
    }

    /// Whether the cell of `digit` is inked; cells outside the grid are not.
    package func isInked(_ digit: Int, _ column: Int, _ row: Int) -> Bool {
        guard column >= 0, row >= 0, column < width, row < height else { return false }
        return cells[(digit * height + row) * width + column]
    }

    /// Strokes of one cell, round.
    package static let plain = BitmapFont([
        ".###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###.",
        "#...# .##.. #...# #...# ..##. #.... #...# ....# #...# #...#",
        "#...# ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...#",
        "#...# ..#.. ...#. ..##. #..#. ....# ####. ...#. .###. .####",
        "#...# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#",
        "#...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...# #...#",
        ".###. .###. ##### .###. ...#. .###. .###. .#... .###. .###.",
    ])

    /// Straight strokes, as on a calculator.
    package static let segments = BitmapFont([
        "##### ....# ##### ##### #...# ##### ##### ##### ##### #####",
        "#...# ....# ....# ....# #...# #.... #.... ....# #...# #...#",
        "#...# ....# ....# ....# #...# #.... #.... ....# #...# #...#",
        "#...# ....# ....# ....# #...# #.... #.... ....# #...# #...#",
        "#...# ....# ##### ##### ##### ##### ##### ....# ##### #####",
        "#...# ....# #.... ....# ....# ....# #...# ....# #...# ....#",
        "#...# ....# #.... ....# ....# ....# #...# ....# #...# ....#",
        "#...# ....# #.... ....# ....# ....# #...# ....# #...# ....#",
        "##### ....# ##### ##### ....# ##### ##### ....# ##### #####",
    ])

    /// Strokes of two cells, round.
    package static let wide = BitmapFont([
        ".#####. ...##.. .#####. ######. ....##. ####### ..####. ####### .#####. .#####.",
        "####### ..###.. ####### ####### ...###. ####### .###### ####### ####### #######",
        "##...## .####.. ##...## .....## ..####. ##..... ###.... ....### ##...## ##...##",
        "##...## ...##.. ....### ..####. .##.##. ######. ######. ....##. .#####. ##...##",
        "##...## ...##.. ..####. ..####. ##..##. ####### ####### ...###. .#####. #######",
        "##...## ...##.. .####.. .....## ####### .....## ##...## ...##.. ##...## .######",
        "##...## ...##.. ###.... .....## ####### ##...## ##...## ..###.. ##...## ....###",
        "####### .###### ####### ####### ....##. ####### ####### ..##... ####### ######.",
        ".#####. .###### ####### ######. ....##. .#####. .#####. ..##... .#####. .####..",
    ])

    /// Strokes of one cell with feet and flags.
    package static let serif = BitmapFont([
        "..##.. ..#... .####. .####. ....#. .##### ..###. ###### .####. .####.",
        ".#..#. .##... #....# #....# ...##. .#.... .#...# #....# #....# #....#",
        "#....# #.#... #....# .....# ..#.#. .#.... #..... ....#. #....# #....#",
        "#....# ..#... ....#. ..###. .#..#. .####. #.###. ....#. .####. #....#",
        "#....# ..#... ...#.. .....# #...#. .....# ##...# ...#.. #....# .#####",
        "#....# ..#... ..#... .....# ###### .....# #....# ...#.. #....# .....#",
        ".#..#. ..#... .#...# #....# ....#. #....# #....# ..#... #....# #...#.",
        "..##.. #####. ###### .####. ...### .####. .####. ..#... .####. .###..",
    ])
}

/// How a font's digits are drawn.
struct GlyphLook {
    let font: BitmapFont
    /// Whether corners are rounded.
    let isSmooth: Bool
    /// Of 256: how much ink around a point makes it covered, in smooth looks; less is bolder.
    let threshold: Int
    /// How far the top leans to the right, in eighths of the width.
    let slant: Int

    init(_ rules: HeldOutRules, _ generator: inout SeededGenerator) {
        font = generator.draw(from: rules.fonts)
        isSmooth = generator.draw(0...2) > 0
        threshold = generator.draw(80...120)
        slant = generator.draw(from: [0, 0, 0, 1, 2])
    }

    /// Whether the point in the middle of quarter pixel (`x`, `y`) of a box is covered by `digit`.
    func covers(_ digit: Int, _ x: Int, _ y: Int, width: Int, height: Int) -> Bool {
        // In 256ths of a cell. A leaning digit leaves room for its top.
        let room = width - width * slant / 8
        let shift = width * slant / 8 * (height - 1 - y) / height
        let column = (2 * (x - shift) + 1) * 128 * font.width / room
        let row = (2 * y + 1) * 128 * font.height / height
        guard isSmooth else { return font.isInked(digit, column >> 8, row >> 8) }
        // Between the middles of four cells, by their shares.
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
