/// Characters put together to lines of text.
package struct TextLines {
    /// The characters of each line from left to right, the upper lines first.
    private var lines: [[ReadCharacter]]

    /// Characters of a line differ by no more in height from the one before, in pixels.
    private static let tolerance: Float = 10
    /// A gap of so many middle advances is a space, and of so many a new column.
    private static let space: Float = 2.1
    private static let column: Float = 4
    /// Stands between the columns of a line.
    private static let separator = " | "

    /// Text is large from so many pixels between the middles of characters.
    private static let large: Float = 15

    /// The text from top to bottom. A wide gap in a line is a separator.
    package var text: String {
        var text = ""
        for line in lines {
            let line = Self.text(line)
            guard !line.isEmpty else { continue }
            guard text.utf8.count + line.utf8.count < TextReader.maximumCharacters else { break }
            text += (text.isEmpty ? "" : "\n") + line
        }
        return text
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

    private static func height(of line: [ReadCharacter]) -> Float {
        line.reduce(0) { $0 + $1.y } / Float(line.count)
    }

    private static func text(_ line: [ReadCharacter]) -> String {
        let inked = line.filter { $0.scalar != " " }
        guard let first = inked.first else { return "" }
        let advance = advance(of: inked)
        var text = String(first.scalar)
        for (before, next) in zip(inked, inked.dropFirst()) {
            let gap = next.x - before.x
            let hasSpace = line.contains { $0.scalar == " " && $0.x > before.x && $0.x < next.x }
            if gap > column * advance {
                text += separator
            } else if hasSpace || gap > space * advance {
                text += " "
            }
            text.unicodeScalars.append(next.scalar)
        }
        return text
    }

    /// The middle distance of neighbours in a line, in pixels.
    private static func advance(of line: [ReadCharacter]) -> Float {
        let gaps = zip(line, line.dropFirst()).map { $1.x - $0.x }.sorted()
        return gaps.isEmpty ? .infinity : max(4, gaps[gaps.count / 2])
    }
}
