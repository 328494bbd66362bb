/// Guesses the next tokens of an answer: those that followed its last tokens where these stood before. This is prompt
/// lookup (Saxena 2023), a kind of speculative decoding (Leviathan et al. 2023).
///
/// A step computes the guesses behind the last token, and tokens are drawn at each of these positions as they would
/// have been drawn one by one: a guess only saves a step where it is the token that is drawn. So answers are the same
/// with and without guesses, whatever the sampling.
package struct PromptLookup {
    /// The most tokens of one guess.
    private let limit: Int
    /// Tokens of the next guess.
    private var length: Int
    /// Steps without a guess after wrong ones.
    private var rest = 0

    /// Last tokens that must have stood together before; more of them first.
    private static let sizes = [3, 2]
    private static let longestRest = 16

    /// - Parameter limit: the most tokens of one guess; 0 for none at all.
    package init(limit: Int) {
        self.limit = limit
        length = limit
    }

    /// A guess at the tokens behind `tokens`, at most `room` of them.
    package mutating func guess(after tokens: [Int32], room: Int) -> ArraySlice<Int32> {
        let count = min(length, room)
        if rest > 0 {
            rest -= 1
        } else if count > 0 {
            for size in Self.sizes where tokens.count > size {
                if let end = Self.lastOccurrence(of: tokens.suffix(size), in: tokens.dropLast()) {
                    return tokens[end..<min(tokens.count, end + count)]
                }
            }
        }
        return []
    }

    /// How many of a guess's tokens were drawn: after right guesses they get longer, after wrong ones shorter, and
    /// rarer.
    package mutating func learn(guessed: Int, right: Int) {
        guard guessed > 0 else { return }
        if right == guessed {
            length = min(limit, 2 * length)
        } else if right == 0 {
            if length == 1 { rest = Self.longestRest }
            length = max(1, length / 2)
        }
    }

    /// The place behind the last occurrence of `part` in `tokens`.
    private static func lastOccurrence(of part: ArraySlice<Int32>, in tokens: ArraySlice<Int32>) -> Int? {
        stride(from: tokens.endIndex, through: tokens.startIndex + part.count, by: -1).first {
            tokens[($0 - part.count)..<$0].elementsEqual(part)
        }
    }
}
