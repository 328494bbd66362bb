/// The columns of a text.
///
/// A wide gap separates columns. In other lines of a table the same gap may be narrow. So each wide gap is followed up
/// and down: a gap in the same strip also separates columns if the text behind it is aligned. All lines of a table then
/// have the same separators.
struct TextColumns {
    /// A gap between two neighbouring characters of a line.
    private struct Gap {
        /// The middles of the characters beside it, in pixels.
        let start: Float
        let end: Float
        /// Whether it is as wide as a column's gap.
        let isWide: Bool
        /// Whether it parts words.
        let isSpace: Bool
    }

    private struct Line {
        /// The characters without spaces.
        let inked: [ReadCharacter]
        let gaps: [Gap]
        let start: Float
        let height: Float
        let advance: Float
        /// The middle of each word's last character.
        let ends: [Float]
        var end: Float { ends.last ?? 0 }

        /// The gaps that reach into a strip, found by binary search: a page may have many characters.
        func gaps(from start: Float, to end: Float) -> Range<Int> {
            func first(where isThere: (Gap) -> Bool) -> Int {
                var (low, high) = (0, gaps.count)
                while low < high {
                    let middle = (low + high) / 2
                    if isThere(gaps[middle]) { high = middle } else { low = middle + 1 }
                }
                return low
            }
            let lower = first { $0.end > start }
            return lower..<max(lower, first { $0.start >= end })
        }
    }

    /// A gap of more advances than this is a space.
    private static let space: Float = 2.1
    /// A gap of more advances than this separates columns.
    private static let column: Float = 3.4
    /// Neighbouring lines of a table are at most this many advances apart.
    private static let pitch: Float = 7
    /// Aligned positions differ by at most this many advances.
    private static let alignment: Float = 1

    private let lines: [Line]
    /// For each line the gaps that part columns, counted from 0 on, and `emptyColumn`.
    private var breaks: [Set<Int>]
    /// Stands for a column to the left of a line's first character that is empty there.
    private static let emptyColumn = -1

    /// The columns of these lines, from the uppermost to the lowest.
    init(_ lines: [[ReadCharacter]]) {
        let advances = lines.map(TextLines.advance)
        let known = advances.filter { $0 < .infinity }.sorted()
        // The median gap of a row of single characters is that between columns.
        let widest = known.isEmpty ? .infinity : 3 * known[known.count / 2]
        self.lines = zip(lines, advances).map { Self.line($0, advance: min($1, widest)) }
        breaks = self.lines.map { line in Set(line.gaps.indices.filter { line.gaps[$0].isWide }) }
        let seeds = breaks
        for line in lines.indices {
            for gap in seeds[line] {
                follow(gap, from: line, by: 1)
                follow(gap, from: line, by: -1)
            }
        }
    }

    /// The cells of each line.
    var cells: [[TextCell]] { lines.indices.map { cells(line: $0) } }

    /// The cells of a line, one for each column that has text in it. One empty cell stands for empty columns before
    /// them.
    private func cells(line: Int) -> [TextCell] {
        var cells: [TextCell] = []
        for (index, character) in lines[line].inked.enumerated() {
            if index == 0, breaks[line].contains(Self.emptyColumn) { cells.append(TextCell()) }
            if index == 0 || breaks[line].contains(index - 1) {
                cells.append(TextCell(text: "", start: character.x, end: character.x))
            } else if lines[line].gaps[index - 1].isSpace {
                cells[cells.count - 1].text += " "
            }
            cells[cells.count - 1].text.unicodeScalars.append(character.scalar)
            cells[cells.count - 1].end = character.x
        }
        return cells
    }

    private static func line(_ characters: [ReadCharacter], advance: Float) -> Line {
        var (inked, gaps): ([ReadCharacter], [Gap]) = ([], [])
        var hasSpace = false
        for character in characters {
            guard character.scalar != " " else {
                hasSpace = true
                continue
            }
            if let before = inked.last {
                let width = character.x - before.x
                gaps.append(
                    Gap(
                        start: before.x, end: character.x, isWide: width > column * advance,
                        isSpace: hasSpace || width > space * advance))
            }
            inked.append(character)
            hasSpace = false
        }
        let ends = gaps.filter(\.isSpace).map(\.start) + [inked.last?.x ?? 0]
        return Line(
            inked: inked, gaps: gaps, start: inked.first?.x ?? 0, height: TextLines.height(of: characters),
            advance: advance, ends: ends)
    }

    /// Follows a wide gap through the lines above or below, and marks the gaps that part the same columns.
    private mutating func follow(_ gap: Int, from first: Int, by step: Int) {
        let seed = lines[first].gaps[gap]
        let seedEnd = end(ofColumnBehind: gap, in: first)
        var strip = (start: seed.start, end: seed.end)
        var (last, index) = (lines[first].height, first + step)
        while lines.indices.contains(index) {
            let line = lines[index]
            guard abs(line.height - last) < Self.pitch * max(line.advance, lines[first].advance) else { return }
            defer { index += step }
            if line.start >= strip.end {
                breaks[index].insert(Self.emptyColumn)
                continue
            }
            if line.end <= strip.start { continue }
            func shared(_ gap: Gap) -> Float { min(gap.end, strip.end) - max(gap.start, strip.start) }
            let near = line.gaps(from: strip.start, to: strip.end)
                .filter { line.gaps[$0].isSpace && shared(line.gaps[$0]) > line.advance }
            guard let found = near.max(by: { shared(line.gaps[$0]) < shared(line.gaps[$1]) }) else { return }
            let gap = line.gaps[found]
            guard gap.isWide || isAligned(gap, in: line, start: seed.end, end: seedEnd) else { return }
            breaks[index].insert(found)
            strip = (max(strip.start, gap.start), min(strip.end, gap.end))
            last = line.height
        }
    }

    private func end(ofColumnBehind gap: Int, in line: Int) -> Float {
        lines[line].gaps[(gap + 1)...].first { $0.isWide }?.start ?? lines[line].end
    }

    /// Whether a text behind the gap begins where a column begins, ends where it ends, or has the same middle.
    private func isAligned(_ gap: Gap, in line: Line, start: Float, end: Float) -> Bool {
        let distance = Self.alignment * line.advance
        return abs(gap.end - start) <= distance
            || line.ends.contains { $0 >= gap.end && abs($0 - end) <= distance }
            || line.ends.contains { $0 >= gap.end && abs((gap.end + $0) - (start + end)) <= distance }
    }
}

/// The text of a line in one column.
struct TextCell {
    var text = ""
    /// The middles of its first and last characters, in pixels.
    var start: Float = 0
    var end: Float = 0

    fileprivate var hasDigits: Bool { text.contains { $0.isNumber } }

    /// The pixels that two cells share across; negative for their distance.
    fileprivate func shared(_ other: TextCell) -> Float { min(end, other.end) - max(start, other.start) }
}

extension [[TextCell]] {
    /// Writes the name of its column before each cell of a table, as "Price: $3.20", so that a value is found without
    /// counting columns.
    ///
    /// A line of three cells or more, each with a letter and none with a digit, names the columns of the lines below
    /// that have several cells, each in a column of its own, if one of them has as many cells and a digit. The first
    /// column names the rows, and its cells stay as they are.
    func withColumnNames() -> [[TextCell]] {
        var lines = self
        for first in indices where self[first].areNames {
            let names = self[first]
            let body = self[(first + 1)...].prefix { !$0.areNames && !$0.names(among: names).isEmpty }
            guard body.contains(where: { $0.count >= names.count && $0.contains(where: \.hasDigits) }) else { continue }
            for line in body.indices {
                for (cell, name) in self[line].names(among: names) {
                    lines[line][cell].text = "\(names[name].text): \(self[line][cell].text)"
                }
            }
        }
        return lines
    }
}

extension [TextCell] {
    /// Longer texts name no columns.
    private static var longestName: Int { 40 }

    /// Whether these cells can name the columns of a table; the first may be empty.
    fileprivate var areNames: Bool {
        count > 2
            && enumerated().allSatisfy { index, cell in
                let isWord = cell.text.contains { $0.isLetter } && !cell.text.contains { $0.isNumber }
                return index == 0 && cell.text.isEmpty || isWord && cell.text.utf8.count <= Self.longestName
            }
    }

    /// The cells behind the first one, each with the name of its column: the one that covers most of it, or else the
    /// nearest one. Empty if two cells have the same name: they are no line of that table.
    fileprivate func names(among names: [TextCell]) -> [(cell: Int, name: Int)] {
        let found = indices.dropFirst().compactMap { cell in
            names.indices.dropFirst().max { self[cell].shared(names[$0]) < self[cell].shared(names[$1]) }
                .map { (cell: cell, name: $0) }
        }
        return Set(found.map(\.name)).count == found.count ? found : []
    }
}
