/// What a simulated labeler makes of an answer that reads text, numbers and times off an image.
struct LabeledReading {
    private let text: String
    private let words: [String]

    init(_ text: String) {
        self.text = text.lowercased()
        words = self.text.split { !($0.isLetter || $0.isNumber) }.map(String.init)
    }

    /// How well the answer repeats `truth`, 0 to 1: labelers look at letters and digits, not at case or marks, and the
    /// answer may have other words around the text. Each wrong character costs twice its share.
    func likeness(to truth: String) -> Double {
        let wanted = Array(truth.lowercased().filter { $0.isLetter || $0.isNumber })
        guard !wanted.isEmpty else { return text.contains(truth) ? 1 : 0 }
        let said = Array(text.filter { $0.isLetter || $0.isNumber })
        return max(0, 1 - 2 * Double(Self.misses(of: wanted, in: said)) / Double(wanted.count))
    }

    /// The least edits that turn a part of `said` into `wanted` (Sellers 1980: the part may begin and end anywhere).
    private static func misses(of wanted: [Character], in said: [Character]) -> Int {
        var column = Array(0...wanted.count)
        var best = column[wanted.count]
        for character in said {
            var diagonal = column[0]
            for row in wanted.indices {
                let kept = diagonal + (wanted[row] == character ? 0 : 1)
                diagonal = column[row + 1]
                column[row + 1] = min(kept, column[row] + 1, diagonal + 1)
            }
            best = min(best, column[wanted.count])
        }
        return best
    }

    /// Whether one of the numbers in digits, or a small number word, is within a distance of `number`.
    func gives(_ number: Double, within: Double) -> Bool {
        let written = text.split { !($0.isNumber || $0 == "." || $0 == ",") }.flatMap { part in
            let bare = part.trimmingPrefix { !$0.isNumber }
            let point = bare.last.map { $0.isNumber } == true ? String(bare) : String(bare.dropLast())
            // A comma is a decimal point to some, and nothing to others.
            return [
                Double(point.filter { $0 != "," }), Double(point.split(separator: ",").joined(separator: ".")),
            ].compactMap { $0 }
        }
        let spoken = words.compactMap { word in Self.numberWords.firstIndex(of: word).map(Double.init) }
        return (written + spoken).contains { abs($0 - number) <= within + 1e-9 }
    }

    /// Whether the answer has the digits of a time, one after the other.
    func givesTime(hour: Int, minute: Int) -> Bool {
        let numbers = words.compactMap { Int($0) }
        let pairs = zip(numbers, numbers.dropFirst())
        return pairs.contains { $0 == (hour, minute) } || minute == 0 && numbers == [hour]
    }

    /// The share of `phrases` that occur, minus that of `others` that do.
    func share(of phrases: [String], without others: [String]) -> Double {
        guard !phrases.isEmpty else { return 0 }
        let found = phrases.count { text.contains($0.lowercased()) }
        let wrong = others.count { other in
            text.contains(other.lowercased())
                && !phrases.contains { $0.lowercased().contains(other.lowercased()) }
        }
        return max(0, Double(found - wrong) / Double(phrases.count))
    }

    private static let numberWords = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    ]
}
