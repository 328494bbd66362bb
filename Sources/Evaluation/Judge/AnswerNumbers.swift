/// Numbers as digits and in words.
enum AnswerNumbers {
    /// A number among tokens.
    struct Found: Equatable {
        /// Its value; nil if it has too many digits.
        let value: Int?
        /// Its digits: as written, or those of the value.
        let digits: String
        /// Its tokens.
        let range: Range<Int>
    }

    /// The number that begins at `start`: one token of digits, or the longest run of number words that makes one number
    /// ("four hundred and two" does; "four two" is two numbers).
    static func number(in tokens: [String], at start: Int) -> Found? {
        let token = tokens[start]
        if token.allSatisfy({ ("0"..."9").contains($0) }) {
            return Found(value: Int(token), digits: token, range: start..<(start + 1))
        }
        var (total, current, index) = (0, 0, start)
        // Bound that the last word sets: the next number word must be below this.
        var room = 1_000_000
        while index < tokens.count {
            let word = tokens[index]
            if let unit = units[word], unit < room, unit > 0 || index == start {
                current += unit
                room = 0
            } else if let ten = tens[word], room >= 100 {
                current += ten
                room = 10
            } else if word == "hundred", (1...9).contains(current) || index == start {
                current = max(current, 1) * 100
                room = 100
            } else if word == "thousand", total == 0, current > 0 || index == start {
                total = max(current, 1) * 1000
                (current, room) = (0, 1000)
            } else if word == "and", room == 100 || room == 1000, index > start, index + 1 < tokens.count,
                units[tokens[index + 1]] != nil || tens[tokens[index + 1]] != nil
            {
                index += 1
                continue
            } else {
                break
            }
            index += 1
        }
        guard index > start else { return nil }
        return Found(value: total + current, digits: String(total + current), range: start..<index)
    }

    /// All numbers, from left to right. "One" as a pronoun ("the red one", "this one", "no one") is not a number.
    static func all(in tokens: [String]) -> [Found] {
        var found: [Found] = []
        var index = 0
        while index < tokens.count {
            if let number = number(in: tokens, at: index), !isPronoun(tokens, number) {
                found.append(number)
                index = number.range.upperBound
            } else {
                index += 1
            }
        }
        return found
    }

    private static func isPronoun(_ tokens: [String], _ number: Found) -> Bool {
        guard tokens[number.range.lowerBound] == "one", number.range.count == 1, number.range.lowerBound > 0 else {
            return false
        }
        let before = tokens[number.range.lowerBound - 1]
        return ["the", "this", "that", "which", "each", "every", "no", "any", "another", "other", "not"]
            .contains(before) || AnswerVocabulary.isAdjective(before)
    }

    private static let units: [String: Int] = Dictionary(
        uniqueKeysWithValues: [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
            "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        ].enumerated().map { ($1, $0) })

    private static let tens: [String: Int] = Dictionary(
        uniqueKeysWithValues: ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
            .enumerated().map { ($1, 10 * ($0 + 2)) })
}
