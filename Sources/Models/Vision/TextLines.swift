/// Puts characters together to lines of text.
package enum TextLines {
    /// Characters of a line differ by no more in height from the one before, in pixels.
    private static let tolerance: Float = 7
    /// A gap of so many middle advances is a space, and of so many a new column.
    private static let space: Float = 1.75
    private static let column: Float = 4
    /// Stands between the columns of a line.
    private static let separator = " | "

    /// The lines from top to bottom, each from left to right. A wide gap in a line is a separator.
    package static func text(of characters: [ReadCharacter]) -> String {
        var text = ""
        for line in lines(of: characters) {
            let line = Self.text(line)
            guard !line.isEmpty else { continue }
            guard text.utf8.count + line.utf8.count < TextReader.maximumCharacters else { break }
            text += (text.isEmpty ? "" : "\n") + line
        }
        return text
    }

    /// The characters of each line, from left to right.
    private static func lines(of characters: [ReadCharacter]) -> [[ReadCharacter]] {
        var lines: [[ReadCharacter]] = []
        for character in characters.sorted(by: { ($0.x, $0.y) < ($1.x, $1.y) }) {
            let near = lines.indices
                .map { (line: $0, distance: abs((lines[$0].last?.y ?? 0) - character.y)) }
                .filter { $0.distance <= tolerance }
                .min { $0.distance < $1.distance }
            if let near { lines[near.line].append(character) } else { lines.append([character]) }
        }
        func height(_ line: [ReadCharacter]) -> Float { line.reduce(0) { $0 + $1.y } / Float(line.count) }
        return lines.sorted { (height($0), $0[0].x) < (height($1), $1[0].x) }
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
