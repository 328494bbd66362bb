/// Characters put together to lines of text.
package struct TextLines {
    /// The characters of each line from left to right, the upper lines first.
    private var lines: [[ReadCharacter]]

    /// Characters of a line differ by no more in height from the one before, in pixels.
    private static let tolerance: Float = 10

    /// Text is large from so many pixels between the middles of characters.
    private static let large: Float = 15

    /// Of two equal neighbours nearer than this share of their width, one was read twice.
    private static let double: Float = 0.52

    /// The text from top to bottom, with separators between columns, and the names of a table's columns at its cells.
    package var text: String {
        var text = ""
        for cells in TextColumns(shown).cells.withColumnNames() where !cells.isEmpty {
            let line = cells.map(\.text).joined(separator: " | ")
            guard text.utf8.count + line.utf8.count < TextReader.maximumCharacters else { break }
            text += (text.isEmpty ? "" : "\n") + line
        }
        return text
    }

    /// The upper lines, up to the limit of a text.
    private var shown: [[ReadCharacter]] {
        var count = 0
        return Array(
            lines.prefix {
                count += $0.count
                return count <= TextReader.maximumCharacters
            })
    }

    /// The lines of these characters, in any order.
    package init(_ characters: [ReadCharacter]) {
        lines = []
        for character in characters.sorted(by: { ($0.x, $0.y) < ($1.x, $1.y) }) {
            let near = lines.indices
                .map { (line: $0, distance: abs((lines[$0].last?.y ?? 0) - character.y)) }
                .filter { $0.distance <= Self.tolerance }
                .min { $0.distance < $1.distance }
            if let near { lines[near.line].append(character) } else { lines.append([character]) }
        }
        lines = lines.map(Self.withoutDoubles)
        sort()
    }

    /// Puts the lines of large text in the place of what was read there: `coarse` has the lines of the same image at a
    /// `scale`-th of its size, in which large text is of the size that the encoder reads best.
    ///
    /// Small text is lost in the smaller image. So a line must have nearly as many characters as were read in its
    /// place.
    package mutating func replaceLargeText(by coarse: TextLines, scale: Float) {
        for line in coarse.lines {
            let line = line.map { ReadCharacter(scalar: $0.scalar, x: $0.x * scale, y: $0.y * scale) }
            let inked = line.filter { $0.scalar != " " }
            let advance = Self.advance(of: inked)
            guard inked.count > 1, advance >= Self.large, advance < .infinity else { continue }
            let height = Self.height(of: line)
            func isThere(_ character: ReadCharacter) -> Bool {
                abs(character.y - height) < advance && character.x > inked[0].x - advance
                    && character.x < (inked.last?.x ?? 0) + advance
            }
            let before = lines.reduce(0) { $0 + $1.count { $0.scalar != " " && isThere($0) } }
            guard Float(inked.count) >= 0.8 * Float(before) else { continue }
            lines = lines.map { $0.filter { !isThere($0) } }.filter { !$0.isEmpty } + [line]
        }
        sort()
    }

    private mutating func sort() {
        lines.sort { (Self.height(of: $0), $0[0].x) < (Self.height(of: $1), $1[0].x) }
    }

    static func height(of line: [ReadCharacter]) -> Float {
        line.reduce(0) { $0 + $1.y } / Float(line.count)
    }

    /// The size of a line's font in pixels, from the distances of the characters in its words; 0 for single characters.
    private static func size(_ line: [ReadCharacter]) -> Float {
        let advance = advance(of: line)
        var (distance, ems): (Float, Float) = (0, 0)
        for (before, next) in zip(line, line.dropFirst())
        where before.scalar != " " && next.scalar != " " && next.x - before.x < 2 * advance {
            distance += next.x - before.x
            ems += (width(before.scalar) + width(next.scalar)) / 2
        }
        return ems > 0 ? distance / ems : 0
    }

    /// The line without characters that were read twice: two equal ones with too little room for one.
    private static func withoutDoubles(_ line: [ReadCharacter]) -> [ReadCharacter] {
        let size = size(line)
        return line.enumerated().filter { index, character in
            guard index > 0, line[index - 1].scalar == character.scalar else { return true }
            return character.x - line[index - 1].x >= double * width(character.scalar) * size
        }.map(\.element)
    }

    /// About how wide a character is in most fonts, in ems.
    private static func width(_ scalar: Unicode.Scalar) -> Float {
        switch scalar {
        case "i", "j", "l", "t", "f", "r", "I", ".", ",", ":", ";", "'", "!", "|", "(", ")", "[", "]", "-": 0.3
        case "m", "w", "M", "W", "@", "%": 0.85
        case "A"..."Z": 0.68
        default: 0.54
        }
    }

    /// The median distance of neighbours in a line, in pixels; infinite for a single character.
    static func advance(of line: [ReadCharacter]) -> Float {
        let line = line.filter { $0.scalar != " " }
        let gaps = zip(line, line.dropFirst()).map { $1.x - $0.x }.sorted()
        return gaps.isEmpty ? .infinity : max(4, gaps[gaps.count / 2])
    }
}
