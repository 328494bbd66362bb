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

/// The digits of one typeface, drawn by hand for this project on a small grid.
package struct BitmapFont: Sendable, Equatable {
    /// Columns of the grid.
    package let width: Int
    /// Rows of the grid.
    package let height: Int
    /// Whether a cell has ink, digit by digit, row by row.
    private let cells: [Bool]

    /// `rows` contain the ten digits side by side with one column between them; `#` is ink.
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

    /// Whether the cell of `digit` has ink; cells outside the grid have none.
    package func isInked(_ digit: Int, _ column: Int, _ row: Int) -> Bool {
        guard column >= 0, row >= 0, column < width, row < height else { return false }
        return cells[(digit * height + row) * width + column]
    }

    /// Round strokes of one cell.
    package static let plain = BitmapFont([
        ".###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###.",
        "#...# .##.. #...# #...# ..##. #.... #...# ....# #...# #...#",
        "#...# ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...#",
        "#...# ..#.. ...#. ..##. #..#. ....# ####. ...#. .###. .####",
        "#...# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....#",
        "#...# ..#.. .#... #...# ...#. #...# #...# ..#.. #...# #...#",
        ".###. .###. ##### .###. ...#. .###. .###. .#... .###. .###.",
    ])

    /// Straight strokes, like the digits of a calculator.
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

    /// Round strokes of two cells.
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

/// Digits drawn with a pen. Every typeface is drawn at random, so no two are the same.
///
/// Points are on a grid of 40 by 60 with the origin at the top left, and are displaced by up to three units each.
struct StrokeFont {
    /// A line from one point to the next.
    private struct Segment {
        let x: Int
        let y: Int
        let dx: Int
        let dy: Int
    }

    static let width = 40
    static let height = 60
    /// Half the pen's width.
    let radius: Int
    /// The segments of each digit.
    private let segments: [[Segment]]

    /// Draws a typeface at random. In some typefaces 1, 4 and 7 have feet and flags.
    init(_ generator: inout SplitMix64) {
        radius = generator.draw(2...6)
        let hasFeet = generator.draw(0...2) == 0
        segments = (0..<10).map { digit in
            let strokes = Self.strokes[digit] + (hasFeet ? Self.feet[digit, default: []] : [])
            return strokes.flatMap { Self.segments($0, &generator) }
        }
    }

    private static func segments(_ stroke: [(x: Int, y: Int)], _ generator: inout SplitMix64) -> [Segment] {
        var moved = stroke.map { (x: $0.x + generator.draw(-3...3), y: $0.y + generator.draw(-3...3)) }
        if let first = stroke.first, let last = stroke.last, first == last { moved[moved.count - 1] = moved[0] }
        return zip(moved, moved.dropFirst()).map {
            Segment(x: $0.x, y: $0.y, dx: $1.x - $0.x, dy: $1.y - $0.y)
        }
    }

    /// Whether the pen of `digit` covers a point, given in 256ths of a grid unit.
    func covers(_ digit: Int, _ x: Int, _ y: Int) -> Bool {
        segments[digit].contains { segment in
            let (px, py) = (x - segment.x << 8, y - segment.y << 8)
            let length = segment.dx * segment.dx + segment.dy * segment.dy
            let along = px * segment.dx + py * segment.dy
            if along > 0, along < length << 8 {
                let across = px * segment.dy - py * segment.dx
                return across * across <= radius * radius * length << 16
            }
            let (qx, qy) = along <= 0 ? (px, py) : (px - segment.dx << 8, py - segment.dy << 8)
            return qx * qx + qy * qy <= radius * radius << 16
        }
    }

    private static let strokes: [[[(x: Int, y: Int)]]] = [
        [[(20, 3), (31, 7), (37, 18), (37, 42), (31, 53), (20, 57), (9, 53), (3, 42), (3, 18), (9, 7), (20, 3)]],
        [[(9, 14), (21, 3), (21, 57)]],
        [[(4, 16), (8, 6), (20, 3), (32, 6), (36, 16), (32, 28), (4, 57), (37, 57)]],
        [
            [(4, 10), (12, 4), (22, 3), (32, 7), (35, 16), (31, 25), (19, 28)],
            [(19, 28), (32, 32), (37, 43), (32, 53), (20, 57), (9, 55), (3, 48)],
        ],
        [[(29, 57), (29, 3), (3, 41), (37, 41)]],
        [[(34, 3), (8, 3), (6, 27), (20, 23), (33, 28), (37, 41), (32, 53), (19, 57), (8, 55), (3, 48)]],
        [
            [
                (33, 6), (22, 3), (10, 12), (4, 30), (5, 45), (10, 54), (20, 57), (31, 54), (37, 42), (32, 29),
                (21, 25), (10, 29), (5, 40),
            ]
        ],
        [[(3, 3), (37, 3), (16, 57)]],
        [
            [(20, 28), (8, 23), (5, 14), (10, 6), (20, 3), (30, 6), (35, 14), (32, 23), (20, 28)],
            [(20, 28), (33, 34), (37, 44), (32, 54), (20, 57), (8, 54), (3, 44), (7, 34), (20, 28)],
        ],
        [
            [
                (7, 54), (18, 57), (30, 48), (36, 30), (35, 15), (30, 6), (20, 3), (9, 6), (3, 18), (8, 31), (19, 35),
                (30, 31), (35, 20),
            ]
        ],
    ]

    private static let feet: [Int: [[(x: Int, y: Int)]]] = [
        1: [[(9, 57), (33, 57)]], 4: [[(20, 57), (37, 57)]], 7: [[(3, 3), (3, 13)]],
    ]
}
