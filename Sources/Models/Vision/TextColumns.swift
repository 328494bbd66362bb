/// Where the lines of a text part into columns.
///
/// A wide gap in a line parts its columns. The columns of a table are often nearer to each other in other lines, where
/// one of them has a long text, so that each wide gap is followed upwards and downwards through the lines: a gap there
/// parts columns too if it lies in the same strip and what stands beside it is aligned. The cells of a table so have
/// the same separators in all of its lines.
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
        let gaps: [Gap]
        let start: Float
        let height: Float
        let advance: Float
        /// The last middles of its words.
        let ends: [Float]
        var end: Float { ends.last ?? 0 }
    }

    /// A gap of so many middle advances is a space, and of so many a new column.
    private static let space: Float = 2.1
    private static let column: Float = 3.4
    /// Neighbouring lines of a table are at most so many advances apart.
    private static let pitch: Float = 7
    /// What is aligned differs by at most so many advances.
    private static let alignment: Float = 1

    private let lines: [Line]
    /// For each line the gaps that part columns, counted from 0 on, and `emptyColumn`.
    private var breaks: [Set<Int>]
    /// Stands for a column to the left of a line's first character that is empty there.
    private static let emptyColumn = -1

    /// The columns of these lines, from the uppermost to the lowest.
    init(_ lines: [[ReadCharacter]]) {
        self.lines = lines.map(Self.line)
        breaks = self.lines.map { line in Set(line.gaps.indices.filter { line.gaps[$0].isWide }) }
        let seeds = breaks
        for line in lines.indices {
            for gap in seeds[line] {
                follow(gap, from: line, by: 1)
                follow(gap, from: line, by: -1)
            }
        }
    }

    /// What stands before the character `index` of a line, counted without spaces.
    func separator(before index: Int, in line: Int) -> String {
        guard index > 0 else { return breaks[line].contains(Self.emptyColumn) ? "| " : "" }
        if breaks[line].contains(index - 1) { return " | " }
        return lines[line].gaps[index - 1].isSpace ? " " : ""
    }

    private static func line(_ characters: [ReadCharacter]) -> Line {
        let inked = characters.filter { $0.scalar != " " }
        let advance = TextLines.advance(of: inked)
        let gaps = zip(inked, inked.dropFirst()).map { before, next in
            let width = next.x - before.x
            let hasSpace = characters.contains { $0.scalar == " " && $0.x > before.x && $0.x < next.x }
            return Gap(
                start: before.x, end: next.x, isWide: width > column * advance,
                isSpace: hasSpace || width > space * advance)
        }
        let ends = gaps.filter(\.isSpace).map(\.start) + [inked.last?.x ?? 0]
        return Line(
            gaps: gaps, start: inked.first?.x ?? 0, height: TextLines.height(of: characters), advance: advance,
            ends: ends)
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
            let near = line.gaps.indices.filter { line.gaps[$0].isSpace && shared(line.gaps[$0]) > line.advance }
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
