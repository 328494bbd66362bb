/// Guesses the next tokens of an answer: it finds an earlier occurrence of the last tokens, and proposes the tokens
/// that followed there. This is prompt lookup (Saxena 2023), a kind of speculative decoding (Leviathan et al. 2023).
///
/// A step computes the guesses after the last token, and samples a token at each of these positions just as it would
/// one by one: a guess saves a step only if it equals the sampled token. So answers are the same with and without
/// guesses, for any sampling.
package struct PromptLookup {
    /// The maximum length of a guess.
    private let limit: Int
    /// The length of the next guess.
    private var length: Int
    /// Steps to skip guessing after wrong guesses.
    private var rest = 0

    /// The numbers of last tokens to look for, the larger one first.
    private static let sizes = [3, 2]
    private static let longestRest = 16

    /// - Parameter limit: the maximum length of a guess; 0 turns guessing off.
    package init(limit: Int) {
        self.limit = limit
        length = limit
    }

    /// A guess at the tokens after `tokens`, limited to `room` tokens.
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

    /// Adapts to the number of right tokens in a guess: after right guesses the next ones get longer, after wrong
    /// guesses shorter and rarer.
    package mutating func learn(guessed: Int, right: Int) {
        guard guessed > 0 else { return }
        if right == guessed {
            length = min(limit, 2 * length)
        } else if right == 0 {
            if length == 1 { rest = Self.longestRest }
            length = max(1, length / 2)
        }
    }

    /// The index after the last occurrence of `part` in `tokens`.
    private static func lastOccurrence(of part: ArraySlice<Int32>, in tokens: ArraySlice<Int32>) -> Int? {
        stride(from: tokens.endIndex, through: tokens.startIndex + part.count, by: -1).first {
            tokens[($0 - part.count)..<$0].elementsEqual(part)
        }
    }
}
